// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"io"
	"net/http"
	"time"

	"quay-keyless/internal/sandbox/web"
)

// maxControl limits the text of one fault.
const maxControl = 64 << 10

// serveFaults is [Sandbox.Fault] and [Sandbox.ClearFaults] for a sandbox in
// another process: POST a fault in the form of [ParseFault], DELETE all faults.
func (s *Sandbox) serveFaults(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodDelete:
		s.ClearFaults()
	case http.MethodPost:
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControl))
		if err != nil {
			web.Text(http.StatusBadRequest, err.Error()).Write(w)
			return
		}
		fault, err := ParseFault(string(text))
		if err != nil {
			web.Text(http.StatusBadRequest, err.Error()).Write(w)
			return
		}
		s.Fault(fault)
	default:
		s.ServeUnknown(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// serveClock is [Sandbox.Advance] for another process: POST ?advance=1h.
func (s *Sandbox) serveClock(w http.ResponseWriter, r *http.Request) {
	by, err := time.ParseDuration(r.URL.Query().Get("advance"))
	switch {
	case r.Method != http.MethodPost:
		s.ServeUnknown(w, r)
	case err != nil:
		web.Text(http.StatusBadRequest, err.Error()).Write(w)
	default:
		s.Advance(by)
		w.WriteHeader(http.StatusNoContent)
	}
}
