// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

var repositoryPath = regexp.MustCompile(`^/v2/(.+)/(blobs|manifests|tags|referrers)/(.*)$`)

// servePing tells whether a bearer is accepted. Without one its body is true,
// as at Quay.
func (s *Quay) servePing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	ping := web.Answer{Status: http.StatusOK, Type: web.TypeHTMLUTF8, Body: "true"}
	if r.Header.Get("Authorization") == "" {
		ping.Status = http.StatusUnauthorized
		ping.With("WWW-Authenticate", challengeTo(r)).Write(w)
		return
	}
	if _, err := s.authorize(r, "", ""); err != nil {
		s.refuse(w, err)
		return
	}
	ping.Write(w)
}

// registry is a real registry in memory behind Quay's bearers.
func (s *Quay) registry() http.HandlerFunc {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
		parts := repositoryPath.FindStringSubmatch(r.URL.Path)
		if parts == nil {
			s.site.ServeUnknown(w, r)
			return
		}
		robot, err := s.authorize(r, parts[1], actionOf(r.Method))
		if err != nil {
			s.refuse(w, err)
			return
		}
		if parts[2] == "manifests" && !strings.Contains(parts[3], ":") {
			w = &noting{w, func(status int) { s.noteImage(w, r, status, robot, parts[1], parts[3]) }}
		}
		images.ServeHTTP(w, r)
	}
}

// noting calls note before the answer begins: a client that has the answer finds
// the event in the log.
type noting struct {
	http.ResponseWriter
	note func(status int)
}

func (n *noting) WriteHeader(status int) {
	n.note(status)
	n.ResponseWriter.WriteHeader(status)
}

// noteImage logs a push or pull of a tag that succeeded.
func (s *Quay) noteImage(w http.ResponseWriter, r *http.Request, status int, robot, repository, tag string) {
	kind := map[string]string{http.MethodGet: "pull_repo", http.MethodPut: "push_repo"}[r.Method]
	if kind == "" || status > http.StatusCreated {
		return
	}
	mediaType := w.Header().Get("Content-Type")
	if r.Method == http.MethodPut {
		mediaType = r.Header.Get("Content-Type")
	}
	namespace, name, _ := strings.Cut(repository, "/")
	s.note(r, kind, robot, repository, []database.Field{
		{Name: "repo", Value: name}, {Name: "namespace", Value: namespace}, {Name: "user-agent", Value: r.UserAgent()}, {Name: "tag", Value: tag},
		{Name: "mediaType", Value: mediaType}, {Name: "username", Value: robot}, {Name: "is_robot", Value: true},
	})
}

func actionOf(method string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return "pull"
	}
	return "push"
}

// authorize checks the bearer, and its access claim if the request is for a
// repository, and returns the robot that has it.
func (s *Quay) authorize(r *http.Request, repository, action string) (robot string, err error) {
	scope := ""
	if repository != "" {
		scope = "repository:" + repository + ":" + map[string]string{"pull": "pull", "push": "pull,push"}[action]
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", challenge(r, unauthorized, scope)
	}
	words := strings.Fields(header)
	if len(words) != 2 || !strings.EqualFold(words[0], "bearer") {
		return "", challenge(r, "Invalid bearer token format", scope)
	}
	t, err := jwt.Parse(words[1])
	if err != nil || s.verifyOwn(t) != nil {
		return "", challenge(r, "Invalid bearer token", scope)
	}
	granted, err := accessOf(t)
	if err != nil {
		return "", challenge(r, "Token contained invalid or malformed access grants", scope)
	}
	robot, _ = t.Claims["sub"].(string)
	if repository == "" {
		return robot, nil
	}
	if !slices.ContainsFunc(granted, func(a access) bool {
		return a.Name == repository && (slices.Contains(a.Actions, action) || slices.Contains(a.Actions, "*"))
	}) {
		return "", challenge(r, unauthorized, scope)
	}
	if s.ReadOnly && action == "push" {
		return "", registryError(http.StatusMethodNotAllowed, "DENIED", "System is currently read-only. "+
			"Pulls will succeed but all write operations are currently suspended.")
	}
	return robot, nil
}

// accessOf reads the access claim; a robot token's is an object, not a list.
func accessOf(t *jwt.Token) ([]access, error) {
	text, err := json.Marshal(t.Claims["access"])
	if err != nil {
		return nil, err
	}
	var granted []access
	err = json.Unmarshal(text, &granted)
	return granted, err
}
