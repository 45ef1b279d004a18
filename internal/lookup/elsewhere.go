// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"quay-keyless/internal/ownfile"
)

// elsewhere finds what sends tools to another place than an auth file: DOCKER_AUTH_CONFIG,
// whose text this is, helm's own file, and registries.conf.
func (b *planner) elsewhere(variable string) {
	for _, name := range variableConflicts(variable, b.keys) {
		b.conflict(Conflict{Kind: DockerAuthConfig, Key: name, Tools: []string{"docker", "crane"}})
	}
	path := b.place.helmFile()
	if _, found, err := look(path, b.place.Trust); path != "" && err == nil {
		for _, host := range hosts(b.keys) {
			if slices.Contains(found.hosts(), host) {
				b.conflict(Conflict{Kind: HelmFile, Path: path, Key: host, Tools: []string{"helm"}})
			}
		}
	}
	if path, helpers := b.place.onlyHelpers(); path != "" {
		b.conflict(Conflict{Kind: NoAuthFiles, Path: path, Key: helpers, Tools: images.tools})
	}
}

// helmFile is where helm registry login writes. helm reads docker's file after it.
func (p Place) helmFile() string {
	if path := p.Getenv("HELM_REGISTRY_CONFIG"); path != "" {
		return path
	}
	folder := p.Getenv("HELM_CONFIG_HOME")
	switch {
	case folder != "":
	case p.Getenv("XDG_CONFIG_HOME") == "" && p.OS == "darwin":
		folder = p.inHome("Library", "Preferences", "helm")
	case p.Getenv("XDG_CONFIG_HOME") == "" && p.OS == "windows":
		folder = filepath.Join(p.Getenv("APPDATA"), "helm")
	default:
		folder = p.config("XDG_CONFIG_HOME", "helm")
	}
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, "registry", "config.json")
}

// onlyHelpers is the registries.conf that has podman, buildah and skopeo ask only
// credential helpers, and these. Without the setting, or with containers-auth.json in it,
// they read auth files.
func (p Place) onlyHelpers() (path, helpers string) {
	setting := regexp.MustCompile(`(?m)^[ \t]*credential-helpers[ \t]*=[ \t]*\[([^\]]*)\]`) // before all tables
	for _, conf := range p.registriesConf() {
		text, err := ownfile.ReadAny(conf, 1<<20)
		if err != nil {
			continue
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			bare, _, _ := strings.Cut(line, "#")
			lines = append(lines, bare)
		}
		if found := setting.FindStringSubmatch(strings.Join(lines, "\n")); found != nil {
			list := strings.FieldsFunc(found[1], func(r rune) bool { return strings.ContainsRune("\"', \t\r\n", r) })
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
	main := p.Getenv("CONTAINERS_REGISTRIES_CONF")
	user, system := p.inHome(".config", "containers", "registries.conf"), p.system("/etc/containers/registries.conf")
	if main == "" {
		main = system
		if _, err := os.Stat(user); err == nil {
			main = user
		}
	}
	files := []string{main}
	for _, folder := range []string{system + ".d", user + ".d"} {
		more, _ := filepath.Glob(filepath.Join(folder, "*.conf"))
		files = append(files, more...)
	}
	return files
}
