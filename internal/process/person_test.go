// SPDX-License-Identifier: Apache-2.0

package process

import (
	"slices"
	"testing"
)

func TestOpener(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		system, variable string
		want             []string
	}{
		{"linux", "", nil},
		{"linux", "DISPLAY", []string{"xdg-open"}},
		{"linux", "WAYLAND_DISPLAY", []string{"xdg-open"}},
		{"darwin", "", []string{"open"}},
		{"windows", "", []string{"rundll32", "url.dll,FileProtocolHandler"}},
	} {
		got := opener(c.system, func(name string) string {
			if name == c.variable {
				return "x"
			}
			return ""
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s with %q: %q", c.system, c.variable, got)
		}
	}
}
