package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/cluster"
	"vertebra/storage/record"
)

const (
	// maxOperatorBytes bounds the body of an operator's call.
	maxOperatorBytes = 4 << 10
	// maxVersions bounds the versions of one record that are answered: the newest.
	maxVersions = 1000
)

// Operator returns the handler of the operator's calls about people, for the admin
// port alone: it asks nobody who they are and filters nothing.
//
//	POST /admin/v1/history {"nhsNumber": "..."}   every kept version, a Bundle of type history
//
// The number is in the body: paths are logged, by us and by whatever is between.
func (e *Edge) Operator() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admin/v1/history", func(w http.ResponseWriter, r *http.Request) {
		body, err := e.history(r.Context(), http.MaxBytesReader(w, r.Body, maxOperatorBytes))
		w.Header().Set(headerCacheControl, "private, no-store")
		if err != nil {
			e.failer.fail(err).write(w)
			return
		}
		w.Header().Set(headerContentType, contentTypeFHIR)
		_, _ = w.Write(body) // an operator who has gone needs no answer
	})
	return mux
}

func (e *Edge) history(ctx context.Context, r io.Reader) ([]byte, error) {
	var request struct {
		Number string `json:"nhsNumber"`
	}
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return nil, demographics.InvalidValue("not JSON with the one member nhsNumber", "body")
	}
	number, ok := fhir.ParseNumber(request.Number)
	if !ok {
		return nil, demographics.InvalidResourceID()
	}
	ctx, cancel := context.WithTimeout(ctx, e.limits.Wait)
	defer cancel()
	view, err := e.cluster.View(ctx, record.Subject(number), cluster.Freshness{})
	if err != nil {
		return nil, err
	}
	defer view.Close()
	var versions []record.Record
	for version, err := range view.History(record.Key{Subject: record.Subject(number), Table: record.Demographics}) {
		if err != nil {
			return nil, err
		}
		if versions = append(versions, version); len(versions) == maxVersions {
			break
		}
	}
	if len(versions) == 0 {
		return nil, demographics.ResourceNotFound()
	}
	return demographics.History(versions), nil
}
