// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
)

// The schema of a federation list as Python prints it in the words of a
// refusal (testdata/quay/replies.json, fed POST).
const (
	listSchema = `{'description': 'Federation configuration for the robot',
 'items': {'properties': {'issuer': {'description': 'The issuer of the '
                                                    'token',
                                     'type': 'string'},
                          'subject': {'description': 'The subject of '
                                                     'the token',
                                      'type': 'string'}},
           'required': ['issuer', 'subject'],
           'type': 'object'},
 'type': 'array'}`
	itemSchema = `{'properties': {'issuer': {'description': 'The issuer of the token',
                           'type': 'string'},
                'subject': {'description': 'The subject of the token',
                            'type': 'string'}},
 'required': ['issuer', 'subject'],
 'type': 'object'}`
	roleSchema = `{'description': 'Role to use for the user',
 'enum': ['read', 'write', 'admin'],
 'type': 'string'}`
	teamRoleSchema = `{'description': 'Org wide permissions that should apply to the team',
 'enum': ['member', 'creator', 'admin'],
 'type': 'string'}`
	descriptionSchema = `{'description': 'Optional text description for the robot',
 'maxLength': 255,
 'type': 'string'}`
	// The recording of a new repository's schema ends here.
	repositorySchema = `{'description': 'Description of a new repository',
     'properties': {'description': {'description': 'Markdown encoded '
                                                   'description for the '
    …`
)

// violation words what Python's jsonschema says of a value that a schema
// refuses: the rule, its place in the schema, and the value.
func violation(what, rule, inSchema, schema, inValue string, value any) string {
	indented := strings.ReplaceAll(schema, "\n", "\n    ")
	return fmt.Sprintf("%s\n\nFailed validating '%s' in schema%s:\n    %s\n\nOn instance%s:\n    %s",
		what, rule, inSchema, indented, inValue, pythonRepr(value))
}

// federationViolation finds what the schema refuses in a federation list, the
// shallowest first; "" if it accepts the list.
func federationViolation(value any) string {
	list, ok := value.([]any)
	if !ok {
		return violation(pythonRepr(value)+" is not of type 'array'", "type", "", listSchema, "", value)
	}
	for i, item := range list {
		at := fmt.Sprintf("[%d]", i)
		entry, ok := item.(map[string]any)
		if !ok {
			return violation(pythonRepr(item)+" is not of type 'object'", "type", "['items']", itemSchema, at, item)
		}
		for _, name := range []string{"issuer", "subject"} {
			if _, ok := entry[name]; !ok {
				return violation("'"+name+"' is a required property", "required", "['items']", itemSchema, at, item)
			}
		}
	}
	for i, item := range list {
		for _, name := range []string{"issuer", "subject"} {
			if value := item.(map[string]any)[name]; !isText(value) {
				schema := fmt.Sprintf("{'description': 'The %s of the token', 'type': 'string'}", name)
				return violation(pythonRepr(value)+" is not of type 'string'", "type", "['items']['properties']['"+name+"']", schema,
					fmt.Sprintf("[%d]['%s']", i, name), value)
			}
		}
	}
	return ""
}

func isText(value any) bool { _, ok := value.(string); return ok }

// roleViolation is the same for a permission's role.
func roleViolation(role any) string {
	if text, ok := role.(string); ok && slices.Contains([]database.Role{database.Read, database.Write, database.Admin}, database.Role(text)) {
		return ""
	}
	return violation(pythonRepr(role)+" is not one of ['read', 'write', 'admin']", "enum", "['properties']['role']", roleSchema, "['role']", role)
}
