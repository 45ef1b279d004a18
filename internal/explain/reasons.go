// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	_ "embed" // the words
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

//go:embed reasons.txt
var reasonsText string

// reason is a block of reasons.txt, which explains the form.
type reason struct {
	exit  int // 0 for a part of others
	lines []string
}

// reasons is the one table: a reason for each stable code, variant and part. Only a
// command that fails reads it.
var reasons = sync.OnceValue(func() map[string]reason {
	all := map[string]reason{}
	for block := range strings.SplitSeq(reasonsText, "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		names, exit, _ := strings.Cut(lines[0], "]")
		if names, isHead := strings.CutPrefix(names, "["); isHead {
			code, _ := strconv.Atoi(strings.TrimSpace(exit))
			for _, name := range strings.Fields(names) {
				all[name] = reason{code, lines[1:]}
			}
		}
	}
	return all
})

// otherError is the code of an error that no other reason is about.
const otherError = "error"

// Codes are all reasons' codes, sorted.
func Codes() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(reasons())), func(name string) bool {
		return reasons()[name].exit == 0 || strings.Contains(name, "/")
	})
}

// add writes a block's words into a message, with the facts in them.
func add(m *platform.Message, name string, words *strings.Replacer) {
	steps := &m.Steps
	for _, line := range reasons()[name].lines {
		kind, line := line[:2], line[2:]
		text := words.Replace(line)
		switch kind {
		case "= ":
			m.Text = text
		case ": ":
			m.Said = text
		case "- ":
			steps = &m.Steps
			*steps = append(*steps, do(text))
		case "+ ":
			steps = &m.Details
			*steps = append(*steps, do(text))
		case "  ":
			addCopy(&(*steps)[len(*steps)-1], line, words)
		case "* ":
			m.Notes = append(m.Notes, text)
		case "> ":
			m.More = append(m.More, text)
		case "< ":
			add(m, line, words)
		}
	}
}

// addCopy adds what to copy to a step.
func addCopy(step *platform.Step, line string, words *strings.Replacer) {
	if command, found := strings.CutPrefix(line, "$ "); found {
		step.Command = words.Replace(command)
		return
	}
	name, value, _ := strings.Cut(line, " = ")
	step.Values = append(step.Values, platform.Value{Name: name, Value: words.Replace(value)})
}

// words are the message about a reason: its block, and what depends on the facts.
func (f *facts) words() platform.Message {
	if f.given != nil {
		return *f.given
	}
	m, block := platform.Message{}, f.block()
	if len(reasons()[block].lines) > 0 { // else the error's own words are enough
		m.Said = f.said()
		if f.target.Robot != (quay.Robot{}) && f.api == nil {
			m.More = []string{doctorCommand(f.target)}
		}
		add(&m, block, f.known())
	}
	m.Notes = append(m.Notes, f.stateNotes()...)
	switch f.code {
	case string(quay.WrongSubject), string(quay.UnknownIssuer), string(quay.NotFederated):
		f.addTraits(&m)
	case string(quay.NoSuchRobot):
		for _, name := range f.nearRobots() {
			m.Steps[0].Values = append(m.Steps[0].Values, platform.Value{Name: "robot", Value: name})
		}
	case string(quay.WrongAudience):
		m.Steps = append(f.audienceSteps(), m.Steps...)
	case string(quay.Unrecognized):
		if f.claims.Issuer == "" {
			m.Details = nil
		}
	case string(quay.NotGranted):
		if f.refusal.State != "" {
			m.Notes = nil
		}
	case "issuer-slow", "issuer-not-reached", "header-too-long":
		if obstacle, found := issuer.OutOfReach(f.claims.Issuer, f.target.Registry.Host); found {
			m.Notes, m.Steps = []string{sentence(obstacle.Text)}, sentences(obstacle.Cures)
		}
	case "quay-error":
		f.addHopeless(&m)
	case "stored-otherwise":
		m.Steps = f.otherwiseSteps()
	case "audiences-lost":
		f.addLost(&m)
	case "interrupted":
		interrupted, _ := errors.AsType[*process.Interrupted](f.err)
		return platform.Message{Text: interrupted.Error()} // not what the program did when it came
	case "usage":
		if usage, ok := errors.AsType[*request.UsageError](f.err); ok && usage.Command != "" {
			m.More = []string{usage.Command + " --help"}
		}
	}
	if f.noToken != nil && f.noToken.Err != nil && m.Text == "" {
		m.Text, m.Said = withoutCause(f.err, f.noToken.Err)
	}
	return m
}

