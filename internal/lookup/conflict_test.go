// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/idtoken"
)

const namedFile = "a.json" // REGISTRY_AUTH_FILE of some rows

var (
	forDocker = homeAnd("REGISTRY_AUTH_FILE", "~/"+namedFile) // docker's file is not podman's
	desktop   = `{"credHelpers":{"quay.example":"desktop"}}`
)

// conflicts are the files as they are laid out, and the plan's lines about conflicts.
var conflicts = map[string]planRow{
	"a helper in docker's file":                 {job{env: home, files: map[string]string{docker: desktop}}, []string{"fatal helper ~/" + docker + " desktop"}},
	"a helper for docker alone":                 {job{env: forDocker, files: map[string]string{docker: desktop}}, []string{"warning helper ~/" + docker + " desktop"}},
	"a helper in REGISTRY_AUTH_FILE":            {job{env: forDocker, files: map[string]string{namedFile: desktop}}, []string{"fatal helper ~/" + namedFile + " desktop"}},
	"a helper of higher precedence":             {job{env: home, files: map[string]string{user: desktop}}, []string{"fatal helper ~/" + user + " desktop"}},
	"a helper that is switched off":             {job{env: home, files: map[string]string{docker: `{"credHelpers":{"quay.example":""}}`}}, []string{"fatal helper ~/" + docker}},
	"our own helper":                            {job{env: home, files: map[string]string{docker: `{"credHelpers":{"quay.example":"quay-keyless"}}`}}, nil},
	"our own helper over a store":               {job{env: home, files: map[string]string{docker: `{"credsStore":"pass","credHelpers":{"quay.example":"quay-keyless"}}`}}, []string{"warning store ~/" + docker + " pass"}},
	"a helper over a store":                     {job{env: forDocker, files: map[string]string{docker: `{"credsStore":"pass","credHelpers":{"quay.example":"x"}}`}}, []string{"warning helper ~/" + docker + " x"}},
	"a helper that nobody asks":                 {job{env: home, files: map[string]string{docker: `{"credHelpers":{"quay.example/acme":"x","quay.io":"x","https://quay.example":"x"}}`}}, nil},
	"a helper for docker behind a higher login": {job{env: home, files: map[string]string{user: login1, docker: desktop}}, []string{"warning helper ~/" + docker + " desktop"}},

	"an organization":                   {job{env: home, files: map[string]string{docker: with("quay.example/acme")}}, []string{"fatal narrower ~/" + docker + " quay.example/acme"}},
	"another organization":              {job{env: home, files: map[string]string{docker: `{"auths":{"quay.example/other":` + some + `,"quay.example/acmecorp":{}}}`}}, nil},
	"an organization, empty":            {job{env: home, files: map[string]string{docker: `{"auths":{"quay.example/acme":{}}}`}}, []string{"fatal narrower ~/" + docker + " quay.example/acme"}},
	"an organization, higher":           {job{env: home, files: map[string]string{user: with("quay.example/acme")}}, []string{"fatal narrower ~/" + user + " quay.example/acme"}},
	"an organization, higher and empty": {job{env: home, files: map[string]string{user: `{"auths":{"quay.example/acme":{},"quay.example/x":{"auth":"YQ=="}}}`}}, nil},
	"an organization for docker":        {job{env: forDocker, files: map[string]string{docker: with("quay.example/acme")}}, nil},
	"a repository":                      {job{env: home, files: map[string]string{docker: with("quay.example/acme/app")}}, []string{"fatal narrower ~/" + docker + " quay.example/acme/app"}},
	"a repository for crane":            {job{env: forDocker, files: map[string]string{docker: with("quay.example/acme/app")}}, []string{"warning narrower ~/" + docker + " quay.example/acme/app"}},
	"no organization":                   {job{env: home, files: map[string]string{docker: `{"auths":{"quay.example/":{},"quay.example/v1/":{},"quay.example//x":{}}}`}}, nil},
	"an organization by URL":            {job{env: home, files: map[string]string{docker: with("https://quay.example/acme")}}, nil},

	"a store":                 {job{env: home, files: map[string]string{docker: `{"credsStore":"pass"}`}}, []string{"warning store ~/" + docker + " pass"}},
	"a store podman ignores":  {job{env: forDocker, files: map[string]string{namedFile: `{"credsStore":"pass"}`, docker: `{"credsStore":""}`}}, nil},
	"a store that is no text": {job{env: home, files: map[string]string{docker: `{"credsStore":5}`}}, []string{"warning unusable ~/" + docker}},

	"another entry without a colon": {job{env: home, files: map[string]string{docker: `{"auths":{"o":{"auth":"YQ=="},"p":{"auth":"!"},"quay.example":{"auth":"!"}}}`}},
		[]string{"warning broken ~/" + docker + " o", "warning broken ~/" + docker + " p"}},
	"empty entries": {job{env: home, files: map[string]string{docker: `{"auths":{"o":{},"p":{"auth":null},"quay.example":null}}`}}, nil},

	"0 bytes in docker's file":          {job{env: home, files: map[string]string{docker: ""}}, []string{"fatal unusable ~/" + docker}},
	"0 bytes in a higher file":          {job{env: home, files: map[string]string{runtimeAuth: ""}}, []string{"fatal unusable ~/" + runtimeAuth}},
	"0 bytes behind a higher login":     {job{env: home, files: map[string]string{runtimeAuth: login1, user: ""}}, nil},
	"0 bytes in REGISTRY_AUTH_FILE":     {job{env: forDocker, files: map[string]string{namedFile: ""}}, []string{"fatal unusable ~/" + namedFile}},
	"a higher file nobody reads":        {job{env: forDocker, files: map[string]string{user: ""}}, nil},
	"a higher file that skopeo reads":   {job{env: homeAnd("DOCKER_CONFIG", "~/d"), files: map[string]string{user: ""}}, []string{"fatal unusable ~/" + user}},
	"no JSON":                           {job{env: home, files: map[string]string{docker: "{"}}, []string{"fatal unusable ~/" + docker}},
	"an entry podman cannot decode":     {job{env: home, files: map[string]string{docker: `{"auths":{"o":"s3cret"}}`}}, []string{"fatal unusable ~/" + docker}},
	"a helper podman cannot decode":     {job{env: home, files: map[string]string{user: `{"credHelpers":{"o":5}}`}}, []string{"fatal unusable ~/" + user}},
	"what only docker cannot decode":    {job{env: forDocker, files: map[string]string{docker: `{"auths":{"o":"s3cret"}}`}}, []string{"warning unusable ~/" + docker}},
	"a folder in REGISTRY_AUTH_FILE":    {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/h")}, nil},
	"an auth file that is a folder":     {job{env: home, files: map[string]string{user + "/x": ""}}, []string{"fatal unusable ~/" + user}},
	"a link in a circle":                {job{env: home, files: map[string]string{"h/.config/containers/x": ""}, links: map[string]string{user: user}}, []string{"fatal unusable ~/" + user}},
	"docker's file, a link in a circle": {job{env: home, files: map[string]string{"h/.docker/x": ""}, links: map[string]string{docker: docker}}, []string{"fatal unusable ~/" + docker}},

	"helm's own login":        {job{env: home, files: map[string]string{"h/.config/helm/registry/config.json": login1}}, []string{"warning helm ~/h/.config/helm/registry/config.json quay.example"}},
	"helm's own store":        {job{env: home, files: map[string]string{"h/.config/helm/registry/config.json": `{"credsStore":"pass"}`}}, []string{"warning helm ~/h/.config/helm/registry/config.json quay.example"}},
	"helm's store for others": {job{env: home, files: map[string]string{"h/.config/helm/registry/config.json": `{"credsStore":"broken"}`}}, nil},
	"helm's other logins":     {job{env: home, files: map[string]string{"h/.config/helm/registry/config.json": with("quay.io")}}, nil},
	"helm's file by variable": {job{env: homeAnd("HELM_REGISTRY_CONFIG", "~/helm.json"), files: map[string]string{"helm.json": with("https://quay.example/v1/")}}, []string{"warning helm ~/helm.json quay.example"}},
	"only helpers": {job{env: home, files: map[string]string{"h/.config/containers/registries.conf": "# x\ncredential-helpers = [\n  \"ecr-login\", # y\n]\n"}},
		[]string{"warning registries.conf ~/h/.config/containers/registries.conf ecr-login"}},
	"only helpers, in a drop-in": {job{env: home, files: map[string]string{"etc/containers/registries.conf.d/1.conf": `credential-helpers = ["a", 'b']`, "etc/containers/registries.conf": ""}},
		[]string{"warning registries.conf ~/etc/containers/registries.conf.d/1.conf a, b"}},
	"helpers and auth files": {job{env: home, files: map[string]string{"h/.config/containers/registries.conf": `credential-helpers = ["a", "containers-auth.json"]`, "etc/containers/registries.conf": `credential-helpers = ["a"]`}}, nil},
	"a comment on helpers":   {job{env: home, files: map[string]string{"etc/containers/registries.conf": `# credential-helpers = ["a"]`}}, nil},
	"registries.conf by variable": {job{env: homeAnd("CONTAINERS_REGISTRIES_CONF", "~/r.conf"), files: map[string]string{"r.conf": `credential-helpers = ["a"]`}},
		[]string{"warning registries.conf ~/r.conf a"}},

	"a variable":                     {job{env: homeAnd("DOCKER_AUTH_CONFIG", login1)}, []string{"warning variable quay.example"}},
	"a variable with a repository":   {job{env: homeAnd("DOCKER_AUTH_CONFIG", with("quay.example/acme/app"))}, []string{"warning variable quay.example/acme/app"}},
	"a variable that docker ignores": {job{env: homeAnd("DOCKER_AUTH_CONFIG", with("https://quay.example"))}, nil},
	"a variable for others":          {job{env: homeAnd("DOCKER_AUTH_CONFIG", others)}, nil},
	"a variable that is no JSON":     {job{env: homeAnd("DOCKER_AUTH_CONFIG", "quay.example")}, nil},
}

// TestConflicts is what was measured with the tools: what wins over the login, for
// whom. The plan's other lines are left out.
func TestConflicts(t *testing.T) {
	for name, row := range conflicts {
		t.Run(name, func(t *testing.T) {
			row.bare = true // all tools read docker's file
			p, root := row.lay(t)
			plan, err := p.InPlace(ours)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, Plan{Conflicts: plan.Conflicts}, root, row.want)
			for _, c := range plan.Conflicts {
				var fault *authfile.Error
				if (c.Kind == Unusable) != errors.As(c.Err, &fault) || fault != nil && (fault.Path != c.Path || strings.Contains(fault.Error(), "s3cret")) {
					t.Errorf("conflict %v with the error %v", c, c.Err)
				}
			}
		})
	}
}

