// SPDX-License-Identifier: Apache-2.0

package main

import (
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

// writeSBOM says in SPDX what is linked into the program, as the program itself
// says it. The namespace holds the program's digest: unique, and the same in
// each build of it.
func (s *source) writeSBOM(b *binary, folder string) error {
	program := spdxPackage{
		ID: "SPDXRef-program", Name: "quay-keyless", Version: s.version, File: b.name, Purpose: "APPLICATION", Location: unknown,
		License: "Apache-2.0", Checksums: []spdxChecksum{{Algorithm: "SHA256", Value: b.sha256}},
		Comment: fmt.Sprintf("built for %s from commit %s by %s", b.target, s.head, b.info.GoVersion),
	}
	document := spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: b.name + " " + s.version,
		Namespace:     fmt.Sprintf("https://spdx.org/spdxdocs/%s-%s-%s", b.name, s.version, b.sha256),
		Creation:      spdxCreation{Created: s.time.Format(time.RFC3339), Creators: []string{"Tool: quay-keyless-internal-release"}},
		Packages:      []spdxPackage{program},
		Relationships: []spdxRelationship{{Element: "SPDXRef-DOCUMENT", Type: "DESCRIBES", Related: program.ID}},
	}
	standard := &debug.Module{Path: "stdlib", Version: strings.TrimPrefix(b.info.GoVersion, "go")}
	for i, module := range append([]*debug.Module{standard}, b.info.Deps...) {
		part := linked(module, i)
		document.Packages = append(document.Packages, part)
		document.Relationships = append(document.Relationships, spdxRelationship{Element: program.ID, Type: "DEPENDS_ON", Related: part.ID})
	}
	content, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, b.name+".spdx.json"), append(content, '\n'), 0o644)
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
