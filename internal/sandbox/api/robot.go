// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
)

// owner is the namespace that the path is about, if the token may manage the
// robots of it.
func (s *API) owner(c call) (string, bool) {
	organization := c.PathValue("org")
	if organization == "" {
		return c.token.User, c.token.may("user:admin")
	}
	return organization, s.administers(c.token, organization, "org:admin")
}

var robotName = regexp.MustCompile(`^([a-z0-9]+(?:[._-][a-z0-9]+)*)$`)

// wrongName is what Quay says of the names of robots and teams, "" if it accepts
// one.
func wrongName(name string) string {
	switch {
	case len(name) < 2 || len(name) > 255:
		return "Namespace must be between 2 and 255 characters in length"
	case !robotName.MatchString(name):
		return "Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$"
	}
	return ""
}

// serveRobot makes, shows and deletes a robot. As at Quay, the first two answer
// with its permanent password, and do not work for a person's robots on the
// organization's path.
func (s *API) serveRobot(c call) error {
	owner, may := s.owner(c)
	if !may {
		return s.forbidden()
	}
	name := owner + "+" + c.PathValue("robot")
	robot, there := s.db.Robot(name)
	_, isOrganization := s.db.Organization(owner)
	switch {
	case c.Method == http.MethodDelete && there:
		s.db.DeleteRobot(name)
		s.note(c, "delete_robot", owner, "", database.Field{Name: "robot", Value: c.PathValue("robot")})
		return noContent
	case c.Method == http.MethodDelete:
		return noRobot
	case c.Method != http.MethodGet && c.Method != http.MethodPut:
		return badMethod
	case c.PathValue("org") != "" && !isOrganization:
		return refused("Organization does not exist: " + owner)
	case c.Method == http.MethodPut:
		return s.createRobot(c, owner, c.PathValue("robot"))
	case !there:
		return noRobot
	}
	metadata := robot.Metadata
	if metadata == nil {
		metadata = map[string]any{}
	}
	return ok(append(robotView(robot), member{"token", robot.Password}, member{"unstructured_metadata", metadata}))
}

func (s *API) createRobot(c call, owner, short string) error {
	robot := database.Robot{Name: owner + "+" + short, Password: database.Secret()}
	var description, metadata any
	if c.ContentLength != 0 {
		body, err := c.json()
		if err != nil {
			return err
		}
		fields, _ := body.(map[string]any)
		description, metadata = fields["description"], fields["unstructured_metadata"]
		robot.Description, _ = description.(string)
		robot.Metadata, _ = metadata.(map[string]any)
	}
	_, there := s.db.Robot(robot.Name)
	switch wrong := wrongName(short); {
	case len(robot.Description) > 255:
		return s.invalidRequest(violation(pythonRepr(robot.Description)+" is too long", "maxLength",
			"['properties']['description']", descriptionSchema, "['description']", robot.Description))
	case s.settings.RobotsDisallow:
		return s.invalidRequest("Robot accounts have been disabled. Please contact your administrator.")
	case wrong != "":
		return s.invalidRequest(fmt.Sprintf("The name for the robot '%s' is invalid: %s", short, wrong))
	case there:
		return s.invalidRequest("Existing robot with name: " + robot.Name)
	}
	s.db.SetRobot(robot)
	s.note(c, "create_robot", owner, "", database.Field{Name: "robot", Value: short},
		database.Field{Name: "description", Value: description}, database.Field{Name: "unstructured_metadata", Value: metadata})
	robot, _ = s.db.Robot(robot.Name)
	return pythonAnswer(http.StatusCreated, append(robotView(robot), member{"token", robot.Password}, member{"unstructured_metadata", metadata}))
}

// robotView is what all answers about one robot have in common.
func robotView(robot database.Robot) object {
	return object{{"name", robot.Name}, {"created", date(robot.Created)}, {"last_accessed", date(robot.LastAccessed)}, {"description", robot.Description}}
}

// serveRegenerate replaces a robot's password.
func (s *API) serveRegenerate(c call) error {
	owner, may := s.owner(c)
	password := database.Secret()
	name := owner + "+" + c.PathValue("robot")
	switch {
	case c.Method != http.MethodPost:
		return badMethod
	case !may:
		return s.forbidden()
	case !s.db.ChangeRobot(name, func(r *database.Robot) { r.Password = password }):
		return noRobot
	}
	robot, _ := s.db.Robot(name)
	return ok(append(robotView(robot), member{"token", robot.Password}))
}

// serveRobotPermissions lists the roles that a robot has itself, not through
// teams. For a robot of an organization it needs user:admin as well.
func (s *API) serveRobotPermissions(c call) error {
	owner, may := s.owner(c)
	switch {
	case c.Method != http.MethodGet:
		return badMethod
	case !c.token.may("user:admin"):
		return s.forbidden()
	case !may:
		return noPermission
	}
	robot, there := s.db.Robot(owner + "+" + c.PathValue("robot"))
	if !there {
		return noRobot
	}
	list := []object{}
	for _, repository := range s.db.RepositoriesOf(owner) {
		if role := robot.Grants[repository.Name]; role != "" {
			list = append(list, s.permissionOn(repository, role))
		}
	}
	return ok(object{{"permissions", list}})
}

func (s *API) permissionOn(repository database.Repository, role database.Role) object {
	return object{{"repository", object{{"name", repository.Short()}, {"is_public", repository.Public}}}, {"role", string(role)}}
}

// asked reads a parameter of the query that is true or false.
func asked(c call, name string, unless bool) bool {
	if !c.URL.Query().Has(name) {
		return unless
	}
	return !slices.Contains([]string{"", "0", "false"}, strings.ToLower(c.URL.Query().Get(name)))
}
