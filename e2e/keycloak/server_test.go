// SPDX-License-Identifier: Apache-2.0

package keycloak

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"quay-keyless/e2e/lab"
)

// server is a running Keycloak with the realms of testdata.
type server struct {
	url     string // https://127.0.0.1:PORT
	ca      []byte // PEM
	client  *http.Client
	process *exec.Cmd
	lines   chan string
	ready   func() error // see wait
}

const admin, adminPassword = "admin", "PASSWORD-OF-ADMIN"

// start starts Keycloak from its folder, with a certificate of its own, on a
// free port and with a database in memory.
func start(home, folder string) (*server, error) {
	port, err := lab.FreePort()
	if err != nil {
		return nil, err
	}
	managementPort, err := lab.FreePort()
	if err != nil {
		return nil, err
	}
	s := &server{url: "https://127.0.0.1:" + port, lines: make(chan string, 1000)}
	certificate, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if s.ca, err = selfSigned(certificate, key); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.ca)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: time.Minute}
	s.ready = sync.OnceValue(s.wait)
	s.process = exec.Command(filepath.Join(home, "bin", "kc.sh"), "start", "--optimized", "--cache", "local",
		"--hostname", s.url, "--https-port", port, "--http-host", "127.0.0.1", "--http-management-port", managementPort,
		"--https-certificate-file", certificate, "--https-certificate-key-file", key)
	s.process.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME="+admin, "KC_BOOTSTRAP_ADMIN_PASSWORD="+adminPassword)
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the script's Java too
	output, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.process.Stderr = s.process.Stdout
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			select {
			case s.lines <- scanner.Text():
			default: // nobody reads them any more
			}
		}
	}()
	return s, nil
}

// selfSigned writes a server's certificate and key, and gives the certificate.
func selfSigned(certificate, key string) ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "keycloak"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return ca, errors.Join(os.WriteFile(certificate, ca, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600))
}

// wait waits until Keycloak says that it is done, and imports the realms. It fills its
// database beside starting its server: either may come first.
func (s *server) wait() error {
	late := time.After(8 * time.Minute)
	var said []string
	for filled, listens := false, false; !filled || !listens; {
		select {
		case line, more := <-s.lines:
			if !more {
				return fmt.Errorf("it ended:\n%s", strings.Join(said, "\n"))
			}
			said = append(said, line)
			filled = filled || strings.Contains(line, "Bootstrap completed")
			listens = listens || strings.Contains(line, "Listening on:")
		case <-late:
			return fmt.Errorf("it takes too long:\n%s", strings.Join(said, "\n"))
		}
	}
	for _, realm := range []string{"realm", "elliptic"} {
		text, err := os.ReadFile(filepath.Join("testdata", realm+".json"))
		if err != nil {
			return err
		}
		if _, err := s.administer(http.MethodPost, "/admin/realms", text); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) stop() {
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
	_ = s.process.Wait()
}

// issuer is a realm's issuer.
func (s *server) issuer(realm string) string { return s.url + "/realms/" + realm }

// tokens asks a realm's token endpoint, as curl would.
func (s *server) tokens(realm string, form url.Values) (map[string]any, error) {
	response, err := s.client.PostForm(s.issuer(realm)+"/protocol/openid-connect/token", form)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d: %v", response.StatusCode, answer)
	}
	return answer, nil
}

// administer asks the admin API.
func (s *server) administer(method, path string, body []byte) ([]byte, error) {
	answer, err := s.tokens("master", url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {admin}, "password": {adminPassword}})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", fmt.Sprint("Bearer ", answer["access_token"]))
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: HTTP %d: %s", method, path, response.StatusCode, text)
	}
	return text, err
}

// rotate gives the realm a new RSA key and takes the old ones away.
func (s *server) rotate(realm string) error {
	const keys = "org.keycloak.keys.KeyProvider"
	text, err := s.administer(http.MethodGet, "/admin/realms/"+realm+"/components?type="+keys, nil)
	if err != nil {
		return err
	}
	var components []struct{ ID, ProviderID, ParentID string }
	if err := json.Unmarshal(text, &components); err != nil {
		return err
	}
	if len(components) == 0 {
		return errors.New("the realm has no keys")
	}
	fresh, err := json.Marshal(map[string]any{
		"name": "rsa-" + rand.Text(), "providerId": "rsa-generated", "providerType": keys, "parentId": components[0].ParentID,
		"config": map[string][]string{"priority": {"200"}},
	})
	if err != nil {
		return err
	}
	if _, err := s.administer(http.MethodPost, "/admin/realms/"+realm+"/components", fresh); err != nil {
		return err
	}
	for _, component := range components {
		if component.ProviderID != "rsa-generated" {
			continue
		}
		if _, err := s.administer(http.MethodDelete, "/admin/realms/"+realm+"/components/"+component.ID, nil); err != nil {
			return err
		}
	}
	return nil
}