// TestKeyForms is the table of keys: which of them in a file of higher
// precedence podman, buildah and skopeo take for the host, so that the login
// has to go there.
func TestKeyForms(t *testing.T) {
	const port = "quay.example:8443"
	for key, taken := range map[string][]string{
		"quay.example":              {host, host + "/acme"},
		"https://quay.example":      {host, host + "/acme"},
		"http://quay.example":       {host, host + "/acme"},
		"https://quay.example/v1/":  {host, host + "/acme"},
		"https://quay.example/v2/":  {host, host + "/acme"},
		"https://quay.example/acme": {host, host + "/acme"},
		"quay.example/acme":         {host + "/acme"},
		"quay.example/acme/app":     nil,
		"quay.example/":             nil,
		"quay.example/v1/":          nil,
		"quay.example:443":          nil,
		"quay.example:8443":         {port},
		"https://quay.example:8443": {port},
		"QUAY.example":              nil,
		"*.example":                 nil,
		"":                          nil,
	} {
		held, err := decode([]byte(with(key)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, asked := range []Key{ours, acme, {Host: port}} {
			if held.answers([]Key{asked}) {
				got = append(got, asked.String())
			}
		}
		if !slices.Equal(got, taken) {
			t.Errorf("%q is taken for %q, want %q", key, got, taken)
		}
	}
	for entry, want := range map[string]bool{
		`{}`: false, `null`: false, `{"auth":""}`: false, `{"auth":"YQ=="}`: false, `{"username":"a","password":"b"}`: false,
		`{"identitytoken":"x"}`: false, `{"auth":"YTpi"}`: true, `{"auth":"!"}`: true, `{"AUTH":"YTpi"}`: true,
	} {
		held, err := decode([]byte(`{"Auths":{"quay.example":` + entry + `}}`))
		if err != nil || held.answers([]Key{ours}) != want {
			t.Errorf("%s: answers is not %t, %v", entry, want, err)
		}
	}
}

// lookup is what containers/image does with one file, for an image: a helper,
// the exact keys from the repository up to the host, URLs of the host.
func lookup(t testing.TB, text []byte, image string) (login string, found bool) {
	t.Helper()
	var file struct {
		Auths   map[string]struct{ Auth string }
		Helpers map[string]string `json:"credHelpers"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	registry, _, _ := strings.Cut(image, "/")
	if helper, ok := file.Helpers[registry]; ok {
		return "helper " + helper, true
	}
	decode := func(auth string) (string, bool) {
		text, err := base64.StdEncoding.DecodeString(auth)
		return string(text), err != nil || strings.Contains(string(text), ":")
	}
	for key := image; ; key = key[:strings.LastIndex(key, "/")] {
		if entry, ok := file.Auths[key]; ok {
			return decode(entry.Auth)
		}
		if !strings.Contains(key, "/") {
			break
		}
	}
	for key, entry := range file.Auths {
		_, url, ok := strings.Cut(key, "://")
		of, _, _ := strings.Cut(url, "/")
		if ok && of == registry && (strings.HasPrefix(key, "http://") || strings.HasPrefix(key, "https://")) {
			return decode(entry.Auth)
		}
	}
	return "", false
}

// FuzzContents holds the decisions about a file against what containers/image
// does with it: a file that is passed over answers nothing; in one that the
// login goes to, it is found for the robot's images unless there is a fatal conflict,
// and each of these is one.
func FuzzContents(f *testing.F) {
	for _, text := range []string{
		"", "null", "{}", others, login1, with("quay.example/acme"), with("quay.example/acme/app"), with("https://quay.example/v1/"),
		`{"credHelpers":{"quay.example":"quay-keyless","o":""},"credsStore":[]}`, `{"auths":{"a":"b"}}`, `{"auths":{"quay.example":{"auth":"!"}}}`,
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "auth.json")
	asked := []string{host, host + "/acme", host + "/acme/app"} // of the robot's organization
	f.Fuzz(func(t *testing.T, text []byte) {
		write(t, path, string(text))
		file, held, err := look(path, by())
		if err != nil {
			return
		}
		before := held.conflicts([]Key{ours}, false, images)
		if !held.answers([]Key{ours}) && len(before) == 0 {
			for _, image := range asked {
				if login, found := lookup(t, text, image); found {
					t.Errorf("for %s podman takes %q", image, login)
				}
			}
		}
		if _, err := file.Set(t.Context(), authfile.Entry{Key: host, User: "acme+ci", Token: idtoken.NewSecret("token")}); err != nil {
			return
		}
		after, err := file.Text()
		if _, _, err := file.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		conflicts := held.conflicts([]Key{ours}, true, images)
		asked := slices.Clone(asked)
		for _, c := range conflicts {
			if c.Kind == NarrowerKey {
				asked = append(asked, c.Key)
			}
		}
		lost := err != nil
		for _, image := range asked {
			got, _ := lookup(t, after, image)
			lost = lost || got != "acme+ci:token" && got != "helper "+authfile.OwnHelper
		}
		if lost != (len(conflicts) > 0) {
			t.Errorf("conflicts %v, but the login is lost: %t", conflicts, lost)
		}
	})
}
