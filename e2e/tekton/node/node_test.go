// SPDX-License-Identifier: Apache-2.0

package node

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"quay-keyless/e2e/lab"
)

// One node serves all parts, which build on each other. What the events and the log say is
// the table of docs/kubernetes-nodes.md.
func TestNode(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the kubelet had no login: %q", failures(w.kubelet.String()))
		}
	})
	w.account(t, "web", "acme+pull")
	t.Run("NoRBAC", w.testNoRBAC)
	for _, object := range read(t, printed(t, "--format", "rbac")) {
		w.Create(t, namespace, object)
	}
	t.Run("Pull", w.testPull)
	t.Run("TwoOrganizations", w.testTwoOrganizations)
	t.Run("NoAnnotation", w.testNoAnnotation)
	t.Run("NoRobot", w.testNoRobot)
	t.Run("WrongRobot", w.testWrongRobot)
	t.Run("EntryRemoved", w.testEntryRemoved)
	t.Run("RobotTokenExpired", w.testRobotTokenExpired)
	t.Run("QuayDown", w.testQuayDown)
	lab.NoSecrets(t, "the kubelet's log", w.kubelet.String())
}

func (w *world) testNoRBAC(t *testing.T) {
	w.pod(t, "no-rbac", "web", "acme/app")
	w.documented(t, "no-rbac", "nodes may not request the audience")
	w.doctor(t, 1, "no-rbac", "acme+pull", "ok +kubelet", "failed +RBAC .* may not request tokens with the audience")
}

// The service account's token becomes a login, which the runtime pulls with. A second Pod
// of the same service account gets the login from the kubelet's cache.
func (w *world) testPull(t *testing.T) {
	w.pod(t, "web", "web", "acme/app")
	w.event(t, "web", "Pulled", "Successfully pulled image")
	one := w.sandbox.Requests("exchange")
	w.pod(t, "web-2", "web", "acme/app")
	w.event(t, "web-2", "Pulled", "Successfully pulled image")
	if two := w.sandbox.Requests("exchange"); one != 1 || two != 1 {
		t.Errorf("%d exchanges for one Pod, %d for two", one, two)
	}
	if last := w.lastPull(t); last.User != "acme+pull" || last.Digest == "" || !strings.HasPrefix(last.Password, "eyJ") {
		t.Errorf("the runtime pulled as %q: digest %q, %s", last.User, last.Digest, last.Error)
	}
	w.doctor(t, 0, "web", "acme+pull", "ok +kubelet", "ok +RBAC", `ok +Pod .* names acme\+pull`, "ok +exchange", "ok +proof")
	w.doctor(t, 1, "web", "other+pull", "ok +kubelet", "ok +RBAC", `failed +Pod .* names acme\+pull, not other\+pull`)
}

// doctor looks at the node by the flags of its kubelet, and at a Pod of it.
func (w *world) doctor(t *testing.T, code int, pod, robot string, lines ...string) {
	t.Helper()
	outcome := lab.Command{Args: []string{lab.Program(), "doctor", w.sandbox.Host, "--robot", robot, "--ca-certificate", w.ca, "--node", "--pod", namespace + "/" + pod}}.Run(t)
	for _, line := range lines {
		if !regexp.MustCompile("(?m)^" + line).MatchString(outcome.Stdout) {
			t.Errorf("doctor has no line %q", line)
		}
	}
	if outcome.Exit != code || t.Failed() {
		t.Errorf("doctor: exit code %d\n%s", outcome.Exit, outcome.Log())
	}
	lab.NoSecrets(t, "doctor's words", outcome.Log())
}

// One answer of the plugin has both robots: the second image is not asked for.
func (w *world) testTwoOrganizations(t *testing.T) {
	w.account(t, "both", w.sandbox.Host+"/acme+pull\n"+w.sandbox.Host+"/other+pull")
	before := w.sandbox.Requests("exchange")
	w.pod(t, "both-acme", "both", "acme/app")
	w.event(t, "both-acme", "Pulled", "Successfully pulled image")
	w.pod(t, "both-other", "both", "other/app")
	w.event(t, "both-other", "Pulled", "Successfully pulled image")
	if made := w.sandbox.Requests("exchange") - before; made != 2 {
		t.Errorf("%d exchanges for two robots", made)
	}
}

func (w *world) testNoAnnotation(t *testing.T) {
	w.account(t, "bare", "")
	w.pod(t, "bare", "bare", "acme/app")
	w.documented(t, "bare", "no annotation")
	if strings.Contains(strings.Join(failures(w.kubelet.String()), ""), "apps/bare") {
		t.Error("the log names the Pod as one without credentials")
	}
}

func (w *world) testNoRobot(t *testing.T) {
	w.account(t, "none", "acme")
	w.pod(t, "none", "none", "acme/app")
	w.documented(t, "none", "the annotation is not a robot account")
}

func (w *world) testWrongRobot(t *testing.T) {
	w.account(t, "wrong", "acme+nobody")
	w.pod(t, "wrong", "wrong", "acme/app")
	w.documented(t, "wrong", "the robot account does not exist")
}

// The entry is removed by the program. A login that the kubelet has serves on.
func (w *world) testEntryRemoved(t *testing.T) {
	w.account(t, "removed", "acme+pull")
	lab.Command{
		Env: map[string]string{"QUAY_API_TOKEN": w.sandbox.APIToken(), "SSL_CERT_FILE": w.ca},
		Args: []string{lab.Program(), "federation", "remove", w.sandbox.Host, "--robot", "acme+pull", "--drop-audiences",
			"--issuer", w.URL.String(), "--subject", "system:serviceaccount:apps:removed"},
	}.Must(t)
	w.pod(t, "removed", "removed", "acme/app")
	w.documented(t, "removed", "no federation entry for the service account")
	w.logged(t, "apps/removed", "error: ", w.URL.String(), "system:serviceaccount:apps:removed")
	w.pod(t, "web-3", "web", "acme/app")
	w.event(t, "web-3", "Pulled", "Successfully pulled image")
}

// A login that Quay does not accept any more stays in the kubelet's cache, and the log
// does not name it.
func (w *world) testRobotTokenExpired(t *testing.T) {
	w.sandbox.Advance(61 * time.Minute)
	defer w.sandbox.Advance(-61 * time.Minute)
	w.pod(t, "expired", "web", "acme/app")
	w.documented(t, "expired", "Quay no longer accepts the robot token that the kubelet keeps")
	if strings.Contains(strings.Join(failures(w.kubelet.String()), ""), "apps/expired") {
		t.Error("the kubelet asked the plugin")
	}
}

func (w *world) testQuayDown(t *testing.T) {
	w.account(t, "late", "acme+pull")
	if err := w.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	w.pod(t, "late", "late", "acme/app")
	w.documented(t, "late", "the node does not reach Quay")
	if entry := w.logged(t, "apps/late", "error: "); strings.Count(entry, "error: ") != 1 {
		t.Errorf("not one line: %s", entry)
	}
}
