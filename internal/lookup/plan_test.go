// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
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
	bare  bool // ~/x is missing
}

// lay makes the files, and a Place that sees nothing else of this machine.
func (j job) lay(t *testing.T) (p Place, root string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, file := j.files["x"]; !j.bare && !file {
		if err := os.Mkdir(filepath.Join(root, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
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
		UID:    j.uid, OS: j.os, Trust: by(), List: list,
		Root: root, Owner: func(fs.FileInfo) int { return j.owner },
	}, root
}

var kinds = map[ConflictKind]string{
	OtherHelper: "helper", NarrowerKey: "narrower", Unusable: "unusable", OtherStore: "store",
	BrokenEntry: "broken", DockerAuthConfig: "variable", NoRuntimeDir: "runtime", OtherLogin: "other",
	HelmFile: "helm", NoAuthFiles: "registries.conf", CreatedFile: "created",
}

// lines is a plan as the tables below have it.
func (p Plan) lines(root string) []string {
	var list []string
	for _, target := range p.Files {
		list = append(list, fmt.Sprint(target.File.Path(), " ", target.tools))
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

var (
	ours = Key{Host: host, Robot: "acme+ci"}
	acme = Key{Host: host, Org: "acme", Robot: "acme+ci"}
)

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
	both  = []string{"~/" + docker + family, "~/" + runtimeAuth + image}
	alone = []string{inDocker, "REGISTRY_AUTH_FILE=~/" + docker}
	unset = append(slices.Clone(alone), "warning runtime")
	noX   = append(slices.Clone(alone), "warning runtime ~/x")
)

var inPlace = map[string]planRow{
	"an empty home":            {job{env: home}, both},
	"others' logins":           {job{env: home, files: map[string]string{docker: others, user: others, runtimeAuth: others}}, both},
	"DOCKER_CONFIG, no HOME":   {job{env: map[string]string{"DOCKER_CONFIG": "~/d"}}, []string{"~/d/config.json" + all, "REGISTRY_AUTH_FILE=~/d/config.json"}},
	"DOCKER_CONFIG goes first": {job{env: homeAnd("DOCKER_CONFIG", "~/d")}, []string{"~/d/config.json [podman buildah docker crane helm]", "~/" + runtimeAuth + " [skopeo]"}},

	"REGISTRY_AUTH_FILE is missing": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/r/a.json")},
		[]string{"~/" + docker + family, "~/r/a.json" + image, "~/" + runtimeAuth + " []"}},
	"REGISTRY_AUTH_FILE hides the rest": {
		job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a.json", "DOCKER_CONFIG", "~/d"), files: map[string]string{user: login1, runtimeAuth: login1}},
		[]string{"~/d/config.json" + family, "~/a.json" + image, "~/" + runtimeAuth + " []"}},
	"REGISTRY_AUTH_FILE is docker's": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/h/.docker/../.docker/config.json")},
		[]string{inDocker, "~/" + runtimeAuth + " []"}},
	"REGISTRY_AUTH_FILE is a link to docker's": {
		job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a.json"), links: map[string]string{"a.json": docker}},
		[]string{inDocker, "~/" + runtimeAuth + " []"}},
	"the default file is broken, and not read": {
		job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a.json"), files: map[string]string{runtimeAuth: ""}},
		[]string{"~/" + docker + family, "~/a.json" + image}},

	"a login in the runtime folder": {job{env: home, files: map[string]string{runtimeAuth: login1}}, both},
	"a login of the user":           {job{env: home, files: map[string]string{user: login1}}, both},
	"a login of the user, no runtime folder": {job{env: home, bare: true, files: map[string]string{user: login1}},
		[]string{"~/" + docker + family, "~/" + user + image, alone[1]}},
	"a login of XDG_CONFIG_HOME": {
		job{env: homeAnd("XDG_CONFIG_HOME", "~/c"), bare: true, files: map[string]string{"c/containers/auth.json": login1, user: login1}},
		[]string{"~/" + docker + family, "~/c/containers/auth.json" + image, alone[1]}},
	"with DOCKER_CONFIG only skopeo looks there": {
		job{env: homeAnd("DOCKER_CONFIG", "~/d"), bare: true, files: map[string]string{user: login1}},
		[]string{"~/d/config.json [podman buildah docker crane helm]", "~/" + user + " [skopeo]", "REGISTRY_AUTH_FILE=~/d/config.json"}},
	"a link to docker's": {
		job{env: home, bare: true, files: map[string]string{docker: login1, "h/.config/containers/x": ""}, links: map[string]string{user: docker}}, alone},
	"an own helper is a login": {job{env: home, bare: true, files: map[string]string{user: `{"credHelpers":{"quay.example":"quay-keyless"}}`}},
		[]string{"~/" + docker + family, "~/" + user + image, alone[1]}},

	"root without XDG_RUNTIME_DIR": {job{env: bare}, alone},
	"root without, with a file": {job{env: bare, owner: 7, files: map[string]string{rootRuntime: login1}},
		[]string{"~/" + docker + family, "~/" + rootRuntime + image}},
	"root without, with /run/containers": {job{env: bare, files: map[string]string{"run/containers/x": ""}},
		alone},
	"root with another user's":               {job{env: home, owner: 7}, alone},
	"root with another user's file":          {job{env: home, owner: 7, files: map[string]string{runtimeAuth: login1}}, both},
	"root, and an export would hide a login": {job{env: bare, files: map[string]string{user: others, "h/.docker/config.json": "{}"}}, alone[:1]},
	"root, and an export hides nothing":      {job{env: bare, files: map[string]string{user: others, docker: others}}, alone},
	"a user with one":                        {job{env: home, uid: 7, owner: 7, files: map[string]string{runtimeAuth: login1}}, both},
	"a user without":                         {job{env: bare, uid: 7, owner: 7}, unset},
	"a user without, a broken file":          {job{env: bare, uid: 7, owner: 7, files: map[string]string{ownRuntime: ""}}, unset},
	"a user without, others' logins":         {job{env: bare, uid: 7, owner: 7, files: map[string]string{ownRuntime: others}}, []string{inDocker, "warning runtime"}},
	"a user without, podman's logins":        {job{env: bare, uid: 7, owner: 7, files: map[string]string{"tmp/podman-run-7/containers/auth.json": others}}, []string{inDocker, "warning runtime"}},
	"a user without, with a login": {job{env: bare, uid: 7, owner: 7, files: map[string]string{ownRuntime: login1}},
		[]string{"~/" + docker + " [podman buildah docker crane helm]", "~/" + ownRuntime + " [skopeo]", unset[1], unset[2]}},
	"a user whose folder is missing": {job{env: home, bare: true, uid: 7, owner: 7}, noX},
	"a user with another user's":     {job{env: home, uid: 7, owner: 8, files: map[string]string{runtimeAuth: login1}}, noX},
	"a user with a file":             {job{env: home, uid: 7, owner: 7, files: map[string]string{"x": ""}}, noX},
	"a user without, and REGISTRY_AUTH_FILE": {
		job{env: map[string]string{"HOME": "~/h", "REGISTRY_AUTH_FILE": "~/a"}, uid: 7},
		[]string{"~/" + docker + family, "~/a" + image}},

	"macOS": {job{env: homeAnd("XDG_CONFIG_HOME", "~/c"), uid: 7, os: "darwin",
		files: map[string]string{runtimeAuth: login1, "c/containers/auth.json": login1}},
		[]string{"~/" + docker + family, "~/" + user + image}},
	"macOS without a home": {job{env: map[string]string{"DOCKER_CONFIG": "~/d"}, uid: 7, os: "darwin"},
		[]string{"~/d/config.json" + all, "REGISTRY_AUTH_FILE=~/d/config.json"}},
	"Windows": {job{env: map[string]string{"USERPROFILE": "~/h", "HOME": "~/elsewhere"}, uid: -1, os: "windows"},
		[]string{"~/" + docker + family, "~/" + user + image}},

	"crane loses podman's logins": {job{env: home, files: map[string]string{runtimeAuth: others}},
		append(slices.Clone(both), "warning created ~/"+runtimeAuth+" quay.example:8443, quay.io")},
	"crane loses another organization's login": {job{env: home, files: map[string]string{runtimeAuth: with("quay.example/other")}},
		append(slices.Clone(both), "warning created ~/"+runtimeAuth+" quay.example/other")},
	"crane does not read it anyway": {job{env: home, files: map[string]string{runtimeAuth: others, docker: "{}"}}, both},
	"crane loses nothing":           {job{env: home, files: map[string]string{runtimeAuth: login1}}, both},
}

// TestWhereInPlace is where tools look: which files get the login.
func TestWhereInPlace(t *testing.T) {
	for name, row := range inPlace {
		t.Run(name, func(t *testing.T) {
			p, root := row.lay(t)
			plan, err := p.InPlace(ours)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
		})
	}
}

func TestInPlaceWithoutAPlace(t *testing.T) {
	p, _ := job{env: map[string]string{"XDG_RUNTIME_DIR": "~/x", "USERPROFILE": "~/h", "REGISTRY_AUTH_FILE": "~/a"}}.lay(t)
	if _, err := p.InPlace(ours); !errors.Is(err, ErrNoHome) {
		t.Errorf("without HOME: %v", err)
	}
	p, root := job{env: home, files: map[string]string{"h": "a file"}}.lay(t)
	_, err := p.InPlace(ours)
	if platform.MessageOf(err).Reason != "no-place" || errors.Is(err, ErrNoHome) {
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
			"quay.example":{},"other.example/acme/b":{},"quay.example/acme":{}}}`,
	}}.lay(t)
	plan, err := p.InPlace(ours, Key{Host: "other.example", Robot: "acme+ci"})
	if err != nil {
		t.Fatal(err)
	}
	wantPlan(t, plan, root, append(both, "warning narrower ~/"+docker+" other.example/acme/b", "warning store ~/"+docker+" pass"))
}

// TestNames checks what a login for an organization is called in docker's file.
func TestNames(t *testing.T) {
	other := with("quay.example")
	mine := `{"auths":{"quay.example":{"auth":"YWNtZStjaTox"}}}`
	for name, row := range map[string]struct {
		docker string
		keys   []Key
		want   string // the names, in docker's file and in the other one
	}{
		"alone":             {"{}", []Key{acme}, "[quay.example] [quay.example/acme]"},
		"no file":           {"", []Key{acme}, "[quay.example] [quay.example/acme]"},
		"the robot's":       {mine, []Key{acme}, "[quay.example] [quay.example/acme]"},
		"another login":     {other, []Key{acme}, "[quay.example/acme]"},
		"the whole host":    {other, []Key{ours}, "[quay.example] [quay.example]"},
		"two organizations": {"{}", []Key{acme, {host, "o", "o+ci"}}, "[quay.example/acme quay.example/o]"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{docker: row.docker}
			if row.docker == "" {
				files = nil
			}
			p, root := job{env: home, files: files}.lay(t)
			plan, err := p.InPlace(row.keys...)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, file := range plan.Files {
				names = append(names, fmt.Sprint(file.Names))
			}
			if got := strings.Join(names, " "); got != row.want {
				t.Errorf("in place: %s, want %s", got, row.want)
			}
			isolated, err := p.Isolated(filepath.Join(root, "h/.docker"), Inherit{}, row.keys...)
			if err != nil {
				t.Fatal(err)
			}
			if got := isolated.Files[0].Names[0]; row.docker != other && len(row.keys) == 1 && got != host || (row.docker == other) != slices.ContainsFunc(isolated.Conflicts, func(c Conflict) bool { return c.Kind == OtherLogin }) && row.keys[0].Org != "" {
				t.Errorf("isolated: %q, %v", got, isolated.Conflicts)
			}
			if slices.ContainsFunc(isolated.Files[0].Names, func(name string) bool { return strings.Contains(name, "/") }) {
				t.Errorf("docker's tools would choose one of %q at random", isolated.Files[0].Names)
			}
		})
	}
}

// TestTools checks that a tool is named only if it finds the login.
func TestTools(t *testing.T) {
	p, _ := job{env: homeAnd("DOCKER_AUTH_CONFIG", login1), files: map[string]string{
		"h/.config/helm/registry/config.json": login1, "etc/containers/registries.conf": `credential-helpers = ["x"]`}}.lay(t)
	plan, err := p.InPlace(ours)
	if err != nil || len(plan.Tools(plan.Files[0])) > 0 || len(plan.Tools(plan.Files[1])) > 0 {
		t.Errorf("%q, %q, %v", plan.Tools(plan.Files[0]), plan.Tools(plan.Files[1]), err)
	}
}

func TestIsolated(t *testing.T) {
	two := []string{"~/i/config.json" + family, "~/i/auth.json" + image, "DOCKER_CONFIG=~/i", "REGISTRY_AUTH_FILE=~/i/auth.json"}
	for name, row := range map[string]struct {
		job
		want []string
	}{
		"nothing there":      {job{uid: 7, owner: 8}, two},
		"DOCKER_AUTH_CONFIG": {job{env: homeAnd("DOCKER_AUTH_CONFIG", login1)}, append(two, "DOCKER_AUTH_CONFIG=")},
		"a linked folder": {job{files: map[string]string{"real/x": ""}, links: map[string]string{"i": "real"}},
			[]string{"~/real/config.json" + family, "~/real/auth.json" + image, "DOCKER_CONFIG=~/real", "REGISTRY_AUTH_FILE=~/real/auth.json"}},
		"its conflicts": {job{files: map[string]string{"i/config.json": `{"credsStore":"pass"}`, "i/auth.json": `{"auths":{"quay.example/acme":{}}}`}},
			append(two, "fatal narrower ~/i/auth.json quay.example/acme", "warning store ~/i/config.json pass")},
	} {
		t.Run(name, func(t *testing.T) {
			p, root := row.lay(t)
			plan, err := p.Isolated(filepath.Join(root, "i"), Inherit{}, ours)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
		})
	}
	_, err := Place{}.Isolated("", Inherit{}, ours)
	wantReason(t, err, authfile.BadPath)
}

// TestNamedFile checks that nothing but the file counts.
func TestNamedFile(t *testing.T) {
	elsewhere := homeAnd("DOCKER_CONFIG", "~/d", "REGISTRY_AUTH_FILE", "~/r", "DOCKER_AUTH_CONFIG", login1)
	conflicting := `{"credsStore":"pass","credHelpers":{"quay.example":"x"},"auths":{"quay.example/acme":{},"o":{"auth":"!"}}}`
	for name, row := range map[string]struct {
		file, text string
		want       []string
	}{
		"nothing wrong": {"auth.json", others, []string{"~/auth.json []"}},
		"its conflicts": {"auth.json", conflicting, []string{"~/auth.json []",
			"fatal narrower ~/auth.json quay.example/acme", "fatal helper ~/auth.json x"}},
		"also read by docker": {"config.json", conflicting, []string{"~/config.json []",
			"fatal narrower ~/config.json quay.example/acme", "fatal helper ~/config.json x", "warning broken ~/config.json o"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, root := job{env: elsewhere, uid: 7, files: map[string]string{
				row.file: row.text, "d/config.json": "", "r": "", user: login1}}.lay(t)
			plan, err := p.File(filepath.Join(root, row.file), Inherit{}, ours)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
		})
	}
	_, err := Place{}.File("", Inherit{}, ours)
	wantReason(t, err, authfile.BadPath)
}
