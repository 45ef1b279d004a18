// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/certsd"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/login"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
)

// fileReasons are auth files, settings and folders that cannot be used.
var fileReasons = map[string]reason{
	"login-hidden":        {exitOther, nil},
	"no-place":            {exitOther, fileWords},
	"auth-file-locked":    {exitOther, fileWords},
	"auth-file-contended": {exitOther, fileSummary("another tool overwrote the auth file each time")},
	"auth-file-damaged":   {exitOther, fileWords},
	"auth-file-version":   {exitOther, fileSummary("another version of quay-keyless logged in here")},
	"auth-file-unusable":  {exitOther, fileWords},
	"helper-settings":     {exitOther, fileWords},
	"helper-folder":       {exitOther, fileWords},
	"ca-not-installed":    {exitOther, fileWords},
}

// fileWords are the error's own, with its cures.
func fileWords(f *facts) platform.Message {
	return platform.Message{Hints: login.FileHints(f.err)}
}

// fileSummary is a first line for an error whose own words are long.
func fileSummary(text string) func(*facts) platform.Message {
	return func(f *facts) platform.Message {
		m := fileWords(f)
		m.Text, m.Said = text, f.err.Error()
		return m
	}
}

// fileReason is why a file cannot be used; "" if the error is about none.
func fileReason(err error) string {
	var file *authfile.Error
	switch {
	case errors.As(err, new(*login.PlaceError)):
		return "helper-folder"
	case errors.As(err, new(*credhelper.Error)):
		return "helper-settings"
	case errors.As(err, new(*certsd.Error)), errors.Is(err, certsd.ErrUnsupported):
		return "ca-not-installed"
	case errors.Is(err, lookup.ErrNoPlace):
		return "no-place"
	case !errors.As(err, &file):
		return ""
	}
	switch file.Reason {
	case authfile.Locked:
		return "auth-file-locked"
	case authfile.RecordVersion:
		return "auth-file-version"
	case authfile.Contended:
		return "auth-file-contended"
	case authfile.Empty, authfile.Duplicate, authfile.NotJSON, authfile.TrailingData, authfile.NotObject, authfile.AuthsNotObject, authfile.HelpersNotObject:
		return "auth-file-damaged"
	}
	return "auth-file-unusable"
}
