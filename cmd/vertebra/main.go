package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// gcPercent is how much the heap may grow between two collections. The large
// memory, the block cache, is not Go's, and what is Go's is some 100 MB that live and
// much that does not: with the usual 100 a node under reads collects twice a second,
// which a third of the p99 of a trace came from.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	// Once the first signal has begun the end, the default handling is back, so that a
	// second one kills a process that does not want to.
	context.AfterFunc(ctx, stop)
	p := &program{
		stdout:    os.Stdout,
		stderr:    os.Stderr,
		stdin:     os.Stdin,
		environ:   os.Environ(),
		startNode: startNode,
		people:    madeUpPeople,
		check:     checkData,
	}
	os.Exit(p.run(ctx, os.Args[1:]))
}
