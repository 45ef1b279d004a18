// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// list is the name of the file of checksums, in a release and beside the
// action's programs, in the form of sha256sum.
const list = "checksums.txt"

func checksum(sum, name string) string { return sum + "  " + name + "\n" }

// listed reads a file that the folder's list has, and compares.
func listed(folder, name string) (content []byte, line string, err error) {
	sums, err := os.ReadFile(filepath.Join(folder, list))
	if err != nil {
		return nil, "", err
	}
	content, err = os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil, "", err
	}
	line = checksum(digest(content), name)
	if !strings.Contains("\n"+string(sums), "\n"+line) {
		return nil, "", fmt.Errorf("%s in %s is not the one that %s lists", name, folder, list)
	}
	return content, line, nil
}
