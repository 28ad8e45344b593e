package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
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
