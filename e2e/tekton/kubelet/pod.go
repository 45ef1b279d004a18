// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

// pod is one Pod on the node.
type pod struct {
	*corev1.Pod
	kubelet *Kubelet
	stop    context.CancelFunc
	volumes map[string]string // the folder of each

	mu      sync.Mutex // of status, labels and annotations
	status  corev1.PodStatus
	writing sync.Mutex // of volumes
}

// folder is one of the Pod's own.
func (p *pod) folder(elements ...string) string {
	return filepath.Join(append([]string{p.kubelet.Folder, "pods", string(p.UID)}, elements...)...)
}

// live is the Pod's life: bound, prepared, run, reported. A Pod that was deleted
// is taken out of the cluster in the end.
func (p *pod) live(ctx context.Context) {
	err := p.bind(ctx)
	if err == nil {
		err = p.prepare(ctx)
	}
	if err == nil {
		err = p.run(ctx)
	}
	if ctx.Err() != nil {
		zero := int64(0)
		_ = p.api().Delete(context.WithoutCancel(ctx), p.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
		return
	}
	if err != nil {
		p.report(ctx, func(s *corev1.PodStatus) {
			s.Phase, s.Reason, s.Message = corev1.PodFailed, "Kubelet", err.Error()
		})
	}
}

func (p *pod) api() interface {
	Bind(context.Context, *corev1.Binding, metav1.CreateOptions) error
	Delete(context.Context, string, metav1.DeleteOptions) error
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (*corev1.Pod, error)
} {
	return p.kubelet.Client.CoreV1().Pods(p.Namespace)
}

// bind does what the scheduler would.
func (p *pod) bind(ctx context.Context) error {
	if p.Spec.NodeName != "" {
		return nil
	}
	return p.api().Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, UID: p.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: "here"},
	}, metav1.CreateOptions{})
}

// prepare makes the volumes.
func (p *pod) prepare(ctx context.Context) error {
	for _, volume := range p.Spec.Volumes {
		if err := p.mount(ctx, volume); err != nil {
			return err
		}
	}
	return os.MkdirAll(p.folder("messages"), 0o755)
}

// run runs the init containers one after the other, then the others side by side.
func (p *pod) run(ctx context.Context) error {
	for i, container := range p.Spec.InitContainers {
		p.report(ctx, func(s *corev1.PodStatus) { s.Phase = corev1.PodPending; p.began(&s.InitContainerStatuses, container) })
		ended, err := p.start(ctx, container)
		if err != nil {
			return err
		}
		p.report(ctx, func(s *corev1.PodStatus) {
			s.InitContainerStatuses[i].State = corev1.ContainerState{Terminated: ended}
			if ended.ExitCode != 0 {
				s.Phase = corev1.PodFailed
			}
		})
		if ended.ExitCode != 0 {
			return nil
		}
	}
	p.report(ctx, func(s *corev1.PodStatus) {
		s.Phase = corev1.PodRunning
		for _, container := range p.Spec.Containers {
			p.began(&s.ContainerStatuses, container)
		}
	})
	return p.runAll(ctx)
}

// runAll runs the Pod's containers, and says in the end how they ended.
func (p *pod) runAll(ctx context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, len(p.Spec.Containers))
	phase := corev1.PodSucceeded
	for i, container := range p.Spec.Containers {
		all.Go(func() {
			var ended *corev1.ContainerStateTerminated
			if ended, errs[i] = p.start(ctx, container); errs[i] != nil {
				p.stop()
				return
			}
			p.report(ctx, func(s *corev1.PodStatus) {
				s.ContainerStatuses[i].State = corev1.ContainerState{Terminated: ended}
				s.ContainerStatuses[i].Ready = false
				if ended.ExitCode != 0 {
					phase = corev1.PodFailed
				}
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.report(ctx, func(s *corev1.PodStatus) { s.Phase = phase })
	return nil
}

// began adds a container that runs now.
func (p *pod) began(list *[]corev1.ContainerStatus, container corev1.Container) {
	*list = append(*list, corev1.ContainerStatus{
		Name: container.Name, Image: container.Image, Ready: true,
		ImageID:     p.kubelet.Images[container.Image].Name,
		ContainerID: "podman://" + container.Name,
		State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
	})
}

// report changes the Pod's status, here and in the cluster.
func (p *pod) report(ctx context.Context, change func(*corev1.PodStatus)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.status)
	patch, err := json.Marshal(map[string]any{"status": p.status})
	if err != nil {
		panic(err) // no status fails
	}
	// A Pod that is gone has no status to keep; a busy etcd is asked again.
	_ = wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := p.api().Patch(ctx, p.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		return err == nil || apierrors.IsNotFound(err), nil
	})
}
