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
	listed := always(reply{status: 200, body: `{"permissions": {"alice": {"role": "admin"}, "acme+ci": {"role": "write", "is_robot": true}}}`})
	if got, err := api(t, listed).RolesOn(t.Context(), "acme/app"); err != nil || len(got) != 2 || got["acme+ci"] != "write" {
		t.Errorf("%v, %v", got, err)
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
