// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mount makes a volume's folder.
func (p *pod) mount(ctx context.Context, volume corev1.Volume) error {
	folder := p.folder("volumes", volume.Name)
	p.volumes[volume.Name] = folder
	switch {
	case volume.EmptyDir != nil:
		return p.writable(folder, 0o777)
	case volume.PersistentVolumeClaim != nil:
		folder = filepath.Join(p.kubelet.Folder, "claims", p.Namespace, volume.PersistentVolumeClaim.ClaimName)
		p.volumes[volume.Name] = folder
		return p.writable(folder, 0o755)
	case volume.Projected != nil:
		return p.project(ctx, volume, 0)
	case volume.DownwardAPI != nil:
		return p.write(folder, p.downward(volume.DownwardAPI.Items))
	case volume.ConfigMap != nil:
		files, err := p.configMap(ctx, volume.ConfigMap.LocalObjectReference, volume.ConfigMap.Items)
		return p.wrote(folder, files, err)
	case volume.Secret != nil:
		files, err := p.secret(ctx, corev1.LocalObjectReference{Name: volume.Secret.SecretName}, volume.Secret.Items)
		return p.wrote(folder, files, err)
	}
	return fmt.Errorf("volume %s is of a kind that this kubelet does not know", volume.Name)
}

// writable makes a volume's folder, which is root's, unless it is there. With an
// fsGroup all that is in it becomes that group's to write, as SetVolumeOwnership of
// Kubernetes' pkg/volume does.
func (p *pod) writable(folder string, mode os.FileMode) error {
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		if err := errors.Join(os.MkdirAll(folder, 0o755), os.Chmod(folder, mode)); err != nil {
			return err
		}
	}
	group := p.group()
	if group < 0 {
		return nil
	}
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode() | 0o660
		if entry.IsDir() {
			mode |= fs.ModeSetgid | 0o110
		}
		return errors.Join(os.Chown(path, -1, group), os.Chmod(path, mode))
	})
}

// below makes a volume's folder for a subPath, with the volume's permissions, as
// SafeMakeDir of Kubernetes' pkg/volume/util/subpath does.
func below(volume, path string) (folder string, err error) {
	info, err := os.Stat(volume)
	if err != nil {
		return "", err
	}
	folder = filepath.Join(volume, path)
	if err := os.Mkdir(folder, 0o700); os.IsExist(err) {
		return folder, nil
	} else if err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, info.Mode().Perm())
}

// group is the Pod's fsGroup, -1 for none.
func (p *pod) group() int {
	if of := p.Spec.SecurityContext; of != nil && of.FSGroup != nil {
		return int(*of.FSGroup)
	}
	return -1
}

// changed tells the Pod of its new labels and annotations.
func (p *pod) changed(seen *corev1.Pod) {
	p.mu.Lock()
	p.Annotations, p.Labels = seen.Annotations, seen.Labels
	p.mu.Unlock()
	for _, volume := range p.Spec.Volumes {
		folder := p.folder("volumes", volume.Name)
		if _, err := os.Stat(folder); volume.DownwardAPI != nil && err == nil {
			_ = p.write(folder, p.downward(volume.DownwardAPI.Items))
		}
	}
}

// project makes a projected volume, or makes it anew. Its tokens live as long as
// they were asked to, or as life says.
func (p *pod) project(ctx context.Context, volume corev1.Volume, life time.Duration) error {
	files := files{}
	for _, source := range volume.Projected.Sources {
		var more map[string]file
		var err error
		switch {
		case source.ServiceAccountToken != nil:
			more, err = p.token(ctx, *source.ServiceAccountToken, life)
		case source.ConfigMap != nil:
			more, err = p.configMap(ctx, source.ConfigMap.LocalObjectReference, source.ConfigMap.Items)
		case source.Secret != nil:
			more, err = p.secret(ctx, source.Secret.LocalObjectReference, source.Secret.Items)
		case source.DownwardAPI != nil:
			more = p.downward(source.DownwardAPI.Items)
		default:
			err = fmt.Errorf("volume %s has a source that this kubelet does not know", volume.Name)
		}
		if err != nil {
			return err
		}
		for path, content := range more {
			files[path] = content
		}
	}
	return p.write(p.folder("volumes", volume.Name), files)
}

// token asks the cluster for a service account token that is bound to the Pod.
func (p *pod) token(ctx context.Context, from corev1.ServiceAccountTokenProjection, life time.Duration) (files, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: from.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID},
	}}
	if from.Audience != "" {
		request.Spec.Audiences = []string{from.Audience}
	}
	if seconds := int64(life.Seconds()); seconds > 0 {
		request.Spec.ExpirationSeconds = &seconds
	}
	answer, err := p.kubelet.Client.CoreV1().ServiceAccounts(p.Namespace).CreateToken(ctx, p.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	token := file{text: []byte(answer.Status.Token), mode: 0o644, user: -1}
	// As pkg/volume/projected and FsUserFrom of Kubernetes decide it.
	switch user := p.onlyUser(); {
	case p.group() >= 0:
		token.mode = 0o640
	case user != nil:
		token.mode, token.user = 0o600, int(*user)
	}
	return files{from.Path: token}, nil
}

// onlyUser is the one that all containers are told to run as, nil for none.
func (p *pod) onlyUser() *int64 {
	var only *int64
	for _, c := range append(append([]corev1.Container{}, p.Spec.InitContainers...), p.Spec.Containers...) {
		user := p.user(c.SecurityContext)
		if user == nil || only != nil && *only != *user {
			return nil
		}
		only = user
	}
	return only
}

// downward is what the Pod knows of itself.
func (p *pod) downward(items []corev1.DownwardAPIVolumeFile) files {
	found := files{}
	for _, item := range items {
		if item.FieldRef != nil {
			value, err := p.field(item.FieldRef.FieldPath)
			if err == nil {
				found[item.Path] = file{text: []byte(value), mode: 0o644, user: -1}
			}
		}
	}
	return found
}

func (p *pod) configMap(ctx context.Context, from corev1.LocalObjectReference, items []corev1.KeyToPath) (files, error) {
	object, err := p.kubelet.Client.CoreV1().ConfigMaps(p.Namespace).Get(ctx, from.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for key, value := range object.Data {
		data[key] = []byte(value)
	}
	return chosen(data, items), nil
}

func (p *pod) secret(ctx context.Context, from corev1.LocalObjectReference, items []corev1.KeyToPath) (files, error) {
	object, err := p.kubelet.Client.CoreV1().Secrets(p.Namespace).Get(ctx, from.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return chosen(object.Data, items), nil
}

// chosen are the keys that items name, or all.
func chosen(data map[string][]byte, items []corev1.KeyToPath) files {
	found := files{}
	if len(items) == 0 {
		for key, value := range data {
			found[key] = file{text: value, mode: 0o644, user: -1}
		}
	}
	for _, item := range items {
		found[item.Path] = file{text: data[item.Key], mode: 0o644, user: -1}
	}
	return found
}

// mounts are the container's volumes in podman's form.
func (p *pod) mounts(c corev1.Container) ([]string, error) {
	var list []string
	for _, mount := range c.VolumeMounts {
		folder, ok := p.volumes[mount.Name]
		if !ok {
			return nil, fmt.Errorf("there is no volume %s", mount.Name)
		}
		if mount.SubPath != "" {
			var err error
			if folder, err = below(folder, mount.SubPath); err != nil {
				return nil, err
			}
		}
		mode := "rw"
		if mount.ReadOnly {
			mode = "ro"
		}
		list = append(list, folder+":"+mount.MountPath+":"+mode)
	}
	return list, nil
}
