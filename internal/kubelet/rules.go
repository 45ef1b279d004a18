// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
)

// Config is a CredentialProviderConfig.
type Config struct {
	APIVersion text       `yaml:"apiVersion"`
	Kind       text       `yaml:"kind"`
	Providers  []Provider `yaml:"providers"`
}

// Provider is one plugin.
type Provider struct {
	Name                 text             `yaml:"name"`
	Args                 []text           `yaml:"args"`
	MatchImages          []text           `yaml:"matchImages"`
	DefaultCacheDuration *text            `yaml:"defaultCacheDuration"`
	APIVersion           text             `yaml:"apiVersion"`
	Env                  []variable       `yaml:"env"`
	TokenAttributes      *tokenAttributes `yaml:"tokenAttributes"`
}

type variable struct{ Name, Value text }

// tokenAttributes say which service account token and annotations a plugin gets.
type tokenAttributes struct {
	Audience              text   `yaml:"serviceAccountTokenAudience"`
	CacheType             text   `yaml:"cacheType"`
	RequireServiceAccount *bool  `yaml:"requireServiceAccount"`
	Required              []text `yaml:"requiredServiceAccountAnnotationKeys"`
	Optional              []text `yaml:"optionalServiceAccountAnnotationKeys"`
}

// text is a string as the kubelet reads one: never a number.
type text string

// UnmarshalYAML reads the text.
func (t *text) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" {
		return fmt.Errorf("line %d: %q is not a text", node.Line, node.Value)
	}
	*t = text(node.Value)
	return nil
}

// Parse reads a configuration as the kubelet does.
func Parse(content []byte) (Config, error) {
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return c, err
	}
	group, version, _ := strings.Cut(string(c.APIVersion), "/")
	if c.Kind != "CredentialProviderConfig" || group != "kubelet.config.k8s.io" || !slices.Contains([]string{"v1", "v1beta1", "v1alpha1"}, version) {
		return c, fmt.Errorf("it has the kind %q of %q, not CredentialProviderConfig of kubelet.config.k8s.io/v1", c.Kind, c.APIVersion)
	}
	if version != "v1" && slices.ContainsFunc(c.Providers, func(p Provider) bool { return p.TokenAttributes != nil }) {
		return c, errors.New("tokenAttributes need apiVersion: kubelet.config.k8s.io/v1")
	}
	return c, nil
}

// check finds all that keeps a kubelet from starting.
func (c Config) check() error {
	errs := broken(rule{len(c.Providers) == 0, "providers is empty"})
	names := map[text]bool{}
	for _, p := range c.Providers {
		errs = append(errs, broken(rule{names[p.Name], fmt.Sprintf("provider %q is there twice", p.Name)})...)
		names[p.Name] = true
		for _, err := range append(p.problems(), p.TokenAttributes.problems(p.APIVersion)...) {
			errs = append(errs, fmt.Errorf("provider %q: %w", p.Name, err))
		}
	}
	return errors.Join(errs...)
}

// rule is what must not be, and how to say it.
type rule struct {
	broken bool
	text   string
}

func broken(rules ...rule) (errs []error) {
	for _, r := range rules {
		if r.broken {
			errs = append(errs, errors.New(r.text))
		}
	}
	return errs
}

func (p Provider) problems() []error {
	versions := []text{apiVersion, apiVersion + "beta1", apiVersion + "alpha1"}
	odd := slices.ContainsFunc(p.MatchImages, func(image text) bool { _, err := url.Parse("https://" + string(image)); return err != nil })
	var duration time.Duration
	var err error
	if p.DefaultCacheDuration != nil {
		duration, err = time.ParseDuration(string(*p.DefaultCacheDuration))
	}
	return broken(
		rule{p.Name == "." || p.Name == ".." || strings.ContainsAny(string(p.Name), "/ "), "name must be a file name without spaces"},
		rule{!slices.Contains(versions, p.APIVersion), "apiVersion must be " + apiVersion},
		rule{len(p.MatchImages) == 0, "matchImages is empty"},
		rule{odd, "matchImages has an item that is not HOST[:PORT][/PATH]"},
		rule{p.DefaultCacheDuration == nil, "defaultCacheDuration is missing"},
		rule{err != nil || duration < 0, "defaultCacheDuration must be a duration, as 0s"},
	)
}

