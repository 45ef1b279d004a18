// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// pod does what Tekton's controller and the kubelet do with one run of a Task:
// volumes, params, results and steps. A step with our image runs in it, by
// podman; one with another image runs on this machine, with the paths of its
// mounts replaced.
type pod struct {
	sandbox *sandbox.Sandbox
	ca      string
	env     map[string]string // of the machine
	task    task
	params  []variable
	volumes map[string]string // the folder of each
	results string            // the folder of the login step's results
	source  string            // the folder of the workspace
	image   string            // ours
}

func newPod(t *testing.T) *pod {
	t.Helper()
	sb, ca := lab.Sandbox(t)
	p := &pod{
		sandbox: sb, ca: ca,
		env:     lab.Containers(t, os.Getenv("PATH")),
		task:    read[task](t, "tekton.dev/v1", "Task", "tekton", "examples", "build.yaml"),
		params:  []variable{{"registry", sb.Host}, {"ca-certificate", string(sb.CA)}},
		volumes: map[string]string{},
		results: folder(t),
		source:  t.TempDir(),
	}
	lab.Write(t, filepath.Join(p.source, "Containerfile"), "FROM scratch\nCOPY Containerfile /\n", 0o644)
	p.image = lab.Image(t, p.env)
	return p
}

// folder is one that every user may write to, as the kubelet makes them.
func folder(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	return path
}

// mountVolumes makes the Task's volumes: empty folders, and a token with the
// audience that the Task asks for.
func (p *pod) mountVolumes(t *testing.T) {
	t.Helper()
	for _, v := range p.task.Volumes {
		p.volumes[v.Name] = folder(t)
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			token, err := p.sandbox.Mint(sandbox.Token{Issuer: "kubernetes", Audience: []string{source.ServiceAccountToken.Audience}})
			if err != nil {
				t.Fatal(err)
			}
			lab.Write(t, filepath.Join(p.volumes[v.Name], source.ServiceAccountToken.Path), token, 0o644)
		}
	}
}

// scope is what the Task's own names stand for.
func (p *pod) scope(t *testing.T) scope {
	t.Helper()
	names := scope{}
	names.params(t, p.task.Params, p.params)
	for _, workspace := range p.task.Workspaces {
		names["workspaces."+workspace.Name+".path"] = p.source
	}
	return names
}

// run runs the Task's step of that name.
func (p *pod) run(t *testing.T, name string) lab.Outcome {
	t.Helper()
	i := slices.IndexFunc(p.task.Steps, func(s step) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("the Task has no step %s", name)
	}
	if step := p.task.Steps[i]; step.Ref.Name == "" {
		return p.runScript(t, step)
	}
	return p.runAction(t, p.task.Steps[i])
}

// runAction runs our StepAction in our image, as its fields say.
func (p *pod) runAction(t *testing.T, s step) lab.Outcome {
	t.Helper()
	action := read[stepAction](t, "tekton.dev/v1beta1", "StepAction", "tekton", "stepaction", s.Ref.Name, "0.1", s.Ref.Name+".yaml")
	if len(action.Command) == 0 {
		t.Fatal("without command Tekton asks the registry for the image's entrypoint")
	}
	outside, names := p.scope(t), scope{}
	given := slices.Clone(s.Params)
	for i := range given {
		given[i].Value = outside.in(t, given[i].Value)
	}
	names.params(t, action.Params, given)
	for _, result := range action.Results {
		names["step.results."+result.Name+".path"] = "/tekton/steps/step-" + s.Name + "/results/" + result.Name
	}
	arguments := []string{"--volume", p.results + ":/tekton/steps/step-" + s.Name + "/results"}
	for _, m := range p.mounts(t, names, action) {
		arguments = append(arguments, "--volume", m)
	}
	env := outside.env(t, p.task.StepTemplate.Env)
	maps.Copy(env, names.env(t, action.Env))
	for variable, value := range env {
		arguments = append(arguments, "--env", variable+"="+value)
	}
	if action.SecurityContext.ReadOnlyRootFilesystem {
		arguments = append(arguments, "--read-only", "--read-only-tmpfs=false")
	}
	for _, capability := range action.SecurityContext.Capabilities.Drop {
		arguments = append(arguments, "--cap-drop", capability)
	}
	if escalation := action.SecurityContext.AllowPrivilegeEscalation; escalation != nil && !*escalation {
		arguments = append(arguments, "--security-opt", "no-new-privileges")
	}
	arguments = append(arguments, "--entrypoint", action.Command[0], p.image)
	return lab.Command{Env: p.env, Args: lab.Podman(slices.Concat(arguments, action.Command[1:], action.Args)...)}.Run(t)
}

// mounts gives the volumes of the step in podman's form. Tekton takes the name
// of a StepAction's volume only from one param, and no path twice.
func (p *pod) mounts(t *testing.T, names scope, action stepAction) []string {
	t.Helper()
	var list, paths []string
	for i, m := range slices.Concat(action.VolumeMounts, p.task.StepTemplate.VolumeMounts) {
		if param := use.FindString(m.Name); i < len(action.VolumeMounts) && param != m.Name {
			t.Errorf("the volume's name %q is not one param", m.Name)
		}
		folder, ok := p.volumes[names.in(t, m.Name)]
		if !ok {
			t.Fatalf("the Task has no volume %s", names.in(t, m.Name))
		}
		if slices.Contains(paths, m.MountPath) {
			t.Errorf("two volumes at %s", m.MountPath)
		}
		paths = append(paths, m.MountPath)
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		list = append(list, folder+":"+m.MountPath+":"+mode)
	}
	return list
}

// runScript runs a step with an image that this machine stands in for.
func (p *pod) runScript(t *testing.T, s step) lab.Outcome {
	t.Helper()
	names := p.scope(t)
	var paths []string
	for _, m := range p.task.StepTemplate.VolumeMounts {
		paths = append(paths, m.MountPath, p.volumes[m.Name])
	}
	here := strings.NewReplacer(paths...)
	env := names.env(t, p.task.StepTemplate.Env, s.Env)
	for name, value := range env {
		env[name] = here.Replace(value)
	}
	maps.Copy(env, p.env)
	env["SSL_CERT_FILE"] = p.ca // in a cluster: the image's, or a mounted bundle
	script := filepath.Join(t.TempDir(), "script")
	lab.Write(t, script, here.Replace(names.in(t, s.Script)), 0o755)
	return lab.Command{Dir: names.in(t, s.WorkingDir), Env: env, Args: []string{script}}.Run(t)
}
