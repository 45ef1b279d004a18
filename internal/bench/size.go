// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// reportSizes prints what the program's bytes are: code and data by module, out
// of the symbols of the same program with its symbol table, and the tables that Go's
// linker makes of all of them.
func reportSizes(ctx context.Context, out io.Writer, folder string) error {
	stripped, err := os.Stat(filepath.Join(folder, "quay-keyless"))
	if err != nil {
		return err
	}
	program := filepath.Join(folder, "quay-keyless-symbols")
	if err := compile(ctx, program, "./cmd/quay-keyless"); err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	modules := []string{info.Main.Path}
	for _, module := range info.Deps {
		modules = append(modules, module.Path)
	}
	symbols, err := exec.CommandContext(ctx, "go", "tool", "nm", "-size", program).Output()
	if err != nil {
		return fmt.Errorf("go tool nm: %w", err)
	}
	sizes := sizesOf(symbols, modules)
	total := int(stripped.Size())
	rest := total
	for _, size := range sizes {
		rest -= size
	}
	sizes["the linker's tables: functions, lines, types"] = rest
	fmt.Fprintf(out, "| the program, linux/%s | kB |\n| --- | --- |\n", runtime.GOARCH)
	for _, name := range slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return cmp.Compare(sizes[b], sizes[a]) }) {
		fmt.Fprintf(out, "| %s | %.0f |\n", name, float64(sizes[name])/1000)
	}
	_, err = fmt.Fprintf(out, "| all | %.0f |\n\n", float64(total)/1000)
	return err
}

// sizesOf adds up the symbols of each module. Those of the linker's own making
// belong to none, and those of the kinds b and B are not in the file.
func sizesOf(symbols []byte, modules []string) map[string]int {
	sizes := map[string]int{}
	for line := range bytes.Lines(symbols) {
		fields := strings.Fields(string(line))
		if len(fields) < 4 || strings.EqualFold(fields[2], "b") || strings.HasPrefix(fields[3], "go:") || strings.HasPrefix(fields[3], "type:") {
			continue
		}
		if size, err := strconv.Atoi(fields[1]); err == nil && size < 1<<24 { // drbg.memory, which is not in the file either
			sizes[owner(fields[3], modules)] += size
		}
	}
	return sizes
}

// owner is the module of a symbol.
func owner(symbol string, modules []string) string {
	for _, module := range modules {
		if strings.HasPrefix(symbol, module+"/") || strings.HasPrefix(symbol, module+".") {
			return module
		}
	}
	switch {
	case strings.HasPrefix(symbol, "main."):
		return modules[0]
	case strings.HasPrefix(symbol, "runtime."), strings.HasPrefix(symbol, "internal/runtime/"):
		return "Go's runtime"
	case strings.HasPrefix(symbol, "crypto/"), strings.HasPrefix(symbol, "vendor/golang.org/x/crypto/"):
		return "Go's standard library, crypto"
	case strings.HasPrefix(symbol, "net."), strings.HasPrefix(symbol, "net/"), strings.HasPrefix(symbol, "vendor/golang.org/x/net/"), strings.HasPrefix(symbol, "vendor/golang.org/x/text/"):
		return "Go's standard library, net"
	}
	return "Go's standard library, the rest"
}
