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
	"login-hidden":        {exitOther, "has a login for ..., which goes before one for the whole registry", nil},
	"no-place":            {exitOther, "no place for the login", fileWords},
	"auth-file-locked":    {exitOther, "is locked by another quay-keyless", fileWords},
	"auth-file-contended": {exitOther, "was overwritten by another tool each time", fileSummary("another tool overwrote the auth file each time")},
	"auth-file-damaged":   {exitOther, "is not JSON, has a key twice", fileWords},
	"auth-file-version":   {exitOther, "has a record of another version of quay-keyless beside it", fileSummary("another version of quay-keyless logged in here")},
	"auth-file-unusable":  {exitOther, "cannot be written by this user", fileWords},
	"helper-settings":     {exitOther, "settings file", fileWords},
	"helper-folder":       {exitOther, "putting docker-credential-quay-keyless into", fileWords},
	"ca-not-installed":    {exitOther, "CA certificate", fileWords},
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
