package main

import (
	"errors"
	"slices"
	"strings"
	"sync"
)

// readiness says whether a node may be sent requests: when nothing that it waits
// for is outstanding. Safe for concurrent use.
type readiness struct {
	mu          sync.Mutex
	outstanding []string
}

// wait adds a thing to wait for, in words an operator understands.
func (r *readiness) wait(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outstanding = append(r.outstanding, what)
}

// done takes it off again.
func (r *readiness) done(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.outstanding, what); i >= 0 {
		r.outstanding = slices.Delete(r.outstanding, i, i+1)
	}
}

// ready returns nil, or an error that says what is outstanding.
func (r *readiness) ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.outstanding) == 0 {
		return nil
	}
	return errors.New(strings.Join(r.outstanding, ", "))
}
