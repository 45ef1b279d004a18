// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// Whatever logs in and out before or after quay-keyless, each tool finds the logins
// that it finds without quay-keyless, and ours. After our logout it finds exactly
// those. Where a tool's design makes that impossible, the login warns of it, or
// [documented] lists it.
func TestEveryOrderOfLoginsAndLogouts(t *testing.T) {
	p := newPlaces(t)
	m := newMatrix(t)
	for _, start := range starts {
		for _, n := range neighbours {
			if start.with != nil && !slices.Contains(start.with, n.name) {
				continue
			}
			t.Run(start.name+", "+n.name, func(t *testing.T) {
				t.Parallel()
				alone := n.alone(t, p, start)
				for _, w := range ourWays {
					if slices.Contains(start.skip, w.name) {
						continue
					}
					t.Run(w.name, func(t *testing.T) {
						for _, o := range orders {
							if start.same && o.in && w.helper() { // stores no other login
								continue
							}
							r := &row{start: start, way: w, neighbour: n, order: o}
							m.add(r)
							r.run(t, p, alone)
						}
					})
				}
			})
		}
	}
}

// places are the registries that tools look for, all served by one sandbox.
type places struct {
	sandbox *sandbox.Sandbox
	images  [4]string
}

// The images are on our registry, on the neighbours' one, in an organization of our
// registry whose robot is not ours, and on a registry with a login from before the job.
const (
	here = iota
	elsewhere
	besides
	before
)

// beforeHost is the registry of the logins from before.
const beforeHost = "registry.example.com"

// Who the neighbours log in as: on our registry, on the other one, and in the other
// organization, if the tool knows logins for an organization.
const (
	theirs     = "acme+neighbour"
	elsewheres = "acme-else+robot"
	besidess   = "acme-base+reader"
	aSecret    = "STATIC-PASSWORD-OF-A-NEIGHBOUR"
)

func newPlaces(t *testing.T) places {
	t.Helper()
	robots := sandbox.DefaultRobots()
	for _, name := range []string{theirs, elsewheres, besidess} {
		robots = append(robots, sandbox.Robot{Name: name, Password: aSecret})
	}
	sb, _ := lab.SandboxOf(t, sandbox.Config{Robots: robots})
	_, port, _ := strings.Cut(sb.Host, ":")
	return places{sb, [4]string{sb.Host + "/acme/app", "localhost:" + port + "/acme/app", sb.Host + "/acme-base/app", beforeHost + "/acme/app"}}
}

// host is the registry of an image.
func (p places) host(image int) string {
	host, _, _ := strings.Cut(p.images[image], "/")
	return host
}

// sight is the user that each tool finds for each image.
type sight map[string][4]string

// look has every tool look for every image.
func (p places) look(t *testing.T, j *job, real ...string) sight {
	t.Helper()
	seen := sight{}
	report := func(tool, image, user string) {
		users := seen[tool]
		for i := range p.images {
			if p.images[i] == image {
				users[i] = user
			}
		}
		seen[tool] = users
	}
	found := j.command(j.env, append([]string{"probe", "all"}, p.images[:]...)...).Must(t)
	for line := range strings.Lines(found.Stdout) {
		field := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		report(field[0], field[1], field[2])
	}
	for _, tool := range real {
		for _, image := range p.images {
			report("Debian's "+tool, image, answer(j.command(j.env, tool, "login", "--get-login", image).Run(t)))
		}
	}
	return seen
}

// order is who is first.
type order struct{ in, out bool } // ours is the first login, the first logout

var orders = []order{{true, true}, {true, false}, {false, true}, {false, false}}

func (o order) String() string {
	first := map[bool]string{true: "ours", false: "theirs"}
	return fmt.Sprintf("%s first in, %s first out", first[o.in], first[o.out])
}

// moments are when tools look: at the start, and after each login and logout.
const moments = 5

// at reports who is logged in at a moment: "ours", and the neighbour's progress, 1
// after its login and 2 after its logout.
func (o order) at(moment int) (ours bool, progress int) {
	position := func(first bool, steps int) int { // the moment after a step of two
		if first {
			return steps
		}
		return steps + 1
	}
	ours = moment >= position(o.in, 1) && moment < position(o.out, 3)
	switch {
	case moment >= position(!o.out, 3):
		progress = 2
	case moment >= position(!o.in, 1):
		progress = 1
	}
	return ours, progress
}

// row is one order of one pair.
type row struct {
	start     start
	way       ourWay
	neighbour neighbour
	order     order
	said      [2]string // by our login and our logout
	seen      [moments]sight
	marks     map[string][4]string // for each tool and image a letter for each moment
}

