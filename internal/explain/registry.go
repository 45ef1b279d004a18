// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
)

// registryReasons are robot tokens that the registry rejects.
var registryReasons = map[string]reason{
	string(quay.RobotsDisabled): {exitRefused, func(f *facts) platform.Message {
		return f.message(f.host()+" does not let robot accounts log in",
			do("Ask the administrator of %s to allow %s with ROBOTS_WHITELIST, or to remove ROBOTS_DISALLOW from Quay's configuration.", f.host(), f.target.Robot))
	}},
	string(quay.OwnerDisabled): {exitRefused, func(f *facts) platform.Message {
		return f.message(fmt.Sprintf("the organization or user %s is disabled at %s", f.target.Robot.Namespace, f.host()),
			do("Ask the administrator of %s to enable %s.", f.host(), f.target.Robot.Namespace))
	}},
	"robot-deleted": {exitRefused, func(f *facts) platform.Message {
		return f.message(fmt.Sprintf("the robot account %s was deleted a moment ago", f.target.Robot),
			do("Check in Quay, under Robot accounts of %s, whether it still exists.", f.target.Robot.Namespace))
	}},
	"robot-token-refused": {exitRefused, func(f *facts) platform.Message {
		return f.message("the registry at "+f.host()+" refuses the robot token",
			do("Check the host name: a login page or a proxy may have answered instead of the registry."))
	}},
	string(quay.NotGranted): {exitRefused, notGrantedWords},
	"read-only-repository": {exitRefused, func(f *facts) platform.Message {
		kind := map[string]string{"MIRROR": "a mirror", "READ_ONLY": "read-only"}[f.refusal.State]
		return f.message(fmt.Sprintf("nobody can push to %s: the repository is %s", f.permission.Repository, cmp.Or(kind, "in the state "+f.refusal.State)),
			do("Push to another repository."),
			do("Or, as an administrator of %s, set the repository's state to Normal, in its Settings > Repository State.", f.target.Robot.Namespace))
	}},
	"no-proof": {exitOther, says(
		do("Leave out --check: this registry does not say which permissions a login has."))},
	"registry-error": {exitUnreachable, func(f *facts) platform.Message {
		m := f.message("the registry at "+f.host()+" does not accept the robot token",
			do("Check Quay's log and its clock: its registry answers HTTP 500 to a robot token that it does not accept."))
		m.Notes = f.stateNotes()
		return m
	}},
}

// notGrantedWords is for a permission that --check did not find.
func notGrantedWords(f *facts) platform.Message {
	repository, role := f.permission.Repository, "Write"
	if f.permission.Action == "pull" {
		role = "Read"
	}
	grant := repository + "=" + strings.ToLower(role)
	m := f.message(fmt.Sprintf("%s may not %s %s", f.target.Robot, map[string]string{"pull": "pull from"}[f.permission.Action]+map[string]string{"push": "push to"}[f.permission.Action], repository),
		platform.Step{Text: "If this job should be allowed, set in Quay, in the repository's Settings > User and Robot Permissions:",
			Values: []platform.Value{{Name: "Repository", Value: repository}, {Name: "Robot", Value: f.target.Robot.String()}, {Name: "Permission", Value: role}}},
		paste("or, with an API token in QUAY_API_TOKEN:", setupCommand(f.target, grant, f.claims)))
	if f.refusal.State == "" {
		m.Notes = []string{"Quay answers the same for a repository that does not exist, and for a push to a read-only or mirror repository."}
	}
	m.Details = []platform.Step{do("With the API itself: PUT {\"role\":%q} to %s.", strings.ToLower(role), apiAddress(f.target, "/repository/"+repository+"/permissions/user/"+f.target.Robot.String()))}
	return m
}
