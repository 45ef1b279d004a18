// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quay-keyless/internal/ownfile"
)

// reader is a group of tools that read the same files in this order. If no earlier file
// holds a login, ours goes into the last one.
type reader struct {
	tools []string
	paths []string
	image bool // these tools are built on containers/image
}

// The tools by where they look. Each stands for others: ko, cosign and kaniko look where
// crane does, oras where docker does.
var (
	podman  = reader{tools: []string{"podman", "buildah"}, image: true}
	skopeo  = reader{tools: []string{"skopeo"}, image: true}
	images  = reader{tools: slices.Concat(podman.tools, skopeo.tools), image: true}
	dockers = reader{tools: []string{"docker", "crane", "helm"}}
)

func (r reader) of(paths ...string) reader {
	r.paths = slices.DeleteFunc(paths, func(path string) bool { return path == "" })
	return r
}

// readers lists where tools look. Without an XDG_RUNTIME_DIR of the user, podman and buildah
// look at [Place.strays], which NoRuntimeDir is about.
func (p Place) readers(docker string) []reader {
	if named := p.Getenv("REGISTRY_AUTH_FILE"); named != "" {
		return []reader{images.of(named), dockers.of(docker)}
	}
	forPodman, forSkopeo, runtimeFile := "", "", p.runtimeFile()
	if runtimeFile.read {
		forPodman, forSkopeo = runtimeFile.path, runtimeFile.path
	} else if _, _, err := look(runtimeFile.path, p.Trust); err == nil && p.Getenv("XDG_RUNTIME_DIR") == "" {
		forSkopeo = runtimeFile.path
	}
	readers := []reader{podman.of(forPodman, p.userFile(), docker), skopeo.of(forSkopeo, p.userFile(), docker), dockers.of(docker)}
	if p.Getenv("DOCKER_CONFIG") != "" {
		readers[0] = podman.of(docker)
	}
	return readers
}

// strays is where podman, buildah and skopeo look without an XDG_RUNTIME_DIR.
func (p Place) strays() []string {
	uid := strconv.Itoa(p.UID)
	return []string{p.system("/run/user/" + uid + "/containers/auth.json"), p.system("/tmp/podman-run-" + uid + "/containers/auth.json"),
		p.system("/var/tmp/containers-user-" + uid + "/containers/containers/auth.json"), p.runtimeFile().path}
}

// craneFile is the file that crane and its relatives read if docker's is missing.
func (p Place) craneFile() (path string, found logins) {
	for _, path := range []string{p.Getenv("REGISTRY_AUTH_FILE"), below(p.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json"), p.inHome(".config", "containers", "auth.json")} {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			file, found, err := look(path, p.Trust)
			if err != nil {
				return "", logins{}
			}
			return file.Path(), found
		}
	}
	return "", logins{}
}

// helmFile is where helm registry login writes. helm reads docker's file after it.
func (p Place) helmFile() string {
	config := cmp.Or(below(p.Getenv("XDG_CONFIG_HOME"), "helm"), map[string]string{
		"darwin": p.inHome("Library", "Preferences", "helm"), "windows": below(p.Getenv("APPDATA"), "helm"),
	}[p.OS], p.inHome(".config", "helm"))
	return cmp.Or(p.Getenv("HELM_REGISTRY_CONFIG"), below(cmp.Or(p.Getenv("HELM_CONFIG_HOME"), config), "registry", "config.json"))
}

// onlyHelpers is the registries.conf that has podman, buildah and skopeo ask only
// credential helpers, and these. Without the setting, or with containers-auth.json in it,
// they read auth files.
func (p Place) onlyHelpers() (path, helpers string) {
	for _, conf := range p.registriesConf() {
		text, err := ownfile.ReadAny(conf, 1<<20)
		if err != nil {
			continue
		}
		// The setting is before all tables.
		setting := regexp.MustCompile(`(?m)^[ \t]*credential-helpers[ \t]*=[ \t]*\[([^\]]*)\]`)
		if found := setting.FindSubmatch(regexp.MustCompile(`#.*`).ReplaceAll(text, nil)); found != nil {
			list := regexp.MustCompile(`[^"', \t\r\n]+`).FindAllString(string(found[1]), -1)
			path, helpers = conf, strings.Join(list, ", ")
			if len(list) == 0 || slices.Contains(list, "containers-auth.json") {
				path = ""
			}
		}
	}
	return path, helpers
}

// registriesConf is the files in which containers/image looks for that setting. A later
// one wins.
func (p Place) registriesConf() []string {
	user, system := p.inHome(".config", "containers", "registries.conf"), p.system("/etc/containers/registries.conf")
	main := p.Getenv("CONTAINERS_REGISTRIES_CONF")
	if _, err := os.Stat(user); main == "" && err == nil {
		main = user
	}
	dropIns, _ := filepath.Glob(filepath.Join(system+".d", "*.conf"))
	own, _ := filepath.Glob(filepath.Join(user+".d", "*.conf"))
	return slices.Concat([]string{cmp.Or(main, system)}, dropIns, own)
}
