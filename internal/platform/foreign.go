// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Limits for one line, in bytes. What people copy is never cut: a part of a command
// would do something else.
const (
	longestPiece = 500             // of somebody else's words: what stands in quotes, or a word
	longestLine  = 4096            // all in all
	longestRead  = 4 * longestLine // looked through for pieces
	longestWords = 4 * longestRead // looked through for secrets
)

// Line makes one safe line of words from elsewhere: it shows no secret, moves no cursor,
// is no workflow command on any platform, and no piece of it is longer than 500 bytes.
func (s *Secrets) Line(text string) string { return noCommand(s.sentence(text)) }

// Whole is [Secrets.Line] for what people copy: never shortened.
func (s *Secrets) Whole(text string) string { return noCommand(s.whole(text)) }

// sentence is words without secrets, in one line that is not too long.
func (s *Secrets) sentence(text string) string {
	if len(text) > longestWords { // the cut is far from what is shown of both halves
		text = text[:longestWords/2] + text[len(text)-longestWords/2:]
	}
	text = middleCut(printable(s.Redact(text)), longestRead)
	return middleCut(piecesCut(text), longestLine)
}

func (s *Secrets) whole(text string) string {
	if len(text) <= longestWords {
		text = printable(s.Redact(text))
	}
	if len(text) > longestLine {
		return fmt.Sprintf("(left out: %d bytes)", len(text))
	}
	return text
}

// piecesCut shortens what is in quotes, and single words.
func piecesCut(text string) string {
	if len(text) <= longestPiece {
		return text
	}
	var short strings.Builder
	for text != "" {
		quoted, err := strconv.QuotedPrefix(text)
		switch {
		case err == nil && len(quoted) > longestPiece:
			short.WriteString(start(quoted, longestPiece) + "…\"")
		case err == nil:
			short.WriteString(quoted)
		default:
			quoted = word(text)
			short.WriteString(start(quoted, longestPiece))
			if len(quoted) > longestPiece {
				short.WriteString("…")
			}
		}
		text = text[len(quoted):]
	}
	return short.String()
}

// word is a text to its next blank or quote.
func word(text string) string {
	if end := strings.IndexAny(text[1:], " \""); end >= 0 {
		return text[:1+end]
	}
	return text
}

// start is the beginning of a text, at most so many bytes.
func start(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// middleCut leaves out the middle of a text that is too long: an error's end says what
// its beginning does not.
func middleCut(text string, most int) string {
	const mark = " … "
	if len(text) <= most {
		return text
	}
	end := text[len(text)-longestPiece/2:]
	return start(text, most-len(mark)-len(end)) + mark + strings.ToValidUTF8(end, "")
}

// What should never be among the words, and yet may be: a token where a name
// belongs (--id-token-env "$TOKEN"), or one that this run does not know.
var (
	jwt     = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*)?`)
	encoded = regexp.MustCompile(`[A-Za-z0-9+/_-]{40,}`)
)

// withoutForms removes what looks like a JWT, or like a login with one.
func withoutForms(text string) string {
	text = jwt.ReplaceAllString(text, "[a JWT]")
	return encoded.ReplaceAllStringFunc(text, func(run string) string {
		letters := strings.Map(alphabets[inBase64], run)
		for range 4 { // it may have begun anywhere
			plain, err := base64.RawStdEncoding.DecodeString(letters[:len(letters)-len(letters)%4])
			if err == nil && bytes.Contains(plain, []byte(":eyJ")) {
				return "[a login]"
			}
			letters = letters[1:]
		}
		return run
	})
}

// printable makes one line of text that may come from elsewhere: what would
// move a terminal's cursor, colour it or begin a new line is replaced.
func printable(text string) string {
	return Unmarked(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == ' ':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text), " [")
}

// Unmarked breaks what some CI takes for a command anywhere in a line, ##[error] of
// GitHub's old form and Azure's, ##vso[...] of Azure, ##teamcity[...]: the bracket
// becomes this other text.
func Unmarked(text, bracket string) string {
	var safe strings.Builder
	for {
		before, after, found := strings.Cut(text, "##")
		if !found {
			return safe.String() + text
		}
		rest := strings.TrimLeft(after, "#") // of ### the last two count
		rest = strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		safe.WriteString(before + "##" + after[:len(after)-len(rest)])
		if text, found = strings.CutPrefix(rest, "["); found {
			safe.WriteString(bracket)
		}
	}
}

// noCommand changes a line that GitHub's runner would read as a command, at its
// beginning.
func noCommand(line string) string {
	if trimmed := strings.TrimLeft(line, " "); strings.HasPrefix(trimmed, "::") {
		return ". " + trimmed
	}
	return line
}