// annotationKey is a qualified name in lower case.
var annotationKey = platform.Pattern(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$`)

func (a *tokenAttributes) problems(version text) []error {
	if a == nil {
		return nil
	}
	keys := slices.Concat(a.Required, a.Optional)
	odd := slices.ContainsFunc(keys, func(key text) bool {
		prefix, _, found := strings.Cut(string(key), "/")
		return !annotationKey().MatchString(strings.ToLower(string(key))) || found && len(prefix) > 253
	})
	slices.Sort(keys)
	return broken(
		rule{version != apiVersion, "tokenAttributes need apiVersion: " + apiVersion},
		rule{a.Audience == "", "serviceAccountTokenAudience is missing"},
		rule{a.RequireServiceAccount == nil, "requireServiceAccount is missing"},
		rule{a.RequireServiceAccount != nil && !*a.RequireServiceAccount && len(a.Required) > 0, "requiredServiceAccountAnnotationKeys need requireServiceAccount: true"},
		rule{a.CacheType != "ServiceAccount" && a.CacheType != "Token", "cacheType must be ServiceAccount or Token"},
		rule{odd, "an annotation key is not a qualified name"},
		rule{len(slices.Compact(slices.Clone(keys))) < len(keys), "an annotation key is there twice"},
	)
}

// Ours finds the provider that runs quay-keyless for images of a registry, and says what it
// lacks for that.
func (c Config) Ours(host, audience string) (Provider, error) {
	i := slices.IndexFunc(c.Providers, func(p Provider) bool { return slices.Contains(p.Args, "credential-provider") })
	if i < 0 {
		return Provider{}, errors.New("no provider has the argument credential-provider")
	}
	p, a := c.Providers[i], c.Providers[i].TokenAttributes
	if a == nil {
		return p, fmt.Errorf("provider %q has no tokenAttributes, so it gets no service account token", p.Name)
	}
	matches := func(pattern text) bool { return matchesHost(string(pattern), host) }
	return p, errors.Join(broken(
		rule{!slices.ContainsFunc(p.MatchImages, matches), fmt.Sprintf("matchImages of provider %q has no %s", p.Name, host)},
		rule{string(a.Audience) != audience, fmt.Sprintf("serviceAccountTokenAudience of provider %q is %q, not %q", p.Name, a.Audience, audience)},
		rule{!slices.Contains(slices.Concat(a.Required, a.Optional), Annotation), fmt.Sprintf("provider %q does not get the annotation %s", p.Name, Annotation)},
	)...)
}

// matchesHost reports whether a pattern of matchImages covers images of a registry: each *
// is within one label, and the port must be the same.
func matchesHost(pattern, host string) bool {
	pattern, _, _ = strings.Cut(pattern, "/")
	labels, parts := strings.Split(pattern, "."), strings.Split(host, ".")
	if len(labels) != len(parts) {
		return false
	}
	for i, label := range labels {
		if matched, err := path.Match(label, parts[i]); err != nil || !matched {
			return false
		}
	}
	return true
}

// Load reads the configuration of a kubelet, a file or the files of a directory, and finds
// its plugins.
func Load(configPath, binDir string, read func(path string) ([]byte, error)) (Config, error) {
	paths := []string{configPath}
	if info, err := os.Stat(configPath); err == nil && info.IsDir() { // opening a pipe would wait
		entries, err := os.ReadDir(configPath)
		if err != nil {
			return Config{}, err
		}
		paths = nil
		for _, entry := range entries {
			if slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(entry.Name())) {
				paths = append(paths, filepath.Join(configPath, entry.Name()))
			}
		}
	}
	var all Config
	for _, path := range paths {
		text, err := read(path)
		if err != nil {
			return all, err
		}
		c, err := Parse(text)
		if err != nil {
			return all, fmt.Errorf("%s: %w", path, err)
		}
		all.Providers = append(all.Providers, c.Providers...)
	}
	if err := all.check(); err != nil {
		return all, fmt.Errorf("%s: %w", configPath, err)
	}
	for _, p := range all.Providers {
		if _, err := exec.LookPath(filepath.Join(binDir, string(p.Name))); err != nil {
			return all, fmt.Errorf("the plugin %s cannot be run: %w", filepath.Join(binDir, string(p.Name)), errors.Unwrap(err))
		}
	}
	return all, nil
}
