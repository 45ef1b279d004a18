// SPDX-License-Identifier: Apache-2.0

// Probe finds, stores and removes logins with a Go library, in a process of its own,
// because libraries read the process's environment:
//
//	probe docker|buildx|crane|helm|oras|image|podman IMAGE
//	probe all IMAGE...
//	probe login docker|crane|helm|oras HOST USER PASSWORD
//	probe logout docker|crane|helm|oras HOST
//
// The first form prints the user and the password, each on a line, both empty if the
// library finds none. If the library cannot look, that is an error. The second form
// prints a line for each library and image, with tabs between: the library, the image,
// and the user or the error.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// login is what a library finds for an image, empty for none.
type login struct{ user, password string }

var libraries = map[string]func(ctx context.Context, image string) (login, error){
	"docker": docker,
	"buildx": buildx,
	"crane":  crane,
	"helm":   helm,
	"oras":   oras,
	"image":  image,
	"podman": podman,
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	switch first, rest := arguments[0], arguments[1:]; {
	case first == "all":
		all(ctx, rest)
		return nil
	case first == "login" && len(rest) == 4:
		return accounts[rest[0]].login(ctx, rest[1], login{rest[2], rest[3]})
	case first == "logout" && len(rest) == 2:
		return accounts[rest[0]].logout(ctx, rest[1])
	case libraries[first] != nil && len(rest) == 1:
		found, err := libraries[first](ctx, rest[0])
		if err == nil {
			fmt.Printf("%s\n%s\n", found.user, found.password)
		}
		return err
	}
	return fmt.Errorf("probe does not know %q", arguments)
}

func all(ctx context.Context, images []string) {
	for _, library := range slices.Sorted(maps.Keys(libraries)) {
		for _, image := range images {
			found, err := libraries[library](ctx, image)
			if err != nil {
				found.user = "error: " + strings.Join(strings.Fields(err.Error()), " ")
			}
			fmt.Printf("%s\t%s\t%s\n", library, image, found.user)
		}
	}
}
