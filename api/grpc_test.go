package api_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"vertebra/api"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// dial serves the edge over gRPC in memory and connects to it.
func (r *rig) dial(t testing.TB) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(r.edge.ServerOptions()...)
	r.edge.RegisterGRPC(server, nil)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	connection, err := grpc.NewClient("passthrough:///edge", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func requestContext(t testing.TB, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), append([]string{"x-request-id", "60E0B220-8136-4CA5-AE46-1D97EF59D068"}, pairs...)...)
}

// TestUnary: a native call goes the way of an HTTP one: headers in metadata, the
// same checks, the OperationOutcome as the status's detail.
func TestUnary(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.load(t, "testdata/people.ndjson")
	client := vertebrav1.NewDemographicsClient(r.dial(t))
	var header metadata.MD
	body, err := client.ReadPatient(requestContext(t, "cache-control", "max-age=5"), &vertebrav1.ReadPatientRequest{NhsNumber: "9000000009"}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body.GetData()), `"id":"9000000009"`) || body.GetContentType() != "application/fhir+json" {
		t.Error(body)
	}
	for name, want := range map[string]string{"etag": `W/"2"`, "age": "0", "cache-control": "private, no-store", "x-request-id": "60E0B220-8136-4CA5-AE46-1D97EF59D068"} {
		if got := header.Get(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, err = client.ReadPatient(t.Context(), &vertebrav1.ReadPatientRequest{NhsNumber: "9000000009"})
	checkDetail(t, err, codes.InvalidArgument, "X-Request-ID header must be supplied")
	_, err = client.ReadPatient(requestContext(t, "authorization", "Basic x"), &vertebrav1.ReadPatientRequest{NhsNumber: "9000000009"})
	checkDetail(t, err, codes.Unauthenticated, "Invalid token type")
	family := "Smith"
	bundle, err := client.SearchPatients(requestContext(t), &vertebrav1.SearchPatientsRequest{Family: &family, Birthdate: []string{"eq2010-10-22"}})
	if err != nil || !strings.Contains(string(bundle.GetData()), `"total":1`) {
		t.Error(bundle, err)
	}
	patch := &httpbody.HttpBody{ContentType: "application/json-patch+json", Data: []byte(`{"patches":[{"op":"replace","path":"/gender","value":"male"}]}`)}
	body, err = client.PatchPatient(requestContext(t, "if-match", `W/"2"`), &vertebrav1.PatchPatientRequest{NhsNumber: "9000000009", Body: patch})
	if err != nil || !strings.Contains(string(body.GetData()), `"versionId":"3"`) {
		t.Error(body, err)
	}
}

func checkDetail(t *testing.T, err error, code codes.Code, says string) {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != code || len(s.Details()) != 1 || !strings.Contains(fmt.Sprint(s.Details()[0]), says) {
		t.Errorf("%v %v", s, s.Details())
	}
}

// TestHealth: the standard health service says what the node says.
func TestHealth(t *testing.T) {
	answer, err := healthv1.NewHealthClient(newRig(t, api.Limits{}).dial(t)).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Error(answer, err)
	}
}
