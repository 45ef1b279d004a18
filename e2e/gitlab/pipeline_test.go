// SPDX-License-Identifier: Apache-2.0

// Package gitlab runs pipelines with our component: gitlab-ci-local expands
// them and runs their jobs in containers of the job image, against a sandbox,
// with doubles of what it lacks, GitLab's ID tokens and its runner's masking.
package gitlab

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// keep makes a job hand on all that is in its workspace, by artifacts, by a
// report and by its cache.
const keep = `
  cache:
    key: all
    when: always
    paths: ["**/*"]
  artifacts:
    when: always
    paths: ["**/*"]
    reports: {dotenv: job.env}
`

func TestJobs(t *testing.T) {
	s := newServer(t).withContainers(t)
	for name, test := range map[string]func(*testing.T, *server){
		"example":   exampleJobs,
		"inherit":   inheritJobs,
		"guides":    guideJobs,
		"refused":   refusedJobs,
		"ways":      waysJobs,
		"masking":   maskingJobs,
		"own image": ownImageJobs,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// The example's two jobs, as a release has them: build takes the login by !reference and pushes by
// buildah, release takes it by extends and copies by skopeo. Both are in
// containers without privileges, as the image's user.
func exampleJobs(t *testing.T, s *server) {
	text := strings.Replace(s.released(t, "build.gitlab-ci.yml"), "\n  script:\n", keep+"  script:\n"+
		"    - id --user\n"+
		"    - mkdir \"$CI_PROJECT_DIR.tmp/quay-login-0\"\n"+ // as a killed job leaves it, for release to remove
		"    - stat --format 'mode %a of %n' \"$DOCKER_CONFIG\" \"$DOCKER_CONFIG\"/* \"$REGISTRY_AUTH_FILE\"\n"+
		"    - test -z \"${DOCKER_AUTH_CONFIG+set}\"\n"+
		"    - echo DIGEST=sha256:0 > job.env\n", 1)
	p := s.project(t, text)
	p.variables["QUAY_VERBOSE"] = "true"
	r := p.run(t)
	if r.Exit != 0 {
		t.Fatalf("exit code %d\n%s", r.Exit, r.Log())
	}
	r.must(t, "build", "> 1000", "Writing manifest", "logged out of "+s.sandbox.Host)
	r.must(t, "release", "Writing manifest", "logged out of "+s.sandbox.Host)
	modes := regexp.MustCompile(`mode (\d+) of /builds/acme/app\.tmp/quay-login-\d+(/\w+\.json)?\n`).FindAllStringSubmatch(r.Log(), -1)
	if len(modes) != 4 || modes[0][1] != "700" || modes[1][1] != "600" || modes[2][1] != "600" || modes[3][1] != "600" {
		t.Errorf("files and modes are %q\n%s", modes, r.Log())
	}
	for _, file := range []string{"artifacts/build/version.txt", "artifacts/build/.gitlab-ci-reports/dotenv/job.env", "cache/all/version.txt"} {
		if _, err := os.Stat(filepath.Join(p.folder, ".gitlab-ci-local", file)); err != nil {
			t.Errorf("nothing to look for secrets in: %v", err)
		}
	}
	p.noSecrets(t, r)
}

// The audience is the one of the expanded template, and a refused login ends
// the job before its script.
func refusedJobs(t *testing.T, s *server) {
	p := s.project(t, s.example(t, "build.gitlab-ci.yml", "audience: of-$CI_PROJECT_PATH")+`
nofed:
  stage: build
  extends: .quay-login
  variables: {QUAY_ROBOT: acme+nofed}
  script: [echo the script was run]`+keep)
	p.variables["QUAY_VERBOSE"] = "true"
	r := p.run(t, "build", "nofed")
	r.must(t, "build", "another audience [audience-mismatch]", "id_tokens  aud: quay", "Audience  of-acme/app", "nothing to log out of", "FAIL 4")
	r.must(t, "nofed", "Robot does not have federated login configured", "nothing to log out of", "FAIL 4")
	if r.Exit == 0 || r.said("build", "STEP 1") || r.said("nofed", "> the script was run") {
		t.Errorf("exit code %d\n%s", r.Exit, r.Log())
	}
	p.noSecrets(t, r)
}

// The login's other places and times, by inputs: in the home folder, by the
// credential helper, twice in one pipeline, in an after_script.
func waysJobs(t *testing.T, s *server) {
	second := strings.TrimPrefix(s.include(component, "robot: acme+reader", "job-prefix: read-", "isolated: false"), "include:\n")
	p := s.project(t, s.include(component, "robot: acme+ci", "credential-helper: true")+second+`
helper:
  extends: .quay-login
  script:
    - cat "$REGISTRY_AUTH_FILE"
    - skopeo login --get-login "$QUAY_REGISTRY"
home:
  extends: .read-quay-login
  script:
    - test -z "${DOCKER_CONFIG+set}${REGISTRY_AUTH_FILE+set}"
    - jq --version || true
    - echo "in $(ls ~/.docker)"
    - skopeo login --get-login "$QUAY_REGISTRY"
  after_script:
    - skopeo login --get-login "$QUAY_REGISTRY"
    - !reference [.read-quay-login, after_script]
`)
	r := p.run(t)
	r.must(t, "helper", `"credHelpers"`, "> acme+ci", "logged out of "+s.sandbox.Host)
	r.must(t, "home", "> in config.json", "> acme+reader", "logged out of "+s.sandbox.Host)
	if r.Exit != 0 || strings.Count(r.Log(), "> acme+reader") < 2 {
		t.Errorf("exit code %d\n%s", r.Exit, r.Log())
	}
	p.noSecrets(t, r)
}

// What a job prints itself is masked only where GitLab knows it: the ID token
// is, a login is not. So it is not ours to print it.
func maskingJobs(t *testing.T, s *server) {
	p := s.project(t, s.include(component, "robot: acme+ci")+`
leak:
  extends: .quay-login
  script:
    - echo "$QUAY_ID_TOKEN"
    - cat "$REGISTRY_AUTH_FILE"
`)
	r := p.run(t, "leak")
	shown := mask(r.Log(), r.idTokens...)
	for _, token := range r.idTokens {
		if !strings.Contains(r.Log(), token) || strings.Contains(shown, token) {
			t.Error("the ID token is masked where it was printed, and only there")
		}
	}
	login := base64.StdEncoding.EncodeToString([]byte("acme+ci:e")) // a robot token begins with e
	if !strings.Contains(shown, "leak > [MASKED]") || !strings.Contains(shown, login) {
		t.Errorf("the log is\n%s", shown)
	}
}

// A job in an image without the program gets it from another job's artifact,
// which is nothing but the program.
func ownImageJobs(t *testing.T, s *server) {
	const own = "localhost/own"
	lab.Command{Env: s.env, Stdin: "FROM " + lab.JobImage + "\nUSER 0\nRUN rm /usr/local/bin/*\nUSER 1000\n",
		Args: []string{"buildah", "bud", "--tag", own, "--file", "-", t.TempDir()}}.Must(t)
	text := strings.Replace(s.example(t, "own-image.gitlab-ci.yml", "credential-helper: true"), "quay.io/buildah/stable", own, 1)
	p := s.project(t, strings.Replace(text, "\n  script:\n    - echo", "\n  script:\n"+
		"    - command -v quay-keyless docker-credential-quay-keyless\n    - echo", 1))
	r := p.run(t)
	if r.Exit != 0 {
		t.Fatalf("exit code %d\n%s", r.Exit, r.Log())
	}
	r.must(t, "build", "> /builds/acme/app/.quay-keyless/quay-keyless", "/bin/docker-credential-quay-keyless", "Writing manifest", "logged out of "+s.sandbox.Host)
	artifact := filepath.Join(p.folder, ".gitlab-ci-local", "artifacts", "quay-keyless", ".quay-keyless")
	if lab.Read(t, filepath.Join(artifact, "quay-keyless")) != lab.Read(t, lab.Program()) {
		t.Error("the artifact is not the program")
	}
	if files, err := os.ReadDir(artifact); err != nil || len(files) != 1 {
		t.Errorf("the artifact has %v (%v)", files, err)
	}
	p.noSecrets(t, r)
}
