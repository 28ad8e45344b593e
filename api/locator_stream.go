package api

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"vertebra/api/access"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// Stream implements vertebrav1.LocatorServer. Batches run beside each other, at
// most Limits.StreamBatches at a time: with as many unanswered, nothing more is
// read, and gRPC's flow control holds the client back.
func (s *locatorServer) Stream(stream vertebrav1.Locator_StreamServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	caller, err := s.edge.access.Identify(ctx, exchangeOf(ctx).lookup)
	if err != nil {
		return s.edge.failer.fail(err)
	}
	var sending sync.Mutex // a stream takes one Send at a time
	batches, ctx := errgroup.WithContext(ctx)
	batches.SetLimit(s.edge.limits.StreamBatches)
	for ctx.Err() == nil {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			cancel() // the client has gone: whatever still runs has no reader
			_ = batches.Wait()
			return err
		}
		batches.Go(func() error {
			response := s.batch(ctx, caller, request)
			sending.Lock()
			defer sending.Unlock()
			return stream.Send(response)
		})
	}
	return batches.Wait()
}

// batch runs a batch's operations and answers each.
func (s *locatorServer) batch(ctx context.Context, caller access.Caller, r *vertebrav1.StreamRequest) *vertebrav1.StreamResponse {
	freshness, err := freshnessAsked(r.GetFreshness())
	if len(r.GetOperations()) > s.edge.limits.BatchOperations {
		err = ErrBatchTooLarge
	}
	tasks := make([]task, len(r.GetOperations()))
	for i, o := range r.GetOperations() {
		if err != nil {
			tasks[i] = newTask(caller, "refused").failing(err)
			continue
		}
		tasks[i] = s.operationTask(caller, freshness, o)
	}
	results, position := s.doAll(ctx, tasks)
	response := &vertebrav1.StreamResponse{Id: r.GetId(), Results: results}
	if !position.IsZero() {
		response.Position = &vertebrav1.Position{Token: position.String()}
	}
	return response
}

// doAll runs tasks beside each other, those on one subject in order, and returns
// their results in the order of the tasks, with the position of all that succeeded.
func (s *locatorServer) doAll(ctx context.Context, tasks []task) ([]*vertebrav1.Result, cluster.Position) {
	results := make([]*vertebrav1.Result, len(tasks))
	var workers errgroup.Group
	workers.SetLimit(s.edge.limits.StreamWorkers)
	for _, line := range bySubject(tasks) {
		workers.Go(func() error {
			for _, i := range line {
				results[i] = result(s.do(ctx, tasks[i]))
			}
			return nil
		})
	}
	_ = workers.Wait() // no worker returns an error: each task has its own
	var position cluster.Position
	for i := range tasks {
		position = position.Join(tasks[i].call.position)
	}
	return results, position
}

// bySubject returns the tasks' numbers, grouped by subject, in order within each.
func bySubject(tasks []task) [][]int {
	lines := make([][]int, 0, len(tasks))
	at := make(map[record.Subject]int, len(tasks))
	for i, t := range tasks {
		line, ok := at[t.subject]
		if !ok {
			line = len(lines)
			at[t.subject] = line
			lines = append(lines, nil)
		}
		lines[line] = append(lines[line], i)
	}
	return lines
}
