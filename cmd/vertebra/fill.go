package main

import (
	"context"
	"fmt"
	"io"
)

// fillDev puts the sandbox's people in through the same door as everybody's: the
// locator's stream, at the node's own port.
func (p *program) fillDev(ctx context.Context, s settings, address string) error {
	if s.Patients > 0 {
		if err := p.fillWithMadeUp(ctx, s, address); err != nil {
			return fmt.Errorf("made-up people: %w", err)
		}
	}
	if s.Load == "" {
		return nil
	}
	input, name, size, err := p.openInput(s.Load)
	if err != nil {
		return fmt.Errorf("--load: %w", err)
	}
	defer input.Close()
	return p.fill(ctx, input, name, size, address)
}

// fillWithMadeUp loads the seed's first people as they are made.
func (p *program) fillWithMadeUp(ctx context.Context, s settings, address string) error {
	// The writer stops when the reader is closed, so it cannot outlive this call.
	people, out := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = out.CloseWithError(writePeople(ctx, out, p.people(s.Seed), s.Patients))
	}()
	err := p.fill(ctx, people, "made-up people", -1, address)
	_ = people.Close()
	<-done
	return err
}

func (p *program) fill(ctx context.Context, input io.Reader, name string, size int64, address string) error {
	summary, err := p.loadPeople(ctx, input, name, size, loadSettings{GRPC: address, Batch: 256, InFlight: 8})
	if err != nil {
		return fmt.Errorf("%s: stopped behind line %d: %w", name, summary.Line, err)
	}
	fmt.Fprintf(p.stderr, "%s: %s\n", name, summaryLine(summary))
	return nil
}
