package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"vertebra/api"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// The operator sees every kept version; what is wrong with the question is named,
// and never answered with somebody.
func TestOperatorHistory(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.load(t, "testdata/people.ndjson")
	const number = "9000000009"
	stream, err := vertebrav1.NewLocatorClient(r.dial(t)).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&vertebrav1.StreamRequest{Operations: []*vertebrav1.Operation{
		patch(number, 2, "60E0B220-8136-4CA5-AE46-1D97EF59D068", "male")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.edge.Operator())
	defer server.Close()
	for _, c := range []struct {
		body   string
		status int
		code   string
	}{
		{`{"nhsNumber":"9000000009"}`, 200, ""},
		{`{"nhsNumber":"9000000000"}`, 400, "INVALID_RESOURCE_ID"},
		{`{"nhsNumber":"9990000018"}`, 404, "RESOURCE_NOT_FOUND"},
		{`{"nhsNumber":"9000000009","more":1}`, 400, "INVALID_VALUE"},
		{`{"nhsNumber":"` + strings.Repeat("9", 8000) + `"}`, 400, "INVALID_VALUE"},
	} {
		answer, err := http.Post(server.URL+"/admin/v1/history", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != c.status || gjson.GetBytes(body, "issue.0.details.coding.0.code").String() != c.code {
			t.Errorf("%.60s: %d %s", c.body, answer.StatusCode, body)
		}
		if c.status == 200 {
			versions := gjson.GetBytes(body, "entry.#.response.etag").Array()
			if len(versions) != 2 || versions[0].String() != `W/"3"` || versions[1].String() != `W/"2"` {
				t.Errorf("versions %v", versions)
			}
		}
	}
}
