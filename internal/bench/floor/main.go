// SPDX-License-Identifier: Apache-2.0

// Floor is the least that a login could cost: the four requests of a login, the
// registry's ping beside GitHub's answer, with the system's trust roots, and one
// file that is safe on the disk before it has its name. It has no care for
// anything that may go wrong. The benchmark measures the real program against it.
package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	registry := os.Getenv("QUAY_REGISTRY")
	realm := make(chan string)
	go func() { realm <- ping("https://" + registry + "/v2/") }()
	idToken := get(os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL")+"&audience=quay", "bearer "+os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"), "value")
	proof := <-realm
	robotToken := get("https://"+registry+"/oauth2/federation/robot/token", "Basic "+encoded(idToken), "token")
	auth := encoded(robotToken)
	get(proof, "Basic "+auth, "token")
	text, err := json.Marshal(map[string]any{"auths": map[string]any{registry: map[string]string{"auth": auth}}})
	check(err)
	write(os.Getenv("DOCKER_CONFIG")+"/config.json", text)
}

func encoded(token string) string {
	return base64.StdEncoding.EncodeToString([]byte("acme+ci:" + token))
}

// ping gives the address that the registry wants a login to be shown at.
func ping(address string) string {
	response, _ := do(address, "")
	part := func(name string) string {
		_, rest, _ := strings.Cut(response.Header.Get("WWW-Authenticate"), name+`="`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	return part("realm") + "?service=" + url.QueryEscape(part("service"))
}

// get asks for a token.
func get(address, authorization, key string) string {
	response, body := do(address, authorization)
	if response.StatusCode != http.StatusOK {
		panic(address + ": " + response.Status)
	}
	var fields map[string]any
	check(json.Unmarshal(body, &fields))
	value, _ := fields[key].(string)
	return value
}

func do(address, authorization string) (*http.Response, []byte) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	check(err)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	check(err)
	body, err := io.ReadAll(response.Body)
	check(err)
	check(response.Body.Close())
	return response, body
}

func write(path string, text []byte) {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	check(err)
	_, err = file.Write(text)
	check(err)
	check(file.Sync())
	check(file.Close())
	check(os.Rename(path+".new", path))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
