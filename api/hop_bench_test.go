package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vertebra/api"
	"vertebra/api/demographics"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/storage/record"
)

// largePatient is a person of 6 KB, as the live service's average is.
func largePatient(t testing.TB, r *rig) string {
	t.Helper()
	address := strings.TrimSuffix(strings.Repeat(`{"id":"A","use":"temp","period":{"start":"2020-01-01"},"line":["1 High Street","A PLACE","LEEDS"],"postalCode":"LS1 6AE"},`, 48), ",")
	line := fmt.Sprintf(`{"resourceType":"Patient","id":"9000000009","meta":{"versionId":"1","security":[{"code":"U"}]},"name":[{"id":"N","use":"usual","family":"Smith"}],"birthDate":"2010-10-22","address":[%s]}`, address)
	seed, err := demographics.ParseSeed([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.cluster.Decide(t.Context(), seed.Subject(), record.RequestID{}, func(v api.View) (record.Mutation, error) {
		d, err := demographics.Load(v, seed)
		return d.Mutation, err
	}); err != nil {
		t.Fatal(err)
	}
	return line
}

// BenchmarkReadPatient compares reading a person of 6 KB through the edge with a
// bare net/http handler that writes the same bytes: over loopback, as a client sees
// it, and without a connection, where the edge's own cost is all there is.
func BenchmarkReadPatient(b *testing.B) {
	r := newRig(b, api.Limits{})
	body := []byte(largePatient(b, r))
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/fhir+json")
		h.Set("Etag", `W/"1"`)
		_, _ = w.Write(body)
	})
	edge := r.handler(b)
	b.Run("loopback/bare", func(b *testing.B) { overLoopback(b, bare) })
	b.Run("loopback/edge", func(b *testing.B) { overLoopback(b, edge) })
	b.Run("handler/bare", func(b *testing.B) { direct(b, bare) })
	b.Run("handler/edge", func(b *testing.B) { direct(b, edge) })
}

func readRequest(base string) *http.Request {
	r, _ := http.NewRequest(http.MethodGet, base+"/personal-demographics/FHIR/R4/Patient/9000000009", nil)
	r.Header.Set("X-Request-ID", "60E0B220-8136-4CA5-AE46-1D97EF59D068")
	return r
}

func overLoopback(b *testing.B, h http.Handler) {
	server := httptest.NewServer(h)
	defer server.Close()
	b.ReportAllocs()
	for b.Loop() {
		answer, err := http.DefaultTransport.RoundTrip(readRequest(server.URL))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != 200 {
			b.Fatal(err, answer.StatusCode)
		}
		answer.Body.Close()
	}
}

func direct(b *testing.B, h http.Handler) {
	r := readRequest("http://node")
	b.ReportAllocs()
	for b.Loop() {
		answer := discard{http.Header{}}
		h.ServeHTTP(answer, r)
	}
}

// discard is a ResponseWriter that keeps nothing but the header.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkStream reads people in batches of a hundred over one stream.
func BenchmarkStream(b *testing.B) {
	r := newRig(b, api.Limits{})
	largePatient(b, r)
	stream, err := vertebrav1.NewLocatorClient(r.dial(b)).Stream(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	const size = 100
	batch := &vertebrav1.StreamRequest{}
	for range size {
		batch.Operations = append(batch.Operations, get("9000000009"))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := stream.Send(batch); err != nil {
			b.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}
