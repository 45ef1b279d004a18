// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"fmt"
	"regexp"
	"strings"

	"quay-keyless/internal/ascii"
)

var (
	// shortName is Quay's own expression for a robot's short name; its length is 2 to
	// 255 characters.
	shortName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	// namespace allows more than Quay's rule for new organizations and users, because
	// old ones may have other names.
	namespace = regexp.MustCompile(`^[a-z0-9_][a-z0-9._-]*$`)
)

// Robot is the full name of a robot account, ORG+NAME or USER+NAME.
type Robot struct {
	Namespace string // the organization or user that it belongs to
	Name      string // its short name
}

// ParseRobot reads a robot's full name and says what is wrong with it. Quay would only
// say that there is no such robot.
func ParseRobot(text string) (Robot, error) {
	owner, short, found := strings.Cut(text, "+")
	wrong := func(why string) (Robot, error) {
		return Robot{}, fmt.Errorf("robot %+q: %s", text, why)
	}
	switch {
	case text == "":
		return wrong("the name is empty")
	case ascii.Check(text) != nil:
		return wrong(ascii.Check(text).Error())
	case strings.ContainsAny(text, " \t\r\n"):
		return wrong("there is white space in it")
	case !found && strings.Count(text, "/") == 1:
		return wrong("write " + strings.Replace(text, "/", "+", 1))
	case !found:
		return wrong("there is no + in it: the full name is ORG+NAME, as Quay shows it")
	case strings.Contains(short, "+"):
		return wrong("there is more than one + in it")
	case text != strings.ToLower(text):
		return wrong("Quay's robots have lower-case names")
	case owner == "":
		return wrong("there is no organization or user before the +")
	case !namespace.MatchString(owner):
		return wrong(fmt.Sprintf("%q cannot be the name of an organization or user", owner))
	case short == "":
		return wrong("there is no name after the +")
	case len(short) < 2 || len(short) > 255:
		return wrong(fmt.Sprintf("Quay takes short names of 2 to 255 characters, this one has %d", len(short)))
	case !shortName.MatchString(short):
		return wrong("the short name may have lower-case letters and digits, with single . _ or - between them")
	}
	return Robot{Namespace: owner, Name: short}, nil
}

// String is the full name.
func (r Robot) String() string { return r.Namespace + "+" + r.Name }
