// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"net/http"

	"quay-keyless/internal/sandbox/web"
)

// serveConfig shows everybody how Quay is set up, also while its database is down.
// The version is the wrong one that a real Quay shows (testdata/quay/org-replies.json).
func (s *Quay) serveConfig(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		s.site.ServeUnknown(w, r)
		return
	}
	config := map[string]any{
		"AUTHENTICATION_TYPE": "Database", "PREFERRED_URL_SCHEME": "https", "REGISTRY_TITLE": "Project Quay", "SERVER_HOSTNAME": s.site.Host,
	}
	if s.RobotsDisallow {
		config["ROBOTS_DISALLOW"] = true
	}
	state := "normal"
	if s.ReadOnly {
		state = "readonly"
	}
	web.JSON(http.StatusOK, map[string]any{
		"registry_state": state, "version_number": "Quay v3.11.0", "config": config,
		"features": map[string]bool{
			"AGGREGATED_LOG_COUNT_RETRIEVAL": true, "ANONYMOUS_ACCESS": true, "EXTENDED_ACTION_LOGGING": false,
			"EXTENDED_REPOSITORY_NAMES": true, "IMMUTABLE_TAGS": false, "PROXY_CACHE": false, "RATE_LIMITS": false,
			"REPO_MIRROR": false, "REQUIRE_TEAM_INVITE": false, "RESTRICTED_USERS": false,
			"SUPERUSERS_FULL_ACCESS": s.SuperusersFullAccess, "SUPER_USERS": true, "USER_INITIALIZE": true, "USER_LAST_ACCESSED": true,
		},
	}).Write(w)
}

// serveHealth tells everybody which parts of Quay work.
func (s *Quay) serveHealth(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		s.site.ServeUnknown(w, r)
		return
	}
	status := http.StatusOK
	if s.db.Down() {
		status = http.StatusServiceUnavailable
	}
	web.JSON(status, map[string]any{"status_code": status, "data": map[string]any{"services": map[string]bool{
		"auth": true, "database": !s.db.Down(), "disk_space": true, "registry_gunicorn": true, "service_key": true, "web_gunicorn": true,
	}}}).Write(w)
}
