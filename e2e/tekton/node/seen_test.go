// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/cluster"
	"quay-keyless/e2e/tekton/manifest"
)

// read decodes Kubernetes objects.
func read(t *testing.T, text string) []manifest.Object {
	t.Helper()
	objects, err := manifest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// account makes a service account with an annotation, or without one for "".
func (w *world) account(t *testing.T, name, robots string) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if robots != "" {
		account.Annotations = map[string]string{"quay-keyless/robot": robots}
	}
	w.Create(t, namespace, account)
}

// pod makes a Pod of a service account, for one part of the test. It pulls at once.
func (w *world) pod(t *testing.T, name, account, repository string) {
	t.Helper()
	objects := read(t, lab.Read(t, lab.Path("kubernetes", "node", "pod.yaml")))
	pod := objects[len(objects)-1].(*corev1.Pod)
	pod.Name, pod.Spec.ServiceAccountName, pod.Spec.NodeName = name, account, cluster.Node
	pod.Spec.Containers[0].Image, pod.Spec.Containers[0].ImagePullPolicy = w.sandbox.Host+"/"+repository, corev1.PullAlways
	pods := w.Kubernetes.CoreV1().Pods(namespace)
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it would pull again in a later part
		if err := pods.Delete(context.Background(), name, *metav1.NewDeleteOptions(0)); err != nil {
			t.Error(err)
		}
	})
}

// event waits until the kubelet has reported something about a Pod.
func (w *world) event(t *testing.T, pod string, texts ...string) {
	t.Helper()
	w.WaitUntil(t, fmt.Sprintf("an event of Pod %s says %q", pod, texts), patience, func(ctx context.Context) error {
		events, err := w.Kubernetes.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod})
		if err != nil {
			return err
		}
		var all []string
		for _, event := range events.Items {
			all = append(all, event.Reason+": "+event.Message)
			if hasAll(all[len(all)-1], texts) {
				return nil
			}
		}
		return fmt.Errorf("events %q", all)
	})
}

func hasAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

// documented waits until a Pod's event and the kubelet's log say what the page says about
// a cause.
func (w *world) documented(t *testing.T, pod, cause string) {
	t.Helper()
	for line := range strings.Lines(lab.Read(t, lab.Path("docs", "kubernetes-nodes.md"))) {
		cells := strings.Split(line, " | ")
		if cells[0] != "| "+cause {
			continue
		}
		w.event(t, pod, append(quoted(cells[1]), "Failed")...)
		if texts := quoted(cells[2]); len(texts) > 0 {
			w.logged(t, append(texts, namespace+"/"+pod)...)
		}
		return
	}
	t.Errorf("docs/kubernetes-nodes.md does not say what to do if the cause is: %s", cause)
}

// quoted is what stands in backquotes.
func quoted(cell string) []string {
	var texts []string
	for i, text := range strings.Split(cell, "`") {
		if i%2 == 1 {
			texts = append(texts, text)
		}
	}
	return texts
}

// pull is what the runtime did for one image.
type pull struct{ Image, User, Password, Digest, Error string }

// lastPull is the last one until now.
func (w *world) lastPull(t *testing.T) pull {
	t.Helper()
	var last pull
	lines := strings.Split(strings.TrimSpace(w.runs.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	return last
}

// log is what a process says, which a test may read meanwhile.
type log struct {
	mu   sync.Mutex
	text []byte
}

func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, text...)
	return len(text), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// logged waits until an entry of the kubelet's log has the texts.
func (w *world) logged(t *testing.T, texts ...string) string {
	t.Helper()
	var found string
	w.WaitUntil(t, fmt.Sprintf("the kubelet's log says %q", texts), patience, func(context.Context) error {
		all := entries(w.kubelet.String())
		i := slices.IndexFunc(all, func(entry string) bool { return hasAll(entry, texts) })
		if i < 0 {
			return fmt.Errorf("its credential provider said %q", failures(w.kubelet.String()))
		}
		found = all[i]
		return nil
	})
	return found
}

var entry = regexp.MustCompile(`^[IWEF]\d{4} `)

// entries are those of the kubelet's log. One has several lines if a value does.
func entries(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if len(all) > 0 && !entry.MatchString(line) {
			all[len(all)-1] += line
			continue
		}
		all = append(all, line)
	}
	return all
}

// failures are the entries that the kubelet logs at any verbosity when it has no login.
func failures(text string) []string {
	return slices.DeleteFunc(entries(text), func(entry string) bool { return !strings.Contains(entry, "Failed to provide credentials for image") })
}
