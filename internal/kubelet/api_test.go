// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/kubelet"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

const nodeToken = "eyJTHE-NODES-TOKEN"

// apiServer answers a node as the real one does in e2e/tekton/node. It wants a certificate
// of the client, whatever it is.
func apiServer(t *testing.T) *httptest.Server {
	t.Helper()
	answers := map[string]string{
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews": `{"status":{"allowed":true}}`,
		"GET /api/v1/namespaces/apps/pods/web":                        `{"metadata":{"name":"web","uid":"1"},"spec":{"serviceAccountName":"web"}}`,
		"GET /api/v1/namespaces/apps/serviceaccounts/web":             `{"metadata":{"annotations":{"quay-keyless/robot":"acme+pull"}}}`,
		"POST /api/v1/namespaces/apps/serviceaccounts/web/token":      `{"status":{"token":"eyJTHE-PODS-TOKEN"}}`,
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.Method+" "+r.URL.Path]
		if !known || r.Header.Get("Authorization") != "Bearer "+nodeToken || len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusForbidden)
			answer = `{"message":"no access to ` + r.URL.Path + `"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// client is the API as a node sees it, whose certificate and key are in one file.
func client(t *testing.T, server *httptest.Server) *kubelet.API {
	t.Helper()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	folder := t.TempDir()
	current, config := filepath.Join(folder, "current.pem"), filepath.Join(folder, "kubeconfig")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), certificate...)
	text := fmt.Sprintf("clusters: [{cluster: {server: %q, certificate-authority-data: %s}}]\nusers: [{user: {client-certificate: %s, client-key: %s, token: %s}}]\n",
		server.URL, base64.StdEncoding.EncodeToString(certificate), current, current, nodeToken)
	for path, content := range map[string]string{current: string(both), config: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := &process.Run{Secrets: new(platform.Secrets), Env: process.Env{
		Clock:     process.SystemClock{},
		ReadFile:  func(_ context.Context, path string) ([]byte, error) { return os.ReadFile(path) },
		Transport: func(config *tls.Config) http.RoundTripper { return &http.Transport{TLSClientConfig: config} },
	}}
	api, err := kubelet.NewAPI(t.Context(), run, request.IdentityFlags{Timeout: time.Minute}, config)
	if err != nil {
		t.Fatal(err)
	}
	if line := run.Secrets.Line("got " + nodeToken); strings.Contains(line, nodeToken) {
		t.Errorf("the node's token is not hidden: %s", line)
	}
	return api
}

func TestAPI(t *testing.T) {
	t.Parallel()
	api := client(t, apiServer(t))
	if allowed, err := api.MayRequest(t.Context(), "quay"); err != nil || !allowed {
		t.Errorf("%t, %v", allowed, err)
	}
	asked, err := api.Request(t.Context(), "apps", "web", "quay.io", "quay")
	if err != nil || asked.Token.Reveal() != "eyJTHE-PODS-TOKEN" || len(asked.Robots) != 1 || asked.Robots[0] != "acme+pull" {
		t.Errorf("%+v, %v", asked, err)
	}
	_, err = api.Request(t.Context(), "apps", "../pods", "quay.io", "quay")
	if err == nil || !strings.Contains(err.Error(), `no access to /api/v1/namespaces/apps/pods/`) || !strings.Contains(err.Error(), "HTTP 403") {
		t.Errorf("another Pod: %v", err)
	}
}

func TestPlainAPIServerGetsNoCredential(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(config, []byte("clusters: [{cluster: {server: 'http://127.0.0.1:1'}}]\nusers: [{user: {token: "+nodeToken+"}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := &process.Run{Secrets: new(platform.Secrets), Env: process.Env{ReadFile: func(_ context.Context, path string) ([]byte, error) { return os.ReadFile(path) }}}
	if _, err := kubelet.NewAPI(t.Context(), run, request.IdentityFlags{}, config); err == nil || !strings.Contains(err.Error(), "not an https URL") {
		t.Errorf("%v", err)
	}
}
