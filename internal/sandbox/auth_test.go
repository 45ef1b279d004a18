// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/sandbox/jwt"
)

// bearerAccess reads the access claim of the bearer in an answer.
func bearerAccess(t *testing.T, r reply) string {
	t.Helper()
	bearer, err := jwt.Parse(bearerOf(t, r))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(bearer.Claims["access"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func bearerOf(t *testing.T, r reply) string {
	t.Helper()
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(r.body), &body); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %s %v", r.status, r.body, err)
	}
	return body.Token
}

// Who may log in, and what the registry tells others.
func TestRegistryTokenEndpointRefuses(t *testing.T) {
	sb := start(t, Config{DisabledOrganizations: []string{"gone"}, Robots: []Robot{
		{Name: "acme+ci", Password: "STATIC"}, {Name: "acme+other"}, {Name: "gone+ci"},
	}})
	now := sb.Now().Unix()
	own := func(robot string, claims map[string]any) string {
		return mint(t, sb, Token{Issuer: "quay", Subject: robot, Claims: claims})
	}
	for _, test := range []struct {
		name, robot, password string
		status                int
		message               string
	}{
		{"robot token", "acme+ci", own("acme+ci", nil), 200, ""},
		{"static password", "acme+ci", "STATIC", 200, ""},
		{"expired within the leeway", "acme+ci", own("acme+ci", map[string]any{"exp": now - 20}), 200, ""},
		{"wrong static password", "acme+ci", "WRONG", 401, "Could not find robot with username: acme+ci and supplied password."},
		{"empty password", "acme+ci", "", 401, "Could not find robot with username: acme+ci and supplied password."},
		{"no password of its own", "acme+other", "", 401, "Could not find robot with username: acme+other and supplied password."},
		{"unknown robot", "acme+nobody", own("acme+nobody", nil), 401, "Could not find robot with specified username"},
		{"another robot's token", "acme+ci", own("acme+other", nil), 401, "Token does not match robot"},
		{"disabled owner", "gone+ci", own("gone+ci", nil), 401, "Robot gone+ci owner gone is disabled"},
		{"expired", "acme+ci", own("acme+ci", map[string]any{"exp": now - 40}), 500, ""},
		{"wrong audience", "acme+ci", own("acme+ci", map[string]any{"aud": "elsewhere"}), 500, ""},
		{"wrong issuer", "acme+ci", own("acme+ci", map[string]any{"iss": "elsewhere"}), 500, ""},
		{"signed for too long", "acme+ci", own("acme+ci", map[string]any{"exp": now + 3700}), 500, ""},
		{"raw CI token", "acme+ci", mint(t, sb, Token{}), 500, ""},
	} {
		got := mustAsk(t, sb, "GET", "/v2/auth", basic(test.robot, test.password))
		if got.status != test.status || !strings.Contains(got.body, test.message) {
			t.Errorf("%s: %d %s, want %d %s", test.name, got.status, got.body, test.status, test.message)
		}
		challenge := fmt.Sprintf(`Bearer realm="%s/v2/auth",service="%s"`, sb.URL, sb.Host)
		if got.status != 401 {
			challenge = ""
		}
		if header := got.header.Get("WWW-Authenticate"); header != challenge {
			t.Errorf("%s: WWW-Authenticate %q, want %q", test.name, header, challenge)
		}
	}
	if got := mustAsk(t, sb, "GET", "/v2/auth"); got.status != 401 || !strings.Contains(got.body, `{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"access to the requested resource is not authorized"}]}`) {
		t.Errorf("no credentials: %d %s", got.status, got.body)
	}
	if got := mustAsk(t, sb, "POST", "/v2/auth", basic("acme+ci", "STATIC")); got.status != 405 {
		t.Errorf("POST: %d", got.status)
	}
}

func TestScopes(t *testing.T) {
	sb := start(t, Config{})
	auth := func(robot, scope string) reply {
		return mustAsk(t, sb, "GET", "/v2/auth?service=elsewhere&scope="+scope, basic(robot, exchanged(t, sb, robot)))
	}
	for _, test := range []struct{ robot, scope, access string }{
		{"acme+ci", "repository:acme/app:pull,push", `[{"actions":["push","pull"],"name":"acme/app","type":"repository"}]`},
		{"acme+ci", "repository:acme/app:*", `[{"actions":[],"name":"acme/app","type":"repository"}]`},
		{"acme+reader", "repository:acme/app:pull,push", `[{"actions":["pull"],"name":"acme/app","type":"repository"}]`},
		{"acme+reader", "repository:acme/new:pull,push", `[{"actions":[],"name":"acme/new","type":"repository"}]`},
		{"acme+creator", "repository:acme/new:pull", `[{"actions":[],"name":"acme/new","type":"repository"}]`},
		{"acme+creator", "repository:other/new:push", `[{"actions":[],"name":"other/new","type":"repository"}]`},
	} {
		got := auth(test.robot, test.scope)
		if said := bearerAccess(t, got); said != test.access {
			t.Errorf("%s, %s: %s, want %s", test.robot, test.scope, said, test.access)
		}
		if cache := got.header.Get("Cache-Control"); cache != "no-cache, no-store, must-revalidate" {
			t.Errorf("Cache-Control %q", cache)
		}
	}
	if sb.RepositoryExists("acme/new") || sb.RepositoryExists("other/new") {
		t.Error("a repository exists that nobody was allowed to create")
	}
	want := `[{"actions":["push","pull"],"name":"acme/new","type":"repository"}]`
	if said := bearerAccess(t, auth("acme+creator", "repository:acme/new:pull,push")); said != want || !sb.RepositoryExists("acme/new") {
		t.Errorf("push by a creator: %s and exists %v, want %s and a new repository", said, sb.RepositoryExists("acme/new"), want)
	}
	if got := auth("acme+ci", "repository:acme/app:fly"); got.status != 400 || !strings.Contains(got.body, `"code":"INVALID_REQUEST"`) ||
		!strings.Contains(got.body, "Unable to decode repository and actions: repository:acme/app:fly") {
		t.Errorf("malformed scope: %d %s", got.status, got.body)
	}
}

// The exchange accepts the robot, the registry rejects it.
func TestRobotsDisallowed(t *testing.T) {
	sb := start(t, Config{RobotsDisallow: true, RobotsWhitelist: []string{"acme+reader"}})
	if got := mustAsk(t, sb, "GET", "/v2/auth", basic("acme+ci", exchanged(t, sb, "acme+ci"))); got.status != 401 ||
		!strings.Contains(got.body, "Robot account have been disabled. Please contact your administrator.") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := mustAsk(t, sb, "GET", "/v2/auth", basic("acme+reader", exchanged(t, sb, "acme+reader"))); got.status != 200 {
		t.Errorf("on the whitelist: %d %s", got.status, got.body)
	}
}

func TestReadOnlyRegistry(t *testing.T) {
	sb := start(t, Config{ReadOnly: true})
	got := mustAsk(t, sb, "GET", "/v2/auth?scope=repository:acme/app:push", basic("acme+ci", exchanged(t, sb, "acme+ci")))
	bearer := authorization("Bearer " + bearerOf(t, got))
	if got := mustAsk(t, sb, "POST", "/v2/acme/app/blobs/uploads/", bearer); got.status != 405 || !strings.Contains(got.body, "read-only") {
		t.Errorf("push: %d %s", got.status, got.body)
	}
	auth := mustAsk(t, sb, "GET", "/v2/auth?scope=repository:acme/new:push", basic("acme+creator", exchanged(t, sb, "acme+creator")))
	if auth.status != 200 || sb.RepositoryExists("acme/new") {
		t.Errorf("push scope: %d, repository created %v", auth.status, sb.RepositoryExists("acme/new"))
	}
}

func TestADisabledRobotAndADeletedOne(t *testing.T) {
	sb := start(t, Config{})
	robot := DefaultRobots()[0]
	token := exchanged(t, sb, robot.Name)
	robot.Disabled = true
	sb.SetRobot(robot)
	if got := mustAsk(t, sb, "GET", exchangePath, basic(robot.Name, mint(t, sb, Token{}))); message(t, got) != htmlPage {
		t.Errorf("exchange of a disabled robot: %d %s", got.status, got.body)
	}
	sb.DeleteRobot(robot.Name)
	if got := mustAsk(t, sb, "GET", "/v2/auth", basic(robot.Name, token)); got.status != 401 {
		t.Errorf("token of a deleted robot: %d %s", got.status, got.body)
	}
}

func TestPing(t *testing.T) {
	sb := start(t, Config{})
	token := exchanged(t, sb, "acme+ci")
	bearer := bearerOf(t, mustAsk(t, sb, "GET", "/v2/auth?scope=repository:acme/app:pull", basic("acme+ci", token)))
	for _, test := range []struct {
		name, path string
		prepare    func(*http.Request)
		status     int
		message    string
		scope      string
	}{
		{"anonymous", "/v2/", authorization(""), 401, "true", ""},
		{"robot token as bearer", "/v2/", authorization("Bearer " + token), 401, "Token contained invalid or malformed access grants", ""},
		{"basic", "/v2/", basic("acme+ci", token), 401, "Invalid bearer token format", ""},
		{"bearer", "/v2/", authorization("Bearer " + bearer), 200, "", ""},
		{"what the bearer may", "/v2/acme/app/manifests/none", authorization("Bearer " + bearer), 404, "", ""},
		{"what it may not", "/v2/acme/other/manifests/none", authorization("Bearer " + bearer), 401, "not authorized", "repository:acme/other:pull"},
	} {
		got := mustAsk(t, sb, "GET", test.path, test.prepare)
		if got.status != test.status || !strings.Contains(got.body, test.message) {
			t.Errorf("%s: %d %s, want %d %s", test.name, got.status, got.body, test.status, test.message)
		}
		if test.scope != "" && !strings.Contains(got.header.Get("WWW-Authenticate"), `,scope="`+test.scope+`"`) {
			t.Errorf("%s: challenge %q, want the scope %s", test.name, got.header.Get("WWW-Authenticate"), test.scope)
		}
	}
	push := mustAsk(t, sb, "POST", "/v2/acme/app/blobs/uploads/", authorization("Bearer "+bearer))
	if push.status != 401 || !strings.Contains(push.header.Get("WWW-Authenticate"), `scope="repository:acme/app:pull,push"`) {
		t.Errorf("push with a pull bearer: %d %q", push.status, push.header.Get("WWW-Authenticate"))
	}
}

func TestRobotTokensExpireWithTheSandboxsClock(t *testing.T) {
	sb := start(t, Config{})
	token := exchanged(t, sb, "acme+ci")
	before := sb.Now()
	sb.Advance(time.Hour + 31*time.Second)
	got := mustAsk(t, sb, "GET", "/v2/auth", basic("acme+ci", token))
	if got.status != 500 {
		t.Errorf("an hour later: %d %s", got.status, got.body)
	}
	date, err := http.ParseTime(got.header.Get("Date"))
	if ahead := date.Sub(before.Truncate(time.Second)); err != nil || ahead != time.Hour+31*time.Second {
		t.Errorf("Date is %v ahead (%v)", ahead, err)
	}
}

func TestTheRobotToken(t *testing.T) {
	sb := start(t, Config{})
	first, second := exchanged(t, sb, "acme+ci"), exchanged(t, sb, "acme+ci")
	if first != second {
		t.Error("two exchanges in one second gave two tokens")
	}
	token, err := jwt.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	claims := token.Claims
	if claims["iss"] != "quay" || claims["aud"] != sb.Host || claims["sub"] != "acme+ci" ||
		claims["nbf"] != claims["iat"] || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
		t.Errorf("claims %v", claims)
	}
	if got := mustAsk(t, sb, "HEAD", exchangePath, basic("acme+ci", mint(t, sb, Token{}))); got.body != "" ||
		got.header.Get("Content-Length") != fmt.Sprint(len(first)+len(`{"token":""}`)+1) {
		t.Errorf("HEAD: body %q, content length %s", got.body, got.header.Get("Content-Length"))
	}
}
