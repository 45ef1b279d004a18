// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// job is where a plan is made. Paths are below the test's folder, which is ~ in
// texts, and in variables too.
type job struct {
	env   map[string]string
	files map[string]string
	links map[string]string
	uid   int
	owner int // of every folder
	os    string
}

// lay makes the files, and a Place that sees nothing else of this machine.
func (j job) lay(t *testing.T) (p Place, root string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range j.files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, text)
	}
	for path, target := range j.links {
		if err := os.Symlink(filepath.Join(root, target), filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
	if j.os == "" {
		j.os = "linux"
	}
	return Place{
		Getenv: func(name string) string { return strings.ReplaceAll(j.env[name], "~", root) },
		UID:    j.uid, OS: j.os, Trust: by(),
		Run: filepath.Join(root, "run"), Owner: func(fs.FileInfo) int { return j.owner },
	}, root
}

var kinds = map[ConflictKind]string{
	OtherHelper: "helper", NarrowerKey: "narrower", Unusable: "unusable", OtherStore: "store",
	BrokenEntry: "broken", DockerAuthConfig: "variable", NoRuntimeDir: "runtime",
}

// lines is a plan as the tables below have it.
func (p Plan) lines(root string) []string {
	var list []string
	for _, target := range p.Files {
		list = append(list, fmt.Sprint(target.File.Path(), " ", target.Tools))
	}
	for _, v := range p.Exports {
		list = append(list, v.Name+"="+v.Value)
	}
	for _, c := range p.Conflicts {
		weight := "warning"
		if c.Fatal {
			weight = "fatal"
		}
		list = append(list, strings.Join(strings.Fields(fmt.Sprint(weight, " ", kinds[c.Kind], " ", c.Path, " ", c.Key)), " "))
	}
	for i, line := range list {
		list[i] = strings.ReplaceAll(line, root, "~")
	}
	return list
}

func wantPlan(t *testing.T, p Plan, root string, want []string) {
	t.Helper()
	if got := strings.Join(p.lines(root), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the plan is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// The files of the tables.
const (
	docker      = "h/.docker/config.json"
	user        = "h/.config/containers/auth.json"
	runtimeAuth = "x/containers/auth.json"
	ownRuntime  = "run/containers/7/auth.json"
	rootRuntime = "run/containers/0/auth.json"

	some   = `{"auth":"YTpi"}` // a:b
	login1 = `{"auths":{"quay.example":` + some + `}}`
	others = `{"auths":{"quay.io":` + some + `,"quay.example:8443":` + some + `,"quay.example/":` + some + `}}`

	all      = " [podman buildah skopeo docker crane helm]"
	image    = " [podman buildah skopeo]"
	family   = " [docker crane helm]"
	inDocker = "~/" + docker + all
)

func with(key string) string { return `{"auths":{"` + key + `":` + some + `}}` }

var home = map[string]string{"HOME": "~/h", "XDG_RUNTIME_DIR": "~/x"}

func homeAnd(pairs ...string) map[string]string {
	env := map[string]string{"HOME": "~/h", "XDG_RUNTIME_DIR": "~/x"}
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}

// planRow is a row of the tables: where a plan is made, and its lines.
type planRow struct {
	job
	want []string
}

var (
	bare  = map[string]string{"HOME": "~/h"}
	unset = []string{inDocker, "REGISTRY_AUTH_FILE=~/" + docker, "warning runtime"}
)

var inPlace = map[string]planRow{
	"an empty home": {job{env: home}, []string{inDocker}},
	"others' logins": {job{env: home, files: map[string]string{docker: others, user: others, runtimeAuth: others}},
		[]string{inDocker}},
	"DOCKER_CONFIG, no HOME":   {job{env: map[string]string{"DOCKER_CONFIG": "~/d"}}, []string{"~/d/config.json" + all}},
	"DOCKER_CONFIG goes first": {job{env: homeAnd("DOCKER_CONFIG", "~/d")}, []string{"~/d/config.json" + all}},

	"REGISTRY_AUTH_FILE is missing": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/r/a.json")},
		[]string{"~/" + docker + family, "~/r/a.json" + image}},
	"REGISTRY_AUTH_FILE hides the rest": {
		job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a.json", "DOCKER_CONFIG", "~/d"), files: map[string]string{user: login1, runtimeAuth: login1}},
		[]string{"~/d/config.json" + family, "~/a.json" + image}},
	"REGISTRY_AUTH_FILE is docker's": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/h/.docker/../.docker/config.json")},
		[]string{inDocker}},
	"REGISTRY_AUTH_FILE is a link to docker's": {
		job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a.json"), links: map[string]string{"a.json": docker}},
		[]string{inDocker}},

	"a login in the runtime folder": {job{env: home, files: map[string]string{runtimeAuth: login1}},
		[]string{"~/" + docker + family, "~/" + runtimeAuth + image}},
	"a login of the user": {job{env: home, files: map[string]string{user: login1}},
		[]string{"~/" + docker + family, "~/" + user + image}},
	"both: the first one wins": {job{env: home, files: map[string]string{runtimeAuth: login1, user: login1}},
		[]string{"~/" + docker + family, "~/" + runtimeAuth + image}},
	"a login of XDG_CONFIG_HOME": {
		job{env: homeAnd("XDG_CONFIG_HOME", "~/c"), files: map[string]string{"c/containers/auth.json": login1, user: login1}},
		[]string{"~/" + docker + family, "~/c/containers/auth.json" + image}},
	"with DOCKER_CONFIG only skopeo looks there": {
		job{env: homeAnd("DOCKER_CONFIG", "~/d"), files: map[string]string{user: login1}},
		[]string{"~/d/config.json [podman buildah docker crane helm]", "~/" + user + " [skopeo]"}},
	"a link to docker's": {
		job{env: home, files: map[string]string{docker: login1, "h/.config/containers/x": ""}, links: map[string]string{user: docker}},
		[]string{inDocker}},
	"an own helper is a login": {job{env: home, files: map[string]string{user: `{"credHelpers":{"quay.example":"quay-keyless"}}`}},
		[]string{"~/" + docker + family, "~/" + user + image}},

	"root without XDG_RUNTIME_DIR": {job{env: bare, files: map[string]string{rootRuntime: login1}},
		[]string{"~/" + docker + family, "~/" + rootRuntime + image}},
	"root with another user's": {job{env: home, owner: 7, files: map[string]string{runtimeAuth: login1}},
		[]string{"~/" + docker + family, "~/" + runtimeAuth + image}},
	"a user with one": {job{env: home, uid: 7, owner: 7, files: map[string]string{runtimeAuth: login1}},
		[]string{"~/" + docker + family, "~/" + runtimeAuth + image}},
	"a user without":                 {job{env: bare, uid: 7, owner: 7}, unset},
	"a user without, a broken file":  {job{env: bare, uid: 7, owner: 7, files: map[string]string{ownRuntime: ""}}, unset},
	"a user without, others' logins": {job{env: bare, uid: 7, owner: 7, files: map[string]string{ownRuntime: others, rootRuntime: login1}}, unset},
	"a user without, with a login": {job{env: bare, uid: 7, owner: 7, files: map[string]string{ownRuntime: login1}},
		[]string{"~/" + docker + " [podman buildah docker crane helm]", "~/" + ownRuntime + " [skopeo]", unset[1], unset[2]}},
	"a user whose folder is missing": {job{env: home, uid: 7, owner: 7}, []string{inDocker, unset[1], "warning runtime ~/x"}},
	"a user with another user's": {job{env: home, uid: 7, owner: 8, files: map[string]string{runtimeAuth: login1}},
		[]string{inDocker, unset[1], "warning runtime ~/x"}},
	"a user with a file": {job{env: home, uid: 7, owner: 7, files: map[string]string{"x": ""}},
		[]string{inDocker, unset[1], "warning runtime ~/x"}},
	"a user without, and REGISTRY_AUTH_FILE": {
		job{env: map[string]string{"HOME": "~/h", "REGISTRY_AUTH_FILE": "~/a"}, uid: 7},
		[]string{"~/" + docker + family, "~/a" + image}},

	"macOS": {job{env: homeAnd("XDG_CONFIG_HOME", "~/c"), uid: 7, os: "darwin",
		files: map[string]string{user: login1, runtimeAuth: login1, "c/containers/auth.json": login1}},
		[]string{"~/" + docker + family, "~/" + user + image}},
	"macOS without a home": {job{env: map[string]string{"DOCKER_CONFIG": "~/d"}, uid: 7, os: "darwin"},
		[]string{"~/d/config.json" + all}},
	"Windows": {job{env: map[string]string{"USERPROFILE": "~/h", "HOME": "~/elsewhere"}, uid: -1, os: "windows"},
		[]string{inDocker}},
}

// TestWhereInPlace is where tools look: which files get the login.
func TestWhereInPlace(t *testing.T) {
	for name, row := range inPlace {
		t.Run(name, func(t *testing.T) {
			p, root := row.lay(t)
			plan, err := p.InPlace(host)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
		})
	}
}

func TestInPlaceWithoutAPlace(t *testing.T) {
	p, _ := job{env: map[string]string{"XDG_RUNTIME_DIR": "~/x", "USERPROFILE": "~/h", "REGISTRY_AUTH_FILE": "~/a"}}.lay(t)
	if _, err := p.InPlace(host); !errors.Is(err, ErrNoHome) || !errors.Is(err, ErrNoPlace) {
		t.Errorf("without HOME: %v", err)
	}
	p, root := job{env: home, files: map[string]string{"h": "a file"}}.lay(t)
	_, err := p.InPlace(host)
	if !errors.Is(err, ErrNoPlace) || errors.Is(err, ErrNoHome) {
		t.Errorf("where HOME is a file: %v", err)
	}
	if want := "no place for the login: auth file " + filepath.Join(root, docker) + " "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%q does not begin with %q", err, want)
	}
}

