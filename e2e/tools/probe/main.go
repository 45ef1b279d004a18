// SPDX-License-Identifier: Apache-2.0

// Probe tells which login a Go library finds for a registry, in a process of
// its own, since libraries look at the process's environment:
//
//	probe docker|crane|helm|oras|image HOST
//
// It prints the user and the password, each in a line of its own, both empty
// where the library finds none. What keeps the library from looking is an error.
package main

import (
	"context"
	"fmt"
	"os"
)

// login is what a library finds for a registry, empty for none.
type login struct{ user, password string }

var libraries = map[string]func(ctx context.Context, host string) (login, error){
	"docker": docker,
	"crane":  crane,
	"helm":   helm,
	"oras":   oras,
	"image":  image,
}

func main() {
	found, err := look(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s\n%s\n", found.user, found.password)
}

func look(ctx context.Context, arguments []string) (login, error) {
	if len(arguments) != 2 || libraries[arguments[0]] == nil {
		return login{}, fmt.Errorf("usage: probe docker|crane|helm|oras|image HOST, not %q", arguments)
	}
	return libraries[arguments[0]](ctx, arguments[1])
}