// block is the name of the block with the reason's words.
func (f *facts) block() string {
	variant := ""
	switch {
	case f.noToken != nil && f.code == "no-id-token" && f.noToken.Platform.Never:
		variant = "never"
	case f.noToken != nil && f.code == "no-id-token" && f.noToken.Platform.Name != "":
		variant = "known"
	case f.noToken != nil && f.code == "id-token-unreadable" && f.noToken.Missing:
		variant = "variable"
	case f.noToken != nil:
		variant = f.noToken.Source // of id-token-denied
	case f.code == string(quay.NoOwner) && f.target.Robot.Name == "": // in audit, and setup -f
		variant = "no-robot"
	case f.refusal != nil && (f.refusal.Location != "" || f.refusal.Page):
		variant = "page"
	case f.refusal != nil && strings.Contains(f.refusal.Message, `"aud"`):
		variant = "audience"
	case len(f.nearRobots()) > 0:
		variant = "near"
	case f.verified:
		variant = "verified"
	case f.fromSource:
		variant = "source"
	}
	if name := f.code + "/" + variant; reasons()[name].exit != 0 {
		return name
	}
	return f.code
}

// nearRobots are the names of robots that are like the missing one's, the nearest first.
func (f *facts) nearRobots() []string {
	if f.refusal == nil || f.code != string(quay.NoSuchRobot) {
		return nil
	}
	missing := f.target.Robot.String()
	distance := func(name string) int { return subject.Distance(name, missing) }
	near := slices.DeleteFunc(slices.Clone(f.refusal.Robots), func(name string) bool {
		return distance(name) > max(2, len(f.target.Robot.Name)/3)
	})
	slices.SortFunc(near, func(a, b string) int { return cmp.Or(distance(a)-distance(b), strings.Compare(a, b)) })
	return near[:min(len(near), 3)]
}

// addHopeless says why no federation entry can match the ID token, if that is certain.
func (f *facts) addHopeless(m *platform.Message) bool {
	found := hopeless(f.claims, f.target.Registry.Host)
	if found != nil {
		m.Notes, m.Steps, m.Details = []string{found.sentence(f.claims)}, found.cure, nil
	}
	return found != nil
}

// addTraits says what is special about an ID token that no federation entry matches.
func (f *facts) addTraits(m *platform.Message) {
	if f.addHopeless(m) {
		return
	}
	for i, t := range TraitsOf(f.claims, f.target.Registry.Host) {
		if i == 0 {
			m.Notes = nil
		}
		m.Notes = append(m.Notes, t.sentence(f.claims))
		m.Steps = append(m.Steps, t.cure...)
	}
}

// otherwiseSteps are for a list that Quay stored differently from how it was sent.
func (f *facts) otherwiseSteps() []platform.Step {
	var steps []platform.Step
	stored, _ := errors.AsType[*quay.StoredOtherwise](f.err)
	if slices.ContainsFunc(stored.Differences, func(d quay.Difference) bool { return d.Field == "audiences" && d.New == nil }) {
		steps = append(steps, do("Leave out --audience: Quay up to 3.18 stores no audiences through its API. The entry is there and accepts every audience."))
	}
	for _, d := range stored.Differences {
		if d.Field == "audiences" && d.Old == nil {
			steps = append(steps, paste("This Quay gave an audience to an entry that had none. If the entry's jobs have another one:",
				command(f.target, "federation add", "--issuer", d.Entry.Issuer, "--subject", d.Entry.Subject, "--audience", "AUDIENCE")))
		}
	}
	return steps
}

// addLost names the entries that would lose their audiences.
func (f *facts) addLost(m *platform.Message) {
	m.More = nil
	lost, _ := errors.AsType[*federation.LostAudiences](f.err)
	for _, entry := range lost.Entries {
		value := platform.Value{Name: "entry", Value: entry.String() + ", audiences " + quay.Compact(entry.Fields()["audiences"])}
		m.Steps[0].Values = append(m.Steps[0].Values, value)
	}
}