func TestSeveralKeys(t *testing.T) {
	p, root := job{env: home, files: map[string]string{
		user: with("other.example"),
		docker: `{"credsStore":"pass","credHelpers":{"quay.example":"quay-keyless"},"auths":{
			"quay.example":{},"other.example/a/b":{},"quay.example/acme":{}}}`,
	}}.lay(t)
	plan, err := p.InPlace(host, "other.example")
	if err != nil {
		t.Fatal(err)
	}
	wantPlan(t, plan, root, []string{"~/" + docker + family, "~/" + user + image,
		"warning narrower ~/" + docker + " other.example/a/b", "warning store ~/" + docker + " pass"})
}

func TestIsolated(t *testing.T) {
	builders := map[string]string{"h/.docker/buildx/current": "", docker: "broken", user: login1, runtimeAuth: ""}
	two := []string{"~/i/config.json" + all, "DOCKER_CONFIG=~/i", "REGISTRY_AUTH_FILE=~/i/config.json"}
	for name, row := range map[string]struct {
		job
		key  string
		want []string
	}{
		"nothing there":  {job{env: homeAnd("DOCKER_AUTH_CONFIG", others), uid: 7, owner: 8}, host, two},
		"no environment": {job{}, host, two},
		"buildx":         {job{env: home, files: builders}, host, append(two, "BUILDX_CONFIG=~/h/.docker/buildx")},
		"buildx elsewhere": {job{env: homeAnd("DOCKER_CONFIG", "~/d"), files: map[string]string{"d/buildx/current": "", "h/.docker/buildx/x": ""}},
			host, append(two, "BUILDX_CONFIG=~/d/buildx")},
		"BUILDX_CONFIG stays": {job{env: homeAnd("BUILDX_CONFIG", "/b"), files: builders}, host, two},
		"two organizations":   {job{env: homeAnd("DOCKER_AUTH_CONFIG", login1), files: builders}, host + "/acme", []string{"~/i/config.json" + image, two[2]}},
		"a linked folder": {job{files: map[string]string{"real/x": ""}, links: map[string]string{"i": "real"}}, host,
			[]string{"~/real/config.json" + all, "DOCKER_CONFIG=~/real", "REGISTRY_AUTH_FILE=~/real/config.json"}},
		"its conflicts": {job{env: homeAnd("DOCKER_AUTH_CONFIG", login1),
			files: map[string]string{"i/config.json": `{"credsStore":"pass","auths":{"quay.example/acme":{}}}`}}, host,
			append(two, "fatal narrower ~/i/config.json quay.example/acme", "warning store ~/i/config.json pass", "warning variable quay.example")},
	} {
		t.Run(name, func(t *testing.T) {
			p, root := row.lay(t)
			plan, err := p.Isolated(filepath.Join(root, "i"), row.key)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
		})
	}
	_, err := Place{}.Isolated("", host)
	wantReason(t, nil, err, BadPath)
}

