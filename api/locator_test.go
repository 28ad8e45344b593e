package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"vertebra/api"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

func get(number string) *vertebrav1.Operation {
	return &vertebrav1.Operation{Operation: &vertebrav1.Operation_Get{Get: &vertebrav1.Selection{NhsNumber: number, Kinds: []vertebrav1.Kind{vertebrav1.Kind_KIND_PATIENT}}}}
}

func put(number, family string) *vertebrav1.Operation {
	return &vertebrav1.Operation{Operation: &vertebrav1.Operation_PutPerson{PutPerson: &vertebrav1.PutPerson{Json: fmt.Appendf(nil,
		`{"resourceType":"Patient","id":%q,"name":[{"use":"usual","family":%q,"given":["A"]}],"gender":"male","birthDate":"1980-01-01"}`, number, family)}}}
}

func patch(number string, version uint64, id, gender string) *vertebrav1.Operation {
	return &vertebrav1.Operation{Operation: &vertebrav1.Operation_PatchPerson{PatchPerson: &vertebrav1.PatchPerson{
		NhsNumber: number, Version: version, RequestId: id, Json: fmt.Appendf(nil, `{"patches":[{"op":"replace","path":"/gender","value":%q}]}`, gender)}}}
}

// TestStream: every operation of a batch has its own answer or its own error, in
// place; those on one person happen in order.
func TestStream(t *testing.T) {
	const id = "60E0B220-8136-4CA5-AE46-1D97EF59D068"
	r := newRig(t, api.Limits{})
	stream, err := vertebrav1.NewLocatorClient(r.dial(t)).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := &vertebrav1.StreamRequest{Id: 7, Operations: []*vertebrav1.Operation{
		get("9000000009"), put("9000000009", "Smith"), get("9000000009"), patch("9000000009", 1, id, "female"),
		patch("9000000009", 1, id, "female"), patch("9000000009", 1, "not a UUID", "male"), get("9000000000"),
		{}, put("9000000000", "Nobody"), get("9000000009"),
	}}
	if err := stream.Send(batch); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if answer.GetId() != 7 || answer.GetPosition().GetToken() == "" || len(answer.GetResults()) != len(batch.GetOperations()) {
		t.Fatal(answer)
	}
	var got []string
	for _, result := range answer.GetResults() {
		if problem := result.GetError(); problem != nil {
			got = append(got, codes.Code(problem.GetCode()).String())
			if !strings.Contains(string(problem.GetOutcome()), "OperationOutcome") {
				t.Error(problem)
			}
			continue
		}
		got = append(got, fmt.Sprint(result.GetHeld().GetRecords()[0].GetVersion()))
	}
	want := "NotFound 1 1 2 2 InvalidArgument InvalidArgument InvalidArgument InvalidArgument 2"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}

// TestStreamIsBounded: with as many batches unanswered as the limit allows, the
// server takes no further one.
func TestStreamIsBounded(t *testing.T) {
	const limit = 3
	r := newRig(t, api.Limits{StreamBatches: limit, BatchOperations: 4})
	var inside, most atomic.Int32
	entered, leave := make(chan struct{}, 100), make(chan struct{})
	r.cluster.Before = func(context.Context, string) error {
		most.Store(max(most.Load(), inside.Add(1)))
		entered <- struct{}{}
		<-leave
		inside.Add(-1)
		return nil
	}
	stream, err := vertebrav1.NewLocatorClient(r.dial(t)).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const batches = 10
	for i := range uint64(batches) {
		if err := stream.Send(&vertebrav1.StreamRequest{Id: i, Operations: []*vertebrav1.Operation{get("9000000009")}}); err != nil {
			t.Fatal(err)
		}
	}
	for range limit {
		<-entered
	}
	close(leave)
	seen := map[uint64]bool{}
	for range batches {
		answer, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		seen[answer.GetId()] = true
	}
	if len(seen) != batches || most.Load() > limit {
		t.Errorf("%d answers, %d batches at a time", len(seen), most.Load())
	}
	too := &vertebrav1.StreamRequest{Id: 99, Operations: make([]*vertebrav1.Operation, 5)}
	for i := range too.Operations {
		too.Operations[i] = get("9000000009")
	}
	if err := stream.Send(too); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil || len(answer.GetResults()) != 5 || answer.GetResults()[4].GetError().GetHttpStatus() != 413 {
		t.Error(answer, err)
	}
}

// TestGetMany: results in the order asked for, everything where no kind is named.
func TestGetMany(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.load(t, "testdata/people.ndjson")
	client := vertebrav1.NewLocatorClient(r.dial(t))
	ask := func(number string, kinds ...vertebrav1.Kind) *vertebrav1.Selection {
		return &vertebrav1.Selection{NhsNumber: number, Kinds: kinds}
	}
	selections := []*vertebrav1.Selection{
		ask("9000000041"), ask("9000000009", vertebrav1.Kind_KIND_PATIENT), ask("9000000009", 77),
		ask("9000000009", vertebrav1.Kind_KIND_RELATED_PERSONS), ask("9000000009"),
		ask("9000000009", vertebrav1.Kind_KIND_COVERAGE), // not for a healthcare worker
	}
	answer, err := client.GetMany(t.Context(), &vertebrav1.GetManyRequest{Selections: selections})
	if err != nil || len(answer.GetResults()) != len(selections) {
		t.Fatal(answer, err)
	}
	var got []string
	for _, result := range answer.GetResults() {
		if problem := result.GetError(); problem != nil {
			got = append(got, fmt.Sprint(problem.GetHttpStatus()))
			continue
		}
		text := result.GetHeld().GetNhsNumber()
		for _, rec := range result.GetHeld().GetRecords() {
			text += fmt.Sprintf("/%d:%d", rec.GetKind(), rec.GetVersion())
		}
		got = append(got, text)
	}
	if want := "404 9000000009/1:2 400 9000000009/2:0 9000000009/1:2/2:0 403"; strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	_, err = client.Get(t.Context(), &vertebrav1.GetRequest{Selection: selections[0]})
	checkDetail(t, err, codes.NotFound, "INVALIDATED_RESOURCE")
}
