// SPDX-License-Identifier: Apache-2.0

// Package cluster is a Kubernetes cluster without a node: etcd, a real API server,
// and the real Tekton controller, as processes of the test that starts them. The
// programs are those of programs/build.sh.
package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"quay-keyless/e2e/lab"
)

// Cluster is one that runs.
type Cluster struct {
	URL        *url.URL // of the API server, which is also the issuer of ID tokens
	CA         []byte   // PEM
	Kubernetes *kubernetes.Clientset
	Tekton     *tekton.Clientset

	folder string
	config *rest.Config
}

// patience is how long the machine may take for anything.
const patience = 3 * time.Minute

// StartAPI starts etcd and an API server that end with the test.
func StartAPI(t *testing.T) *Cluster {
	t.Helper()
	c := &Cluster{folder: t.TempDir()}
	etcd := c.startEtcd(t)
	c.startAPIServer(t, etcd)
	return c
}

// Start starts a cluster with Tekton that ends with the test.
func Start(t *testing.T) *Cluster {
	t.Helper()
	c := StartAPI(t)
	c.installTekton(t)
	c.startController(t)
	c.startResolver(t)
	return c
}

// Program is the path of one that build.sh made.
func Program(t *testing.T, name string) string {
	t.Helper()
	path := lab.Path("e2e", "tekton", "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: e2e/tekton/programs/build.sh makes it", err)
	}
	return path
}

// start starts a process that ends with the test; its log is shown where the test
// fails.
func (c *Cluster) start(t *testing.T, env map[string]string, arguments ...string) {
	t.Helper()
	name := filepath.Base(arguments[0])
	log, err := os.Create(filepath.Join(c.folder, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	env["PATH"] = os.Getenv("PATH")
	command := lab.Command{Dir: c.folder, Env: env, Args: arguments}.Start(t)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Wait() // the test's context has ended, which killed the process
		_ = log.Close()
		if text := lab.Read(t, log.Name()); t.Failed() {
			t.Logf("%s: ...%s", name, text[max(0, len(text)-2000):])
		}
	})
}

// port is a free one of this machine.
func port(t *testing.T) string {
	t.Helper()
	free, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return free
}

func (c *Cluster) startEtcd(t *testing.T) (client string) {
	t.Helper()
	client, peer := "http://127.0.0.1:"+port(t), "http://127.0.0.1:"+port(t)
	c.start(t, map[string]string{}, lab.Tool(t, "etcd", "apt-get install etcd-server"),
		"--data-dir", filepath.Join(c.folder, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	return client
}

// The administrator's token and that of the node [Node], for the minutes that the
// cluster lives.
const (
	token     = "administrator"
	nodeToken = "node"
)

// Node is the name of the only node.
const Node = "n1"

// startAPIServer starts the API server, with RSA keys for service account tokens
// as Quay wants them, and waits until it is ready.
func (c *Cluster) startAPIServer(t *testing.T, etcd string) {
	t.Helper()
	secure := port(t)
	c.URL = &url.URL{Scheme: "https", Host: "127.0.0.1:" + secure}
	key, tokens := filepath.Join(c.folder, "service-account.key"), filepath.Join(c.folder, "tokens.csv")
	lab.Write(t, key, signingKey(t), 0o600)
	lab.Write(t, tokens, token+",admin,admin,system:masters\n"+nodeToken+",system:node:"+Node+","+Node+",system:nodes\n", 0o600)
	c.start(t, map[string]string{}, Program(t, "kube-apiserver"),
		"--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", secure,
		"--cert-dir", filepath.Join(c.folder, "certificates"), "--service-cluster-ip-range", "10.0.0.0/24",
		"--allow-privileged", "--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--token-auth-file", tokens,
		"--service-account-issuer", c.URL.String(), "--service-account-jwks-uri", c.URL.String()+"/openid/v1/jwks",
		"--service-account-signing-key-file", key, "--service-account-key-file", key)
	c.WaitUntil(t, "the API server is ready", patience, c.connect)
}

func signingKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// connect makes the clients, once the API server has its certificate and answers.
func (c *Cluster) connect(ctx context.Context) error {
	var err error
	if c.CA, err = os.ReadFile(filepath.Join(c.folder, "certificates", "apiserver.crt")); err != nil {
		return err
	}
	c.config = &rest.Config{
		Host: c.URL.String(), BearerToken: token, QPS: 100, Burst: 200,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.CA},
	}
	if c.Kubernetes, err = kubernetes.NewForConfig(c.config); err != nil {
		return err
	}
	if c.Tekton, err = tekton.NewForConfig(c.config); err != nil {
		return err
	}
	return c.Kubernetes.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// WaitUntil asks until there is no error. A busy etcd gives one now and then.
func (c *Cluster) WaitUntil(t *testing.T, what string, patience time.Duration, ask func(context.Context) error) {
	t.Helper()
	last := fmt.Errorf("not asked")
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = ask(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("waited until %s: %v: %v", what, err, last)
	}
}

// Anonymous asks the API server for a path, as somebody whom it does not know, and
// gives the status.
func (c *Cluster) Anonymous(t *testing.T, path string) int {
	t.Helper()
	client, err := rest.HTTPClientFor(rest.AnonymousClientConfig(c.config))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