// TestNamedFile checks that nothing but the file counts.
func TestNamedFile(t *testing.T) {
	elsewhere := homeAnd("DOCKER_CONFIG", "~/d", "REGISTRY_AUTH_FILE", "~/r", "DOCKER_AUTH_CONFIG", login1)
	conflicting := `{"credsStore":"pass","credHelpers":{"quay.example":"x"},"auths":{"quay.example/acme":{},"o":{"auth":"!"}}}`
	for name, row := range map[string]struct {
		file, text string
		want       []string
	}{
		"nothing wrong": {"auth.json", others, []string{"~/auth.json" + image}},
		"its conflicts": {"auth.json", conflicting, []string{"~/auth.json" + image,
			"fatal narrower ~/auth.json quay.example/acme", "fatal helper ~/auth.json x"}},
		"also read by docker": {"config.json", conflicting, []string{"~/config.json" + all,
			"fatal narrower ~/config.json quay.example/acme", "fatal helper ~/config.json x", "warning broken ~/config.json o"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, root := job{env: elsewhere, uid: 7, files: map[string]string{
				row.file: row.text, "d/config.json": "", "r": "", user: login1}}.lay(t)
			plan, err := p.File(filepath.Join(root, row.file), host)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
		})
	}
	_, err := Place{}.File("", host)
	wantReason(t, nil, err, BadPath)
}
