// SPDX-License-Identifier: Apache-2.0

// Package sandbox is a Quay and the CI platforms that issue ID tokens, in one
// process. It answers as real Quays did (testdata/quay) and verifies what it is
// shown. Tests start it, and cmd/quay-sandbox serves it. It has faults, a clock and
// a certificate authority; the parts are in the packages below.
package sandbox

import (
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

	"quay-keyless/internal/sandbox/api"
	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/platform"
	"quay-keyless/internal/sandbox/quay"
	"quay-keyless/internal/sandbox/web"
)

// Sandbox is one Quay with its CI platforms. All methods may be called from
// several goroutines; Listen sets the fields, and nothing changes them afterwards.
type Sandbox struct {
	*web.Site
	*database.Database
	*platform.Platforms
	Address string // 127.0.0.1:PORT, which is Host without Config.Hostname
	CA      []byte // the certificate authority of URL, in PEM

	cfg       Config
	authority *authority
	watch     *watch
	quay      *quay.Quay
	issuers   *http.Transport // to the discovery and keys of issuers
	handler   http.Handler
	servers   []*http.Server
	serving   sync.WaitGroup
	handling  sync.RWMutex // held for reading while a request is handled
	offset    atomic.Int64
}

// New returns a sandbox that does not listen yet. It fails on an unknown release
// and on a malformed robot.
func New(cfg Config) (*Sandbox, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	settings, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	ca, err := newAuthority(cfg.Now())
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	s := &Sandbox{CA: ca.pem(), cfg: cfg, authority: ca, watch: newWatch()}
	if s.issuers, err = issuerTransport(ca, cfg); err != nil {
		return nil, err
	}
	s.Site = &web.Site{Now: s.now, Log: cfg.Log}
	s.Database = database.New(s.now)
	cfg.fill(s.Database)
	s.Platforms = platform.New(s.Site, cfg.Keys, cfg.GitHubSubjects)
	s.quay = quay.New(s.Site, s.Database, cfg.Keys, settings, &http.Client{Transport: s.issuers})
	s.handler = s.routes(api.New(s.Site, s.Database, settings, cfg.APITokens))
	return s, nil
}

func issuerTransport(ca *authority, cfg Config) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("system certificates: %w", err)
	}
	roots.AddCert(ca.cert)
	if cfg.IssuerCAFile != "" {
		if cfg.IssuerCA, err = os.ReadFile(cfg.IssuerCAFile); err != nil {
			return nil, fmt.Errorf("issuer CA: %w", err)
		}
	}
	if len(cfg.IssuerCA) > 0 && !roots.AppendCertsFromPEM(cfg.IssuerCA) {
		return nil, errors.New("issuer CA: no PEM certificate in it")
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: cfg.Dial, DisableKeepAlives: true}, nil
}

// Handler is what the sandbox serves, for a test that wants to put it behind
// another server. The issuers stay at URL, so Listen is needed as well.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Client trusts the sandbox and nothing else. It opens a connection for each
// request: net/http repeats a request itself if a reused connection breaks, which
// would use up a fault unseen.
func (s *Sandbox) Client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(s.authority.cert)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

// Advance moves the sandbox's clock, and with it the Date header: robot tokens
// and ID tokens expire without waiting.
func (s *Sandbox) Advance(d time.Duration) { s.offset.Add(int64(d)) }

func (s *Sandbox) now() time.Time { return s.cfg.Now().Add(time.Duration(s.offset.Load())) }

// Mint signs the token that t describes.
func (s *Sandbox) Mint(t Token) (string, error) {
	if t.Issuer == "quay" {
		return s.quay.Mint(t)
	}
	return s.Platforms.Mint(t)
}

// APIToken is the first configured token for the API.
func (s *Sandbox) APIToken() string { return s.cfg.APITokens[0].Token }

func (s *Sandbox) routes(management *api.API) http.Handler {
	mux := http.NewServeMux()
	for _, route := range append(s.quay.Routes(), management.Routes()...) {
		mux.Handle(route.Pattern, s.watched(route.Target, s.quay.Front(route.Handler)))
	}
	for _, route := range s.Platforms.Routes() {
		mux.Handle(route.Pattern, s.watched(route.Target, route.Handler))
	}
	mux.HandleFunc("/sandbox/faults", s.serveFaults)
	mux.HandleFunc("/sandbox/clock", s.serveClock)
	mux.Handle("/", s.watched("unknown", http.HandlerFunc(s.ServeUnknown)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		// Quay accepts a doubled leading slash; the mux would redirect it.
		if path := r.URL.Path; strings.HasPrefix(path, "//") {
			r = r.Clone(r.Context())
			r.URL.Path = "/" + strings.TrimLeft(path, "/")
		}
		mux.ServeHTTP(w, r)
	})
}
