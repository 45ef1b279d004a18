// SPDX-License-Identifier: Apache-2.0

// Package kubelet is a node for tests: it takes every Pod of a cluster, makes its
// volumes as folders, runs its containers by podman on this machine, and reports
// what became of them. It does what Tekton and our files ask of a kubelet, and
// refuses the rest.
package kubelet

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// Image is what runs for an image's name.
type Image struct {
	Name    string   // in podman's storage
	Options []string // further ones of podman run
}

// Kubelet is the node. Set the fields, then call [Kubelet.Run].
type Kubelet struct {
	Client kubernetes.Interface
	API    *url.URL // of the API server, for containers
	// Folder gets the volumes, and in logs what each container said.
	Folder string
	Images map[string]Image
	// Podman is the beginning of a podman run, Environment podman's variables.
	Podman, Environment []string

	mu   sync.Mutex
	pods map[types.UID]*pod
	done sync.WaitGroup
}

// Run serves all Pods until ctx ends, and waits for their containers.
func (k *Kubelet) Run(ctx context.Context) error {
	k.pods = map[types.UID]*pod{}
	ctx, stop := context.WithCancel(ctx)
	defer k.done.Wait()
	defer stop()
	events, err := k.Client.CoreV1().Pods("").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-events.ResultChan():
			seen, isPod := event.Object.(*corev1.Pod)
			switch {
			case ctx.Err() != nil: // the API server may end first
				return nil
			case !ok || !isPod:
				return fmt.Errorf("the watch of the Pods ended: %v", event.Object)
			}
			k.see(ctx, event.Type, seen)
		}
	}
}

// see starts a new Pod, tells a known one what has changed, and ends one that is
// to go.
func (k *Kubelet) see(ctx context.Context, event watch.EventType, seen *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, known := k.pods[seen.UID]
	switch {
	case event == watch.Deleted || seen.DeletionTimestamp != nil:
		if known {
			p.stop()
		}
	case known:
		p.changed(seen)
	default:
		ctx, stop := context.WithCancel(ctx)
		p = &pod{kubelet: k, Pod: seen, stop: stop, volumes: map[string]string{}}
		k.pods[seen.UID] = p
		k.done.Go(func() { p.live(ctx) })
	}
}

// Rotate gives a Pod ID tokens that are new, and as old as a Pod's can become, in
// the place of those that it has. A real kubelet does so after 80 % of their life.
func (k *Kubelet) Rotate(ctx context.Context, name types.NamespacedName, life time.Duration) error {
	p, err := k.find(name)
	if err != nil {
		return err
	}
	for _, volume := range p.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		if err := p.project(ctx, volume, life); err != nil {
			return err
		}
	}
	return nil
}

// Volume is the folder of a Pod's volume.
func (k *Kubelet) Volume(name types.NamespacedName, volume string) (string, error) {
	p, err := k.find(name)
	if err != nil {
		return "", err
	}
	return p.folder("volumes", volume), nil
}

func (k *Kubelet) find(name types.NamespacedName) (*pod, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.pods {
		if p.Namespace == name.Namespace && p.Name == name.Name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("there is no Pod %s", name)
}

// Logs is what the containers of a Pod said, one after the other.
func (k *Kubelet) Logs(name types.NamespacedName, container string) (string, error) {
	text, err := os.ReadFile(filepath.Join(k.Folder, "logs", name.Namespace, name.Name, container+".log"))
	return string(text), err
}