// run makes a job, walks through the order, and compares each moment with what the
// tools find alone.
func (r *row) run(t *testing.T, p places, alone [3]sight) {
	t.Helper()
	j := r.start.job(t, p)
	r.seen[0] = p.look(t, j, r.start.debian...)
	for moment := 1; moment < moments; moment++ {
		wasOurs, _ := r.order.at(moment - 1)
		ours, progress := r.order.at(moment)
		switch {
		case ours && !wasOurs:
			var ok bool
			if r.said[0], ok = r.way.login(t, j, p.host(here)); !ok {
				t.Errorf("%s: the login fails:\n%s", r.title(), r.said[0])
				return
			}
		case !ours && wasOurs:
			r.said[1] = r.way.logout(t, j)
		case progress == 1:
			r.neighbour.login(t, j, p)
		default:
			r.neighbour.logout(t, j, p)
		}
		var debian []string
		if moment%2 == 0 { // the other moments would take a minute more
			debian = r.start.debian
		}
		r.seen[moment] = p.look(t, j, debian...)
		if ours {
			r.way.check(t, j, p)
		}
	}
	r.compare(t, p, alone)
}

// compare marks each cell, and fails if one differs and nobody says so.
func (r *row) compare(t *testing.T, p places, alone [3]sight) {
	t.Helper()
	r.marks = map[string][4]string{}
	var wrong []string
	for _, tool := range slices.Sorted(maps.Keys(r.seen[0])) {
		var marks [4]string
		for image := range p.images {
			for moment, seen := range r.seen {
				_, progress := r.order.at(moment)
				mark := r.mark(p, tool, image, moment, alone[progress])
				marks[image] += mark
				if strings.HasSuffix(mark, "!") {
					wrong = append(wrong, fmt.Sprintf("moment %d: %s finds %q for %s; without us %q",
						moment, tool, seen[tool][image], p.images[image], alone[progress][tool][image]))
				}
			}
		}
		r.marks[tool] = marks
	}
	if len(wrong) > 0 {
		t.Errorf("%s\n%s\nlogin: %s\nlogout: %s", r.title(), strings.Join(wrong, "\n"), r.said[0], r.said[1])
	}
}

// mark is the letter of a cell, and whether it is what it should be.
func (r *row) mark(p places, tool string, image, moment int, alone sight) string {
	users, looked := r.seen[moment][tool]
	got := users[image]
	switch {
	case !looked:
		return " "
	case r.fits(moment, image, got, alone[tool][image]):
		return letter(got)
	case r.warned(p, tool, image, moment) || r.documented(tool, image, moment):
		return letter(got) + "?"
	}
	return letter(got) + "!"
}

// fits reports whether a tool may find this login.
func (r *row) fits(moment, image int, got, without string) bool {
	isIn, progress := r.order.at(moment)
	if r.start.same && image == besides {
		image = here // these neighbours log in to the whole registry
	}
	switch {
	case isIn && r.way.isolated() && without == "" && image == elsewhere:
		return got == "" || got == elsewheres // docker's file gets what crane finds
	case !isIn || r.way.told || image == elsewhere || image == before:
		return got == without
	case image == besides && without != "":
		return got == without
	case image == besides: // tools that know no organizations
		return got == "" || got == ours
	case r.start.same && progress == 1 && r.order.in: // the later login may win
		return got == ours || got == without
	case r.start.same && progress == 2: // their logout is one of ours too
		return got == ours || got == ""
	}
	return got == ours
}

// warned reports whether our login has warned that this tool loses this registry, or our
// logout that only the private folder has what came after our login.
func (r *row) warned(p places, tool string, image, moment int) bool {
	name := strings.TrimPrefix(tool, "Debian's ")
	if name == "image" {
		name = "skopeo" // by its library
	}
	for line := range strings.Lines(r.said[0]) {
		if strings.HasPrefix(line, "warning: ") && strings.Contains(line, name) && strings.Contains(line, p.host(image)) {
			return true
		}
	}
	oursIsIn, _ := r.order.at(moment)
	return !oursIsIn && r.order.in && moment > 2 && strings.Contains(r.said[1], "warning: other tools logged in after quay-keyless: only ")
}

func letter(user string) string {
	switch {
	case user == "":
		return "."
	case user == ours:
		return "o"
	case user == theirs || user == elsewheres || user == besidess:
		return "n"
	case user == former:
		return "d"
	case user == podmans:
		return "p"
	}
	return "x"
}

// alone is what tools find without us: at the start, after the neighbour's login,
// and after its logout.
func (n neighbour) alone(t *testing.T, p places, s start) (found [3]sight) {
	t.Helper()
	j := s.job(t, p)
	found[0] = p.look(t, j, s.debian...)
	n.login(t, j, p)
	found[1] = p.look(t, j, s.debian...)
	n.logout(t, j, p)
	found[2] = p.look(t, j, s.debian...)
	return found
}
