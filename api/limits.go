package api

import (
	"strconv"
	"time"
)

// Limits bounds what clients can make a node do. The zero value of a member
// means its default; DefaultLimits lists them.
type Limits struct {
	// BodyBytes bounds a request body; an operation may allow less. 1 MiB.
	BodyBytes int
	// HeaderBytes bounds the header of an HTTP request. 32 KiB.
	HeaderBytes int
	// QueryBytes bounds path and query together. 8 KiB.
	QueryBytes int
	// Concurrent bounds the calls in progress; one more is answered 429. 4,096.
	Concurrent int
	// Wait is how long a call may take unless X-Sync-Wait says otherwise. 10 s.
	Wait time.Duration
	// StreamBatches bounds the unanswered batches of one locator stream. 16.
	StreamBatches int
	// BatchOperations bounds the operations of a batch and the names of GetMany. 1,000.
	BatchOperations int
	// MessageBytes bounds a gRPC message. 4 MiB.
	MessageBytes int
	// StreamWorkers bounds the operations of one batch in progress. 64: decisions wait for
	// a disk and a majority, not for a core, and are packed into one raft entry when they
	// arrive together.
	StreamWorkers int
}

// DefaultLimits are the limits of a node that is told nothing else.
func DefaultLimits() Limits {
	return Limits{
		BodyBytes: 1 << 20, HeaderBytes: 32 << 10, QueryBytes: 8 << 10, Concurrent: 4096, Wait: 10 * time.Second,
		StreamBatches: 16, BatchOperations: 1000, MessageBytes: 4 << 20, StreamWorkers: 64,
	}
}

// withDefaults fills in the members that are zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, m := range [...]struct{ have, def *int }{
		{&l.BodyBytes, &d.BodyBytes}, {&l.HeaderBytes, &d.HeaderBytes}, {&l.QueryBytes, &d.QueryBytes},
		{&l.Concurrent, &d.Concurrent}, {&l.StreamBatches, &d.StreamBatches}, {&l.BatchOperations, &d.BatchOperations},
		{&l.MessageBytes, &d.MessageBytes}, {&l.StreamWorkers, &d.StreamWorkers},
	} {
		if *m.have == 0 {
			*m.have = *m.def
		}
	}
	if l.Wait == 0 {
		l.Wait = d.Wait
	}
	return l
}

// The effective range of X-Sync-Wait (contract 1.2).
const (
	syncWaitLeast = 250 * time.Millisecond
	syncWaitMost  = 29 * time.Second
)

// syncWait reads X-Sync-Wait, in seconds; absent, unreadable or out of range
// means standard.
func syncWait(value string, standard time.Duration) time.Duration {
	if value == "" {
		return standard
	}
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return standard
	}
	// Compared before it is converted: a large float makes any Duration at all, and NaN fails both.
	if seconds >= syncWaitLeast.Seconds() && seconds <= syncWaitMost.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	}
	return standard
}
