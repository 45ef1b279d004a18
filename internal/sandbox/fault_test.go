// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/sandbox/jwt"
)

func TestFaults(t *testing.T) {
	sb := start(t, Config{})
	good := basic("acme+ci", mint(t, sb, Token{}))
	for _, test := range []struct {
		fault  string
		status int // 0: no whole answer
		typ    string
		body   string
	}{
		{"exchange=status", 503, "text/html", "Service Unavailable"},
		{"exchange=429,retry-after=7", 429, "text/html", "Too Many Requests"},
		{"exchange=500,content-type=application/json,body={\"a\":1,\"b\":2}", 500, "application/json", `{"a":1,"b":2}`},
		{"exchange=reset", 0, "", ""},
		{"exchange=reset-inside", 0, "", ""},
		{"exchange=truncated", 200, "application/json", `{"token":"ey`},
		{"exchange=html", 200, "text/html; charset=utf-8", "<title>"},
		{"exchange=empty", 200, "application/json", ""},
		{"exchange=redirect,location=https://elsewhere.example/", 302, "text/html", ""},
		{"exchange=redirect,status=308,location=https://elsewhere.example/", 308, "text/html", ""},
		{"exchange=no-jwt", 200, "application/json", "not-a-jwt"},
	} {
		fault, err := ParseFault(test.fault)
		if err != nil {
			t.Fatal(err)
		}
		fault.Times = 1
		sb.Fault(fault)
		got, err := ask(t, sb, "GET", exchangePath, good)
		if answered := err == nil; answered != (test.status != 0) {
			t.Errorf("%s: error %v", test.fault, err)
		}
		if test.status != 0 && (got.status != test.status || got.header.Get("Content-Type") != test.typ || !strings.Contains(got.body, test.body)) {
			t.Errorf("%s: %d %s %s", test.fault, got.status, got.header.Get("Content-Type"), got.body)
		}
		if strings.Contains(test.fault, "retry-after") && got.header.Get("Retry-After") != "7" {
			t.Errorf("%s: Retry-After %q", test.fault, got.header.Get("Retry-After"))
		}
		if strings.Contains(test.fault, "redirect") && got.header.Get("Location") != fault.Location {
			t.Errorf("%s: Location %q", test.fault, got.header.Get("Location"))
		}
		exchanged(t, sb, "acme+ci") // one fault, then all is well again
	}
}

func TestAForeignRobotsToken(t *testing.T) {
	sb := start(t, Config{})
	sb.Fault(Fault{Target: Exchange, Kind: ForeignRobot})
	token, err := jwt.Parse(exchanged(t, sb, "acme+ci"))
	if err != nil || token.Claims["sub"] == "acme+ci" || token.Claims["sub"] == nil {
		t.Errorf("%v, %v: want another robot's token", token, err)
	}
}

