// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// start runs a container to its end.
func (p *pod) start(ctx context.Context, c corev1.Container) (*corev1.ContainerStateTerminated, error) {
	arguments, message, err := p.arguments(c)
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", c.Name, err)
	}
	log, err := p.log(c.Name)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Env, command.Stdout, command.Stderr = p.kubelet.Environment, log, log
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	began := metav1.Now()
	if err := command.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		return nil, fmt.Errorf("container %s: %w", c.Name, err)
	}
	said, err := os.ReadFile(message)
	if err != nil {
		return nil, err
	}
	ended := &corev1.ContainerStateTerminated{
		ExitCode: int32(command.ProcessState.ExitCode()), Reason: "Completed", Message: string(said),
		StartedAt: began, FinishedAt: metav1.Now(), ContainerID: "podman://" + c.Name,
	}
	if ended.ExitCode != 0 {
		ended.Reason = "Error"
	}
	return ended, nil
}

func (p *pod) log(container string) (*os.File, error) {
	folder := filepath.Join(p.kubelet.Folder, "logs", p.Namespace, p.Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(folder, container+".log"))
}

// arguments are podman's for a container, and message is the file that the
// container leaves its termination message in.
func (p *pod) arguments(c corev1.Container) (arguments []string, message string, err error) {
	image, ok := p.kubelet.Images[c.Image]
	if !ok {
		return nil, "", fmt.Errorf("there is no image %s here", c.Image)
	}
	arguments = append(arguments, p.kubelet.Podman...)
	arguments = append(arguments, "--pull", "never")
	arguments = append(arguments, p.security(c.SecurityContext)...)
	if len(c.EnvFrom) > 0 {
		return nil, "", errors.New("envFrom is not known here")
	}
	env, err := p.env(c.Env)
	if err != nil {
		return nil, "", err
	}
	for name, value := range env {
		arguments = append(arguments, "--env", name+"="+value)
	}
	mounts, err := p.mounts(c)
	if err != nil {
		return nil, "", err
	}
	message = p.folder("messages", c.Name)
	if err := os.WriteFile(message, nil, 0o666); err != nil {
		return nil, "", err
	}
	mounts = append(mounts, message+":"+c.TerminationMessagePath)
	for _, mount := range mounts {
		arguments = append(arguments, "--volume", mount)
	}
	if c.WorkingDir != "" {
		arguments = append(arguments, "--workdir", c.WorkingDir)
	}
	arguments = append(arguments, image.Options...)
	return append(arguments, command(c, image.Name, env)...), message, os.Chmod(message, 0o666)
}

// command is the image and what runs in it; $(NAME) stands for a variable.
func command(c corev1.Container, image string, variables map[string]string) []string {
	var words []string
	for _, word := range append(append([]string{}, c.Command...), c.Args...) {
		words = append(words, expand(word, variables))
	}
	if len(c.Command) == 0 {
		return append([]string{image}, words...)
	}
	return append([]string{"--entrypoint", words[0], image}, words[1:]...)
}

// reference is a $(NAME) in a command or a variable, or an escaped dollar sign.
var reference = regexp.MustCompile(`\$\$|\$\(([A-Za-z_.][\w.-]*)\)`)

// expand replaces the references to variables that there are.
func expand(text string, variables map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if value, ok := variables[found[2:len(found)-1]]; ok {
			return value
		}
		return found
	})
}

// security is the container's security context, over the Pod's, in podman's terms.
func (p *pod) security(c *corev1.SecurityContext) []string {
	var options []string
	if user := p.user(c); user != nil {
		options = append(options, "--user", strconv.FormatInt(*user, 10))
	}
	if of := p.Spec.SecurityContext; of != nil && of.FSGroup != nil {
		options = append(options, "--group-add", strconv.FormatInt(*of.FSGroup, 10))
	}
	if c == nil {
		return options
	}
	if c.ReadOnlyRootFilesystem != nil && *c.ReadOnlyRootFilesystem {
		options = append(options, "--read-only", "--read-only-tmpfs=false")
	}
	if c.AllowPrivilegeEscalation != nil && !*c.AllowPrivilegeEscalation {
		options = append(options, "--security-opt", "no-new-privileges")
	}
	if c.Privileged != nil && *c.Privileged {
		options = append(options, "--privileged")
	}
	if c.Capabilities != nil {
		for _, capability := range c.Capabilities.Drop {
			options = append(options, "--cap-drop", string(capability))
		}
		for _, capability := range c.Capabilities.Add {
			options = append(options, "--cap-add", string(capability))
		}
	}
	return options
}

// user is whom the container runs as, nil for the image's.
func (p *pod) user(c *corev1.SecurityContext) *int64 {
	switch of := p.Spec.SecurityContext; {
	case c != nil && c.RunAsUser != nil:
		return c.RunAsUser
	case of != nil:
		return of.RunAsUser
	}
	return nil
}

// env is the container's environment, with what every container is told.
func (p *pod) env(list []corev1.EnvVar) (map[string]string, error) {
	env := map[string]string{
		"KUBERNETES_SERVICE_HOST": p.kubelet.API.Hostname(),
		"KUBERNETES_SERVICE_PORT": p.kubelet.API.Port(),
	}
	for _, variable := range list {
		switch from := variable.ValueFrom; {
		case from == nil:
			env[variable.Name] = expand(variable.Value, env)
		case from.FieldRef != nil:
			value, err := p.field(from.FieldRef.FieldPath)
			if err != nil {
				return nil, err
			}
			env[variable.Name] = value
		default:
			return nil, fmt.Errorf("variable %s comes from where this kubelet does not look", variable.Name)
		}
	}
	return env, nil
}

// field is one of the Pod's own, as the downward API names them.
func (p *pod) field(path string) (string, error) {
	name, key, indexed := strings.Cut(strings.TrimSuffix(path, "']"), "['")
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case indexed && name == "metadata.annotations":
		return p.Annotations[key], nil
	case indexed && name == "metadata.labels":
		return p.Labels[key], nil
	case path == "metadata.name":
		return p.Name, nil
	case path == "metadata.namespace":
		return p.Namespace, nil
	case path == "metadata.uid":
		return string(p.UID), nil
	}
	return "", fmt.Errorf("field %s is not known here", path)
}
