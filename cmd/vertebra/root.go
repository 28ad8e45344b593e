package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit statuses, beside 0 for success.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 3
)

// program is the command line with all that it reaches the world by, so that a
// test can run any command in its own process.
type program struct {
	stdout, stderr io.Writer
	stdin          io.Reader
	environ        []string
	// startNode wires and starts a node; see node.go.
	startNode func(ctx context.Context, s settings, parts parts) (*running, error)
	// people returns what makes up the people of a seed; see people.go.
	people func(seed uint64) personMaker
	// check compares what a stopped node's data directory holds; see node.go.
	check checker
}

// run executes the command line and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var status *statusError
	if !errors.As(err, &status) {
		// cobra's own errors, of flags and arguments, are not typed: all that our commands
		// return is a statusError, so the rest is wrong use.
		status = &statusError{exitUsage, fmt.Errorf("%w\nSee 'vertebra --help'", err)}
	}
	fmt.Fprintf(p.stderr, "vertebra: %v\n", status)
	return status.status
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "vertebra",
		Short:         "A record locator and index cluster: what is held about a person, found by NHS number",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(p.devCommand(), p.serveCommand(), p.generateCommand(), p.loadCommand(), p.benchCommand(), p.checkCommand(), p.historyCommand(), p.versionCommand())
	return root
}

// statusError is an error with the exit status that it ends the program with.
type statusError struct {
	status int
	err    error
}

// Error implements error.
func (e *statusError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *statusError) Unwrap() error { return e.err }

// failing makes a command of a function: its errors end the program with status 1
// unless they carry a status of their own.
func failing(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if err == nil || errors.As(err, new(*statusError)) {
			return err
		}
		return &statusError{exitFailed, err}
	}
}
