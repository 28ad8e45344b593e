package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// httpSession is a client with one kept connection. net/http repeats a GET by itself
// when a kept connection breaks before the answer begins: such a call counts as one
// slow answer.
type httpSession struct {
	client  *http.Client
	base    string
	token   string
	scratch bytes.Buffer
}

func newHTTPSession(t Target) *httpSession {
	return &httpSession{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}},
		base:   "http://" + t.HTTP + demographicsPath + "/Patient",
		token:  t.Token,
	}
}

func (s *httpSession) close() { s.client.CloseIdleConnections() }

func (s *httpSession) ask(ctx context.Context, q question) ([]answer, error) {
	target := s.base
	if q.query != nil {
		target += "?" + q.query.Encode()
	} else {
		target += "/" + q.numbers[0]
	}
	a, err := s.call(ctx, http.MethodGet, target, nil, nil)
	return []answer{a}, err
}

// patch changes a person, for the version that the change was made for.
func (s *httpSession) patch(ctx context.Context, number, version string, body []byte) (answer, error) {
	return s.call(ctx, http.MethodPatch, s.base+"/"+number, body, http.Header{
		"If-Match": {`W/"` + version + `"`}, "Content-Type": {"application/json-patch+json"},
	})
}

// call sends one request. The answer's body is good until the next call.
func (s *httpSession) call(ctx context.Context, method, target string, body []byte, header http.Header) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, withoutURL(err)
	}
	if body == nil {
		request.Body, request.ContentLength = http.NoBody, 0
	}
	if header != nil {
		request.Header = header
	}
	// Not of the seed: a request id that was there before is answered from memory.
	request.Header.Set("X-Request-ID", uuid.NewString())
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	defer response.Body.Close()
	s.scratch.Reset()
	if _, err := s.scratch.ReadFrom(io.LimitReader(response.Body, maxAnswerBytes)); err != nil {
		return answer{}, fmt.Errorf("bench: answer cut off: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return answer{fault: faultOfStatus(response.StatusCode)}, nil
	}
	return answer{body: s.scratch.Bytes()}, nil
}

// withoutURL takes the URL, which holds a number or a name, out of an error.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return fmt.Errorf("bench: %s: %w", strings.ToUpper(wrapped.Op), wrapped.Err)
	}
	return errors.New("bench: the request cannot be made")
}
