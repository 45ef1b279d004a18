// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// inputs are the action's inputs, named like the program's flags. quote makes YAML of a
// text.
func (j job) inputs(quote func(string) string) [][2]string {
	inputs := [][2]string{{"registry", quote(j.registry)}, {"robot", quote(j.robot)}}
	if j.audience != "" {
		inputs = append(inputs, [2]string{"audience", quote(j.audience)})
	}
	switch {
	case len(j.checks) == 1:
		inputs = append(inputs, [2]string{"check", quote(j.checks[0])})
	case len(j.checks) > 1:
		inputs = append(inputs, [2]string{"check", "|\n" + indent("  ", strings.Join(j.checks, "\n"))})
	}
	if j.insecure {
		inputs = append(inputs, [2]string{"tls-verify", `"false"`}) // a text, as Tekton wants params
	}
	return inputs
}

func indent(by, text string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }

// mapping is lines of key: value.
func mapping(pairs [][2]string) string {
	var lines []string
	for _, pair := range pairs {
		lines = append(lines, pair[0]+": "+pair[1])
	}
	return strings.Join(lines, "\n")
}

// github is a job of GitHub Actions.
func (j job) github() string {
	inputs := j.inputs(platform.WorkflowText)
	if j.ca {
		inputs = append(inputs, [2]string{"ca-certificate", "${{ vars.QUAY_CA_CERTIFICATE }} # the CA as PEM text, a variable of the repository"},
			[2]string{"install-ca", "true"})
	}
	environment := ""
	if j.environment != "" {
		environment = "    environment: " + platform.WorkflowText(j.environment) + "\n"
	}
	return `jobs:
  push:
    runs-on: ubuntu-latest
` + environment + `    permissions:
      contents: read
      id-token: write
    steps:
      - uses: ` + j.from + `@v1
        with:
` + indent("          ", mapping(inputs)) + `
      - run: ` + platform.WorkflowText(j.use("podman")) + "\n"
}

// image is the first repository, at the registry.
func (j job) image() string {
	return strings.TrimPrefix(j.registry, "http://") + "/" + j.repository
}

// use is the command that uses the login. Tools need their own flag for a registry
// without verified TLS.
func (j job) use(tool string) string {
	words := []string{tool, "push"}
	if j.pulls {
		words[1] = "pull"
	}
	if j.insecure || strings.HasPrefix(j.registry, "http://") {
		words = append(words, "--tls-verify=false")
	}
	return strings.Join(append(words, platform.Shell(j.image())), " ")
}

// gitlab is a job of GitLab CI. Flags that are not inputs become variables.
func (j job) gitlab() string {
	var inputs, extra [][2]string
	plain := func(text string) string { return platform.YAMLText(strings.ReplaceAll(text, "$", "$$")) } // no variable of GitLab's
	for _, input := range j.inputs(plain) {
		if input[0] == "tls-verify" {
			extra = append(extra, [2]string{"QUAY_TLS_VERIFY", input[1]})
			continue
		}
		inputs = append(inputs, input)
	}
	if j.ca {
		extra = append(extra, [2]string{"QUAY_CA_CERTIFICATE", "$QUAY_CA # the CA as PEM text, a variable of the project"})
	}
	more := ""
	if len(extra) > 0 {
		more = "  variables:\n" + indent("    ", mapping(extra)) + "\n"
	}
	return `include:
  - component: $CI_SERVER_FQDN/` + j.from + `/quay-login@v1
    inputs:
` + indent("      ", mapping(inputs)) + `

push:
  extends: .quay-login
` + more + `  script:
    - ` + platform.YAMLText(j.use("buildah")) + "\n"
}

// tekton is what a Task needs around its own steps.
func (j job) tekton() string {
	params := []string{}
	for _, input := range j.inputs(platform.YAMLText) {
		params = append(params, "- name: "+input[0]+"\n  value: "+strings.ReplaceAll(input[1], "\n", "\n  "))
	}
	if j.ca {
		params = append(params, "- name: ca-certificate\n  value: $(params.ca-certificate) # the CA as PEM text, a param of the Task")
	}
	audience := request.DefaultAudience
	if j.audience != "" {
		audience = platform.YAMLText(j.audience)
	}
	return `spec:
  stepTemplate:
    env:
      - name: DOCKER_CONFIG
        value: /quay-auth
      - name: REGISTRY_AUTH_FILE
        value: /quay-auth/config.json
    volumeMounts:
      - name: quay-auth
        mountPath: /quay-auth
  steps:
    - name: login
      ref:
        name: quay-login
      params:
` + indent("        ", strings.Join(params, "\n")) + `
    # then the steps that use it, as: ` + j.use("buildah") + `
  volumes:
    - name: quay-auth
      emptyDir:
        medium: Memory
    - name: quay-token
      projected:
        sources:
          - serviceAccountToken:
              audience: ` + audience + `
              expirationSeconds: 600
              path: token
`
}

// shell is the command for a job elsewhere.
func (j job) shell() string {
	words := []string{"quay-keyless", "login", platform.Shell(j.registry), "--robot", platform.Shell(j.robot)}
	if j.audience != "" {
		words = append(words, "--audience", platform.Shell(j.audience))
	}
	for _, check := range j.checks {
		words = append(words, "--check", platform.Shell(check))
	}
	if j.insecure {
		words = append(words, "--tls-verify=false")
	}
	with := "--id-token-file, --id-token-env or --id-token-stdin"
	if j.ca {
		with = "--ca-certificate PATH, and " + with
	}
	return strings.Join(words, " ") + " # with " + with
}
