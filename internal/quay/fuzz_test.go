// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// FuzzPing has the registry answer the ping with any challenge. What follows goes to
// the registry's own host name, by https, whatever the challenge says; nothing of it
// breaks a line.
func FuzzPing(f *testing.F) {
	for _, challenge := range []string{
		`Bearer realm="https://quay.example/v2/auth",service="quay.example"`, `Bearer realm="https://elsewhere.example/v2/auth"`,
		`Bearer realm="http://quay.example/v2/auth"`, `Bearer realm="https://quay.example:444/v2/auth"`, `Bearer realm="https://quay.example@elsewhere.example/"`,
		`Bearer realm="https://quay.example\@elsewhere.example/"`, `Bearer realm="https://quay.example/../../x?a=b#c"`, `Basic realm="x"`, `Bearer`, `bearer realm=`,
		`Bearer realm="//elsewhere.example/"`, `Bearer realm="https:\\elsewhere.example"`, `Bearer realm="https://QUAY.example./v2/auth"`, "Bearer realm=\"https://quay.example/\x1b[2J\"",
	} {
		f.Add(challenge, "", "", 401)
		f.Add(`Bearer realm="https://quay.example/v2/auth"`, challenge, "", 401)
	}
	f.Add("", "", "https://elsewhere.example/v2/", 302)
	f.Add("", "", "/v2/", 308)
	f.Fuzz(func(t *testing.T, first, second, location string, status int) {
		if status < 200 || status > 599 {
			return
		}
		registry := &server{answer: func(request *http.Request) reply {
			if request.URL.Path != "/v2/" {
				return reply{status: 200, body: `{"token":"x"}`}
			}
			r := reply{status: status, header: []string{"Www-Authenticate: " + first, "Www-Authenticate: " + second}}
			if location != "" {
				r.header = append(r.header, "Location: "+location)
			}
			return r
		}}
		c := client(t, "quay.example", registry)
		challenge, err := c.Ping(t.Context())
		if err == nil {
			err = c.Prove(t.Context(), challenge, quay.Login{Robot: ci, Token: idtoken.NewSecret("robot.to.ken")})
		}
		if err != nil && !oneLine(err.Error()) {
			t.Errorf("%q", err.Error())
		}
		for _, request := range registry.seen {
			if request.URL.Scheme != "https" || !strings.EqualFold(request.URL.Hostname(), "quay.example") {
				t.Errorf("asked %s", request.URL)
			}
		}
	})
}

// FuzzExchange has Quay answer an exchange with anything: what comes is a robot
// token for this robot that is alive, or an error in one line.
func FuzzExchange(f *testing.F) {
	payload := object{"sub": "acme+ci", "exp": now.Add(time.Hour).Unix()}
	for _, body := range []string{
		asJSON(f, "token", jwt(f, payload)), asJSON(f, "token", jwt(f, object{"sub": "acme+other", "exp": now.Add(time.Hour).Unix()})),
		asJSON(f, "token", jwt(f, `{"sub":"acme+ci","exp":1e300}`)), asJSON(f, "token", jwt(f, `{"sub":"acme+ci","exp":-1}`)), asJSON(f, "token", "a.b.c"),
		`{"message":"Token does not match robot"}`, `{"error":"x\ny"}`, `{"token":`, `[]`, "<title>\x1b[2J</title>", "",
	} {
		f.Add(body, 200, "")
		f.Add(body, 400, "")
		f.Add(body, 302, "https://elsewhere.example/\n?token=x")
	}
	f.Fuzz(func(t *testing.T, body string, status int, location string) {
		if status < 200 || status > 599 {
			return
		}
		transport := always(reply{status: status, body: body, header: []string{"Location: " + location}})
		token, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, holding("a.b.c"))
		var unreachable *endpoint.Unreachable
		if err != nil {
			if errors.As(err, &unreachable) && !endpoint.Transient(status) {
				t.Errorf("HTTP %d: %v", status, err)
			}
			return
		}
		claims, err := idtoken.ParseToken(idtoken.NewSecret(token.AccessToken))
		if err != nil || status != 200 || claims.Subject != "acme+ci" || token.Expiry.After(claims.Expiry) || token.Expiry.Sub(now) > quay.LongestLife || !now.Before(token.Expiry) {
			t.Errorf("HTTP %d %q: %v, %v", status, body, token.Expiry, err)
		}
	})
}

// FuzzParseGrant reads what --grant was given. What it takes it writes the same way.
func FuzzParseGrant(f *testing.F) {
	for _, seed := range []string{"acme/app=write", "app=read", "app", "=", "a/b/c=admin", "acme/app=write=read", "acme/\n=read", "../x=read"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		grant, err := quay.ParseGrant(text, ci)
		if err != nil {
			if !oneLine(err.Error()) {
				t.Errorf("%q", err.Error())
			}
			return
		}
		whole := grant.Repository + "=" + string(grant.Role)
		if again, err := quay.ParseGrant(whole, ci); err != nil || again != grant || !oneLine(whole) {
			t.Errorf("%q is %q, and then %q, %v", text, whole, again, err)
		}
	})
}
