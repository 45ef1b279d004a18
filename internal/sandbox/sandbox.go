// SPDX-License-Identifier: Apache-2.0

// Package sandbox is a stand-in for Quay and for the CI platforms that issue
// ID tokens, in one process. It answers as a real Quay was measured to answer
// (testdata/quay/replies.json holds it to that) and really verifies what it is
// shown. Tests start it, and cmd/quay-sandbox serves it.
package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sandbox is one Quay with its CI platforms. All methods may be called from
// several goroutines; the fields are set by Listen and not changed afterwards.
type Sandbox struct {
	URL      string // https://127.0.0.1:PORT
	Host     string // 127.0.0.1:PORT, which is also Quay's SERVER_HOSTNAME
	Address  string // 127.0.0.1:PORT, which is Host but for Config.Hostname
	PlainURL string // the same handler without TLS, http://127.0.0.1:PORT2
	CA       []byte // the certificate authority of URL, in PEM

	cfg       Config
	facts     release
	authority *authority
	store     *store
	watch     *watch
	jobs      *jobs
	logins    *logins
	issuers   http.Client // fetches discovery and keys, as Quay does
	handler   http.Handler
	servers   []*http.Server
	serving   sync.WaitGroup
	handling  sync.RWMutex // held for reading while a request is handled
	offset    atomic.Int64
}

// New makes a sandbox that does not listen yet. It fails on an unknown release
// and on a malformed robot.
func New(cfg Config) (*Sandbox, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	facts, err := factsOf(cfg.Release)
	if err != nil {
		return nil, err
	}
	if cfg.IssuerCAFile != "" {
		if cfg.IssuerCA, err = os.ReadFile(cfg.IssuerCAFile); err != nil {
			return nil, fmt.Errorf("issuer CA: %w", err)
		}
	}
	ca, err := newAuthority(cfg.Now())
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	s := &Sandbox{
		CA: ca.pem(), cfg: cfg, facts: facts, authority: ca,
		store: newStore(cfg), watch: newWatch(), jobs: newJobs(), logins: newLogins(),
	}
	if s.issuers.Transport, err = issuerTransport(ca, cfg); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

func issuerTransport(ca *authority, cfg Config) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("system certificates: %w", err)
	}
	roots.AddCert(ca.cert)
	if len(cfg.IssuerCA) > 0 && !roots.AppendCertsFromPEM(cfg.IssuerCA) {
		return nil, errors.New("issuer CA: no PEM certificate in it")
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: cfg.Dial, DisableKeepAlives: true}, nil
}

// Handler is what the sandbox serves, for a test that wants to put it behind
// a server of its own. The issuers stay at URL, so Listen is needed as well.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Client trusts the sandbox and nothing else. Each request has a connection of
// its own: net/http repeats a request on its own account where a reused one
// breaks, which would use up a fault unseen.
func (s *Sandbox) Client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(s.authority.cert)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

// Advance moves the sandbox's clock, and with it the Date header: robot tokens
// and ID tokens expire without anybody sleeping.
func (s *Sandbox) Advance(d time.Duration) { s.offset.Add(int64(d)) }

func (s *Sandbox) now() time.Time { return s.cfg.Now().Add(time.Duration(s.offset.Load())) }

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	quay := func(pattern, target string, handler http.HandlerFunc) {
		mux.Handle(pattern, s.watched(target, s.front(handler)))
	}
	exchange := movedOn.serve // before 3.13
	if s.facts.endpoint {
		exchange = getOnly(s.serveExchange)
	}
	quay(exchangePath, Exchange, exchange)
	quay(exchangePath+"/{$}", "webui", webUI.serve)
	quay("/v2/auth", Auth, getOnly(s.serveAuth))
	s.apiRoutes(quay)
	images := s.registry()
	quay("/v2/{$}", Ping, images)
	quay("/v2/", "registry", images)

	ci := func(pattern, target string, handler http.HandlerFunc) {
		mux.Handle(pattern, s.watched(target, handler))
	}
	ci(githubPath, IDToken, s.serveGitHub)
	ci(githubAPIPath+"/repos/{owner}/{repo}/actions/oidc/customization/sub", GitHubAPI, s.serveGitHubAPI)
	ci("/gitlab/token", IDToken, s.serveGitLab)
	ci("/kubernetes/token", IDToken, s.serveKubernetes)
	s.routePlatforms(ci)
	ci("/issuers/{name}/.well-known/openid-configuration", Discovery, s.serveDiscovery)
	ci("/issuers/{name}/jwks", JWKS, s.serveKeys)
	mux.HandleFunc("/sandbox/faults", s.serveFaults)
	mux.HandleFunc("/sandbox/clock", s.serveClock)
	ci("/", "unknown", s.serveUnknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		// Quay takes a doubled leading slash; the mux would redirect it.
		if path := r.URL.Path; strings.HasPrefix(path, "//") {
			r = r.Clone(r.Context())
			r.URL.Path = "/" + strings.TrimLeft(path, "/")
		}
		mux.ServeHTTP(w, r)
	})
}

// apiRoutes are those of Quay's API.
func (s *Sandbox) apiRoutes(quay func(pattern, target string, handler http.HandlerFunc)) {
	federation := s.api(s.serveFederation)
	organization := federation
	if !s.facts.endpoint { // before 3.13
		organization = s.noAddress
	}
	for pattern, handler := range map[string]http.HandlerFunc{
		"user/{$}":                                     s.api(s.serveUser),
		"user/robots":                                  s.api(s.serveRobots),
		"user/robots/{robot}":                          s.api(s.serveRobot),
		"user/robots/{robot}/federation":               s.serveUserFederation(federation),
		"organization/{org}":                           s.api(s.serveOrganization),
		"organization/{org}/robots":                    s.api(s.serveRobots),
		"organization/{org}/robots/{robot}":            s.api(s.serveRobot),
		"organization/{org}/robots/{robot}/federation": organization,
		"repository":                                   s.api(s.serveRepositories),
		"repository/":                                  s.api(s.serveRepository),
	} {
		quay(apiPath+pattern, API, handler)
	}
}

// serveUnknown is loud, so that a call which nobody thought of is noticed.
func (s *Sandbox) serveUnknown(w http.ResponseWriter, r *http.Request) {
	s.unimplemented(r).write(w)
}

func (s *Sandbox) unimplemented(r *http.Request) answer {
	text := fmt.Sprintf("quay-sandbox does not implement %s %s", r.Method, r.URL.Path)
	_, _ = fmt.Fprintln(s.cfg.Log, text)
	return plainText(http.StatusNotImplemented, text)
}

// maxHeaderLine is the longest header line that nginx takes, with its line end.
const maxHeaderLine = 8192

// front is what stands before Quay's own code: the limit on a header line.
// Over HTTP/2 nginx ends the connection, which a reset comes closest to.
func (s *Sandbox) front(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		long := longestHeader(r) > maxHeaderLine
		switch {
		case long && s.cfg.AppServer:
			fieldsTooBig.write(w)
		case long && r.ProtoMajor > 1:
			panic(http.ErrAbortHandler)
		case long:
			headerTooBig.write(w)
		case s.cfg.AppServer:
			next(w, r)
		default:
			ctx, cancel := context.WithTimeout(r.Context(), s.cfg.FrontTimeout)
			defer cancel()
			next(w, r.WithContext(ctx))
		}
	})
}

func longestHeader(r *http.Request) int {
	longest := 0
	for name, values := range r.Header {
		for _, value := range values {
			longest = max(longest, len(name)+len(": ")+len(value)+len("\r\n"))
		}
	}
	return longest
}
