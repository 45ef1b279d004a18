// SPDX-License-Identifier: Apache-2.0

//go:build linux

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

// floor is the least that a login could cost: its four requests, with the ping
// beside the ID token, and one file that is on the disk before it has its name.
func floor() {
	registry := os.Getenv(registryVariable)
	proof := make(chan string)
	go func() { proof <- ping("https://" + registry + "/v2/") }()
	idToken := token(os.Getenv(urlVariable)+"&audience=quay", "bearer "+os.Getenv(tokenVariable))
	realm := <-proof
	auth := basic(token("https://"+registry+"/oauth2/federation/robot/token", "Basic "+basic(idToken)))
	token(realm, "Basic "+auth)
	text := must(json.Marshal(map[string]any{"auths": map[string]any{registry: map[string]string{"auth": auth}}}))
	path := os.Getenv("DOCKER_CONFIG") + "/config.json"
	file := must(os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600))
	must(file.Write(text))
	must(0, file.Sync())
	must(0, file.Close())
	must(0, os.Rename(path+".new", path))
}

func basic(token string) string {
	return base64.StdEncoding.EncodeToString([]byte("acme+ci:" + token))
}

// ping returns the address of the registry's token endpoint.
func ping(address string) string {
	response, _ := get(address, "")
	parts := strings.Split(response.Header.Get("WWW-Authenticate"), `"`) // Bearer realm="…",service="…"
	return parts[1] + "?service=" + url.QueryEscape(parts[3])
}

func token(address, authorization string) string {
	response, body := get(address, authorization)
	var answer struct{ Value, Token string }
	must(0, json.Unmarshal(body, &answer))
	if answer.Value+answer.Token == "" {
		panic(address + ": " + response.Status)
	}
	return answer.Value + answer.Token
}

func get(address, authorization string) (*http.Response, []byte) {
	request := must(http.NewRequest(http.MethodGet, address, nil))
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response := must(http.DefaultClient.Do(request))
	body := must(io.ReadAll(response.Body))
	must(0, response.Body.Close())
	return response, body
}
