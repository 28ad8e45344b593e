package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// devShards is small because every active group makes raft rounds smaller (FACTS.md:
// one or two for a couple of cores).
const devShards = 2

func (p *program) devCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a sandbox: a whole system in one process, with made-up people to try",
		Args:  cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.Int("nodes", 1, "nodes to run in this process")
	flags.String("data", "", "directory of everything on disk; empty is a temporary one, removed at exit")
	flags.Int("patients", 1000, "made-up people to begin with; 0 is none")
	flags.Uint64("seed", 1, "seed of the made-up people")
	flags.String("load", "", "NDJSON file of people to load before it is ready")
	flags.String("wan", "", "delays between data centres")
	flags.Int("shards", devShards, "data shards, fixed at the first start")
	addNodeFlags(flags, accessSandbox)
	cmd.RunE = failing(func(cmd *cobra.Command, _ []string) error {
		s, err := p.nodeSettings(flags, true)
		if err != nil {
			return err
		}
		return p.runDev(cmd.Context(), s)
	})
	return cmd
}

// runDev runs the sandbox until ctx ends.
func (p *program) runDev(ctx context.Context, s settings) (err error) {
	log, err := newLogger(p.stderr, s.LogFormat, s.LogLevel)
	if err != nil {
		return err
	}
	s.NodeID, s.DataCentre = "n1", "dc1"
	s.BootstrapExpect, s.Replicas = 1, 1
	if s.Data == "" {
		if s.Data, err = os.MkdirTemp("", "vertebra-dev-"); err != nil {
			return fmt.Errorf("temporary data: %w", err)
		}
		s.temporaryData = true
		defer func(dir string) { err = errors.Join(err, os.RemoveAll(dir)) }(s.Data)
	}
	return p.runNode(ctx, s, log, func(ctx context.Context, node *running, admin *adminServer) error {
		return p.prepareDev(ctx, s, node, admin)
	})
}

// prepareDev puts people in and prints what to try. The node is ready only after it,
// so that what is printed works at once.
func (p *program) prepareDev(ctx context.Context, s settings, node *running, admin *adminServer) error {
	if err := p.fillDev(ctx, s, node.grpcAddress); err != nil {
		return err
	}
	return p.printTry(ctx, s, node, admin)
}
