// SPDX-License-Identifier: Apache-2.0

package explain

// fileReasons are auth files, settings and folders that cannot be used. The errors know
// their messages.
var fileReasons = map[string]reason{
	"login-hidden":        {exitOther, nil},
	"no-place":            {exitOther, nil},
	"auth-file-locked":    {exitOther, nil},
	"auth-file-contended": {exitOther, nil},
	"auth-file-damaged":   {exitOther, nil},
	"auth-file-version":   {exitOther, nil},
	"auth-file-unusable":  {exitOther, nil},
	"helper-settings":     {exitOther, nil},
	"helper-folder":       {exitOther, nil},
	"ca-not-installed":    {exitOther, nil},
}