func TestAnEndlessAnswer(t *testing.T) {
	sb := start(t, Config{})
	sb.Fault(Fault{Target: Ping, Kind: Endless})
	response, err := sb.Client().Get(sb.URL + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.CopyN(io.Discard, response.Body, 8<<20); err != nil {
		t.Errorf("ended after %d bytes: %v", n, err)
	}
}

func TestASlowAnswerWaits(t *testing.T) {
	sb := start(t, Config{})
	sb.Fault(Fault{Target: Ping, Kind: Slow})
	answers := make(chan reply)
	go func() {
		got, _ := ask(t, sb, "GET", "/v2/")
		answers <- got
	}()
	for sb.Requests(Ping) < 1 {
		runtime.Gosched()
	}
	sb.ClearFaults()
	if got := <-answers; got.status != http.StatusUnauthorized {
		t.Errorf("let go, it answered %d, want the right answer 401", got.status)
	}
}

func TestASlowAnswerIsNoneForAClientThatIsGone(t *testing.T) {
	sb := start(t, Config{})
	sb.Fault(Fault{Target: Ping, Kind: Slow})
	gone, leave := context.WithCancel(t.Context())
	leave()
	answered := httptest.NewRecorder()
	defer func() {
		if how := recover(); how != http.ErrAbortHandler || answered.Flushed || answered.Body.Len() > 0 {
			t.Errorf("ended by %v with %d %s, want the connection ended without an answer", how, answered.Code, answered.Body)
		}
	}()
	sb.Handler().ServeHTTP(answered, httptest.NewRequestWithContext(gone, "GET", sb.URL+"/v2/", nil))
}

func TestFaultsAreUsedInTheirOrderAndCounted(t *testing.T) {
	sb := start(t, Config{})
	sb.Fault(Fault{Target: Auth, Kind: Status, Status: 502, Times: 2})
	sb.Fault(Fault{Target: Auth, Kind: Status, Status: 503})
	for i, want := range []int{502, 502, 503, 503, 503} {
		if got := mustAsk(t, sb, "GET", "/v2/auth", basic("acme+ci", "x")); got.status != want {
			t.Errorf("request %d: %d, want %d", i, got.status, want)
		}
	}
	sb.ClearFaults()
	if got := mustAsk(t, sb, "GET", "/v2/auth?a=b"); got.status != 401 {
		t.Errorf("after ClearFaults: %d", got.status)
	}
	history := sb.History(Auth)
	if len(history) != 6 || sb.Requests(Auth) != 6 || sb.Requests(Exchange) != 0 {
		t.Fatalf("%d requests to auth, %d to exchange", len(history), sb.Requests(Exchange))
	}
	if first, last := history[0], history[5]; first.Authorization != "Basic" || last.Authorization != "" ||
		last.Method != "GET" || last.URI != "/v2/auth?a=b" {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

func TestAFaultAtTheIssuerReachesTheExchange(t *testing.T) {
	sb := start(t, Config{})
	for _, test := range []struct {
		target, kind string
		want         int
	}{{Discovery, Reset, 502}, {Discovery, HTML, 500}, {JWKS, Truncated, 500}} {
		sb.Fault(Fault{Target: test.target, Kind: test.kind, Times: 1})
		if got := mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", mint(t, sb, Token{}))); got.status != test.want {
			t.Errorf("%s %s: %d, want %d", test.target, test.kind, got.status, test.want)
		}
	}
	discovery, keys := sb.Requests(Discovery), sb.Requests(JWKS)
	exchanged(t, sb, "acme+ci")
	if sb.Requests(Discovery) != discovery+1 || sb.Requests(JWKS) != keys+1 {
		t.Error("an exchange did not fetch discovery and keys anew")
	}
}

func TestControlFromAnotherProcess(t *testing.T) {
	sb := start(t, Config{})
	send := func(method, path, body string) int {
		return mustAsk(t, sb, method, path, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) }).status
	}
	if got := send("POST", "/sandbox/faults", "ping=503"); got != 204 {
		t.Errorf("adding a fault: %d", got)
	}
	if got := send("GET", "/v2/", ""); got != 503 {
		t.Errorf("the fault: %d", got)
	}
	if got := send("DELETE", "/sandbox/faults", ""); got != 204 {
		t.Errorf("clearing: %d", got)
	}
	if got := send("GET", "/v2/", ""); got != 401 {
		t.Errorf("no fault any more: %d", got)
	}
	before := sb.Now()
	if got := send("POST", "/sandbox/clock?advance=2h", ""); got != 204 || sb.Now().Sub(before) != 2*time.Hour {
		t.Errorf("clock: %d, moved by %v", got, sb.Now().Sub(before))
	}
	for _, wrong := range [][2]string{{"/sandbox/faults", "ping=dance"}, {"/sandbox/clock?advance=soon", ""}} {
		if got := send("POST", wrong[0], wrong[1]); got != 400 {
			t.Errorf("%v: %d, want 400", wrong, got)
		}
	}
}

func TestParseFault(t *testing.T) {
	fault, err := ParseFault("exchange=429,times=2,retry-after=5,content-type=text/plain,body=a,b=c")
	if err != nil || fault.Target != Exchange || fault.Kind != Status || fault.Status != 429 || fault.Times != 2 ||
		fault.ContentType != "text/plain" || fault.Body != "a,b=c" || !maps.Equal(fault.Header, map[string]string{"Retry-After": "5"}) {
		t.Errorf("%+v %v", fault, err)
	}
	for _, wrong := range []string{"", "exchange", "exchange=dance", "elsewhere=slow", "exchange=99", "exchange=600",
		"exchange=slow,times=-1", "exchange=slow,times=x", "exchange=slow,colour=red"} {
		if fault, err := ParseFault(wrong); err == nil {
			t.Errorf("%q was taken: %+v", wrong, fault)
		}
	}
}
