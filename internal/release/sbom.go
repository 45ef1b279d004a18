// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// The part of SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/) that a list of
// linked modules needs.
type (
	spdxDocument struct {
		Version       string             `json:"spdxVersion"`
		DataLicense   string             `json:"dataLicense"`
		ID            string             `json:"SPDXID"`
		Name          string             `json:"name"`
		Namespace     string             `json:"documentNamespace"`
		Creation      spdxCreation       `json:"creationInfo"`
		Packages      []spdxPackage      `json:"packages"`
		Relationships []spdxRelationship `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		ID        string          `json:"SPDXID"`
		Name      string          `json:"name"`
		Version   string          `json:"versionInfo"`
		File      string          `json:"packageFileName,omitempty"`
		Purpose   string          `json:"primaryPackagePurpose"`
		Location  string          `json:"downloadLocation"`
		Analyzed  bool            `json:"filesAnalyzed"`
		Checksums []spdxChecksum  `json:"checksums,omitempty"`
		License   string          `json:"licenseDeclared"`
		Comment   string          `json:"comment,omitempty"`
		Refs      []spdxReference `json:"externalRefs,omitempty"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxReference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxRelationship struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

const unknown = "NOASSERTION"

// sbom lists in SPDX what is linked into a program, as the program itself says. The
// file is named as the program, with .spdx.json. The namespace contains the program's
// digest: it is unique, and the same in each build.
func sbom(ctx context.Context, version, program, file string) error {
	s, err := open(ctx, ".", version)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	text, err := s.sbom(info, strings.TrimSuffix(filepath.Base(file), ".spdx.json"), digest(content))
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

func (s *source) sbom(info *buildinfo.BuildInfo, name, sum string) ([]byte, error) {
	program := spdxPackage{
		ID: "SPDXRef-program", Name: "quay-keyless", Version: s.version, File: name, Purpose: "APPLICATION", Location: unknown,
		License: "Apache-2.0", Checksums: []spdxChecksum{{Algorithm: "SHA256", Value: sum}},
		Comment: fmt.Sprintf("built from commit %s by %s", s.head, info.GoVersion),
	}
	document := spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name + " " + s.version,
		Namespace:     fmt.Sprintf("https://spdx.org/spdxdocs/%s-%s-%s", name, s.version, sum),
		Creation:      spdxCreation{Created: s.time.Format(time.RFC3339), Creators: []string{"Tool: quay-keyless-internal-release"}},
		Packages:      []spdxPackage{program},
		Relationships: []spdxRelationship{{Element: "SPDXRef-DOCUMENT", Type: "DESCRIBES", Related: program.ID}},
	}
	standard := &debug.Module{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")}
	for i, module := range append([]*debug.Module{standard}, info.Deps...) {
		part := linked(module, i)
		document.Packages = append(document.Packages, part)
		document.Relationships = append(document.Relationships, spdxRelationship{Element: program.ID, Type: "DEPENDS_ON", Related: part.ID})
	}
	content, err := json.MarshalIndent(document, "", "  ")
	return append(content, '\n'), err
}

// linked is a module, with the name that vulnerability scanners know it by
// (https://github.com/package-url/purl-spec, type golang) and the sum that
// go.sum has for it.
func linked(module *debug.Module, number int) spdxPackage {
	if module.Replace != nil {
		module = module.Replace
	}
	part := spdxPackage{
		ID: fmt.Sprintf("SPDXRef-module-%d", number), Name: module.Path, Version: module.Version, Purpose: "LIBRARY",
		Location: unknown, License: unknown,
		Refs: []spdxReference{{
			Category: "PACKAGE-MANAGER", Type: "purl",
			Locator: "pkg:golang/" + strings.ToLower(module.Path) + "@" + url.QueryEscape(module.Version),
		}},
	}
	if module.Sum != "" {
		part.Comment = "go.sum: " + module.Sum
	}
	return part
}
