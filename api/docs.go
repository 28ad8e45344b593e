package api

import (
	_ "embed"
	"net/http"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

//go:embed docs/index.html
var docsPage string

// Pages returns the node's own pages: /openapi.json, the description of the FHIR
// routes as generated, and /docs, a viewer of it that loads nothing from
// elsewhere; /livez answers while the process does, and /readyz says what ready
// says, 200 or 503. Everything else goes to services.
func Pages(services http.Handler, ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		writePage(w, "application/json", vertebrav1.OpenAPI())
	})
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'")
		writePage(w, "text/html; charset=utf-8", docsPage)
	})
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writePage(w, "text/plain", "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		writePage(w, "text/plain", "ok\n")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux cleans paths by redirecting; a service has to see its own as it was sent,
		// and needs no second routing.
		if !isService(r.URL.Path) {
			if h, pattern := mux.Handler(r); pattern != "" {
				h.ServeHTTP(w, r)
				return
			}
		}
		services.ServeHTTP(w, r)
	})
}

func writePage(w http.ResponseWriter, contentType, page string) {
	w.Header().Set(headerContentType, contentType)
	w.Header().Set(headerCacheControl, "no-cache")
	_, _ = w.Write([]byte(page))
}
