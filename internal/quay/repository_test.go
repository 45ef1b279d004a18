// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"io"
	"testing"

	"quay-keyless/internal/quay"
)

func TestCreateLooksAtNoPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer reply
		good   bool
	}{
		{reply{status: 201, body: `{"name": "acme+ci", "token": "PASSWORD"}`}, true},
		{reply{status: 201, body: `not even JSON with a PASSWORD`}, true},
		{reply{status: 400, body: `{"error_message": "Existing robot with name: acme+ci", "error_type": "invalid_request"}`}, true},
		{reply{status: 403, body: unauthorized}, false},
	} {
		transport := always(test.answer)
		err := api(t, transport).Account(ci).Create(t.Context(), "CI")
		if (err == nil) != test.good {
			t.Errorf("%s: %v", test.answer.body, err)
		}
		if request := transport.seen[0]; request.Method != "PUT" || request.URL.Path != "/api/v1/organization/acme/robots/ci" {
			t.Errorf("%s %s", request.Method, request.URL)
		}
	}
}

func TestRolesOnRepositories(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer reply
		want   quay.Role
		good   bool
	}{
		{reply{status: 200, body: `{"role": "write", "name": "acme+ci"}`}, "write", true},
		{reply{status: 400, body: `{"message":"User does not have permission for repo."}`}, "", true},
		{reply{status: 200, body: `{"role": "owner"}`}, "", false},
		{reply{status: 403, body: unauthorized}, "", false},
	} {
		got, err := api(t, always(test.answer)).Role(t.Context(), ci, "acme/app")
		if got != test.want || (err == nil) != test.good {
			t.Errorf("%s: %q, %v", test.answer.body, got, err)
		}
	}
	transport := always(reply{status: 200, body: `{}`})
	if err := api(t, transport).Grant(t.Context(), ci, quay.Grant{Repository: "acme/app", Role: "write"}); err != nil {
		t.Fatal(err)
	}
	request := transport.seen[0]
	body, _ := io.ReadAll(request.Body)
	if request.URL.Path != "/api/v1/repository/acme/app/permissions/user/acme+ci" || string(body) != `{"role":"write"}` {
		t.Errorf("%s %s %s", request.Method, request.URL, body)
	}
	for _, low := range []quay.Role{"", "read", "write"} {
		if !quay.Role("write").Includes(low) || low != "write" && low.Includes("write") {
			t.Errorf("write and %q", low)
		}
	}
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	notFound := `{"detail": "Not Found", "error_message": "Not Found", "error_type": "not_found", "status": 404}`
	for body, status := range map[string]int{`{"name":"app"}`: 200, notFound: 404, "<title>404</title>": 404, unauthorized: 403} {
		there, err := api(t, always(reply{status: status, body: body})).Repository(t.Context(), "acme/app")
		if (there != nil) != (status == 200) || (err == nil) != (status == 200 || body == notFound) {
			t.Errorf("%d %s: %v, %v", status, body, there, err)
		}
	}
	transport := always(reply{status: 400, body: `{"error_message": "Repository already exists", "error_type": "invalid_request"}`})
	if err := api(t, transport).CreateRepository(t.Context(), "acme/app"); err != nil {
		t.Error(err)
	}
	body, _ := io.ReadAll(transport.seen[0].Body)
	if string(body) != `{"description":"","namespace":"acme","repo_kind":"image","repository":"app","visibility":"private"}` {
		t.Errorf("sent %s", body)
	}
}

func TestParseGrant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quay.Grant{
		"acme/app=write":     {Repository: "acme/app", Role: "write"},
		"app=read":           {Repository: "acme/app", Role: "read"},
		"acme/group/a=admin": {Repository: "acme/group/a", Role: "admin"},
		"app":                {}, "app=owner": {}, "app=": {}, "=write": {}, "other/app=read": {}, "quay.io/acme/app=read": {}, "acme/App=read": {}, "acme/../x=read": {},
	} {
		got, err := quay.ParseGrant(text, ci)
		if got != want || (err == nil) != (want.Role != "") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
