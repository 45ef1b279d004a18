// SPDX-License-Identifier: Apache-2.0

package login

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// warnOfCheckout warns of a login inside the files that the job builds from.
func warnOfCheckout(run *process.Run, plan lookup.Plan) {
	for _, target := range plan.Files {
		if WarnInCheckout(run, target.File.Path(), "--isolated without --auth-dir, or --authfile PATH; or set DOCKER_CONFIG and REGISTRY_AUTH_FILE to other folders") {
			return
		}
	}
}

// WarnInCheckout warns of a file with a login inside a checkout, and reports whether it did.
func WarnInCheckout(run *process.Run, path, places string) bool {
	folder := checkout(run, path)
	if folder == "" {
		return false
	}
	run.Platform.Warn(platform.Message{
		Text:  fmt.Sprintf("%s is inside the checkout %s: git add and image builds can include the login, and git clean deletes it", path, folder),
		Steps: []platform.Step{{Text: "Choose a place outside of it: " + places}},
	})
	return true
}

// checkout is the job's checkout or git work tree around a file, "" for none.
func checkout(run *process.Run, path string) string {
	for _, name := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		folder, err := filepath.EvalSymlinks(run.Env.Getenv(name))
		if err == nil && strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+string(filepath.Separator)) {
			return folder
		}
	}
	for folder := filepath.Dir(path); folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			return folder
		}
	}
	return ""
}
