// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// list is a credential store's.
func list(store string) ([]string, error) {
	if store == "broken" {
		return nil, errors.New("locked")
	}
	return []string{"https://index.docker.io/v1/", "https://ghcr.io", host, "helped.io", "env.io"}, nil
}

// copies is what docker's file and the other one start with, as names and helpers.
func copies(t *testing.T, j job, in Inherit, keys ...Key) (docker, containers string) {
	t.Helper()
	p, root := j.lay(t)
	plan, err := p.Isolated(filepath.Join(root, "i"), in, keys...)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, target := range plan.Files {
		var list []string
		for _, c := range target.File.Start.Copies {
			text := c.Key
			if c.Helper {
				text += "=" + strings.Trim(string(c.Value), `"`)
			}
			list = append(list, text)
		}
		texts = append(texts, fmt.Sprint(list, " ", strings.Join(strings.Fields(string(target.File.Start.Text)), "")))
	}
	return texts[0], texts[1]
}

// TestCopies is what tools saw, without what would hide our login.
func TestCopies(t *testing.T) {
	const nothing = ` {"auths":{}}`
	for name, c := range map[string]struct {
		job
		in                 Inherit
		keys               []Key
		docker, containers string
	}{
		"nothing there": {job{env: home}, Inherit{On: true}, []Key{ours}, "[]" + nothing, "[]" + nothing},
		"no home":       {job{}, Inherit{On: true}, []Key{ours}, "[]" + nothing, "[]" + nothing},
		"not asked":     {job{env: home, files: map[string]string{docker: others}}, Inherit{}, []Key{ours}, "[]" + nothing, "[]" + nothing},
		"docker's": {job{env: home, files: map[string]string{docker: `{"auths":{"a.io/x":{},"a.io/y":{},"b.io":{},"b.io/x":{},"https://c.io/v1/":{}},"proxies":{}}`}}, Inherit{On: true}, []Key{ours},
			`[a.io b.io https://c.io/v1/] {"auths":{},"proxies":{}}`, "[a.io/x a.io/y b.io b.io/x https://c.io/v1/]" + nothing},
		"null":            {job{env: home, files: map[string]string{docker: `{"auths":null,"credHelpers":null}`, user: with("a.io")}}, Inherit{On: true}, []Key{ours}, "[]" + nothing, "[a.io]" + nothing},
		"crane's":         {job{env: home, files: map[string]string{user: with("a.io")}}, Inherit{On: true}, []Key{ours}, "[a.io]" + nothing, "[a.io]" + nothing},
		"all of podman's": {job{env: home, files: map[string]string{docker: with("a.io"), user: with("b.io/x"), runtimeAuth: with("b.io")}}, Inherit{On: true}, []Key{ours}, "[a.io]" + nothing, "[a.io b.io]" + nothing},
		"REGISTRY_AUTH_FILE": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a"), files: map[string]string{docker: with("a.io"), user: with("b.io"), "a": with("c.io")}}, Inherit{On: true}, []Key{ours},
			"[a.io]" + nothing, "[c.io]" + nothing},
		"our folder": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/i/auth.json", "DOCKER_CONFIG", "~/i"), files: map[string]string{docker: with("a.io"), user: with("b.io")}}, Inherit{On: true}, []Key{ours},
			"[a.io]" + nothing, "[a.io b.io]" + nothing},
		"another folder":  {job{env: home, files: map[string]string{docker: with("a.io"), "creds/config.json": with("b.io")}}, Inherit{On: true, From: "creds"}, []Key{ours}, "[b.io]" + nothing, "[b.io]" + nothing},
		"no other folder": {job{env: home, files: map[string]string{docker: with("a.io")}}, Inherit{On: true, From: "creds"}, []Key{ours}, "[a.io]" + nothing, "[a.io]" + nothing},
		"ours, and what hides it": {job{env: home, files: map[string]string{
			docker: `{"auths":{"quay.example":{},"https://quay.example":{},"quay.example/acme":{},"quay.example/other":{}},"credHelpers":{"quay.example":"x","a.io":"x"}}`}}, Inherit{On: true}, []Key{ours},
			"[a.io=x]" + nothing, "[https://quay.example quay.example/other a.io=x]" + nothing},
		"a login of another robot": {job{env: home, files: map[string]string{docker: login1}}, Inherit{On: true}, []Key{acme}, "[quay.example]" + nothing, "[quay.example]" + nothing},
		"a variable": {job{env: homeAnd("DOCKER_AUTH_CONFIG", with("env.io")), files: map[string]string{docker: `{"credsStore":"st","credHelpers":{"env.io":"x","helped.io":"x"}}`}}, Inherit{On: true}, []Key{ours},
			"[env.io ghcr.io=st helped.io=x https://index.docker.io/v1/=st]" + nothing, "[env.io=x helped.io=x]" + nothing},
		"a store that stays":  {job{env: home, files: map[string]string{docker: `{"credsStore":"broken"}`}}, Inherit{On: true}, []Key{ours}, `[] {"auths":{},"credsStore":"broken"}`, "[]" + nothing},
		"a store for a cloud": {job{env: home, files: map[string]string{docker: `{"credsStore":"ecr-login"}`}}, Inherit{On: true}, []Key{ours}, `[] {"auths":{},"credsStore":"ecr-login"}`, "[]" + nothing},
	} {
		t.Run(name, func(t *testing.T) {
			if c.in.From != "" {
				c.in.From = filepath.Join(t.TempDir(), c.in.From)
				write(t, filepath.Join(c.in.From, "x"), "")
				if text, ok := c.files["creds/config.json"]; ok {
					write(t, filepath.Join(c.in.From, "config.json"), text)
				}
			}
			docker, containers := copies(t, c.job, c.in, c.keys...)
			if docker != c.docker || containers != c.containers {
				t.Errorf("docker starts with %s\nwant             %s\nothers start with %s\nwant              %s", docker, c.docker, containers, c.containers)
			}
		})
	}
}
