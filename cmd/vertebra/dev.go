package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
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
	s.BootstrapExpect, s.Replicas = s.Nodes, s.Nodes
	if s.Data == "" {
		if s.Data, err = os.MkdirTemp("", "vertebra-dev-"); err != nil {
			return fmt.Errorf("temporary data: %w", err)
		}
		s.temporaryData = true
		defer func(dir string) { err = errors.Join(err, os.RemoveAll(dir)) }(s.Data)
	}
	return p.runNodes(ctx, s, log)
}

// runNodes runs the sandbox's nodes, each in a data centre of its own, until the
// context ends or one of them fails, which ends all. The first fills the sandbox and
// says what to try, once the others are ready too.
func (p *program) runNodes(ctx context.Context, s settings, log *slog.Logger) error {
	nodes, ctx := errgroup.WithContext(ctx)
	var others sync.WaitGroup
	gossip := make(chan string, s.Nodes)
	for k := range s.Nodes {
		node, err := s.nodeOf(k)
		if err != nil {
			return err
		}
		if k == 0 {
			node.onGossip = func(address string) {
				for range s.Nodes - 1 {
					gossip <- address
				}
			}
			nodes.Go(func() error {
				return p.runNode(ctx, node, log, func(ctx context.Context, running *running, admin *adminServer) error {
					others.Wait()
					return p.prepareDev(ctx, s, running, admin)
				})
			})
			continue
		}
		others.Add(1)
		ready := sync.OnceFunc(others.Done)
		nodes.Go(func() error {
			defer ready() // also when it fails: the first node must not wait for ever
			select {
			case address := <-gossip:
				node.Join = []string{address}
			case <-ctx.Done():
				return nil
			}
			return p.runNode(ctx, node, log.With("node", node.NodeID), func(context.Context, *running, *adminServer) error {
				ready()
				return nil
			})
		})
	}
	return nodes.Wait()
}

// nodeOf is the settings of the k-th node of the sandbox, counted from 0: it listens
// at the given ports plus k. A sandbox of one node has the data directory to itself.
func (s settings) nodeOf(k int) (settings, error) {
	s.NodeID, s.DataCentre = fmt.Sprintf("n%d", k+1), fmt.Sprintf("dc%d", k+1)
	s.Peer, s.Gossip = "127.0.0.1:0", "127.0.0.1:0"
	if s.Nodes > 1 {
		s.Data = filepath.Join(s.Data, s.NodeID)
	}
	for _, address := range []*string{&s.HTTP, &s.GRPC, &s.Admin} {
		host, text, err := net.SplitHostPort(*address)
		if err != nil {
			return s, err
		}
		if port, _ := strconv.Atoi(text); port != 0 {
			*address = net.JoinHostPort(host, strconv.Itoa(port+k))
		}
	}
	return s, nil
}

// prepareDev puts people in and prints what to try. The node is ready only after it,
// so that what is printed works at once.
func (p *program) prepareDev(ctx context.Context, s settings, node *running, admin *adminServer) error {
	if err := p.fillDev(ctx, s, node.grpcAddress); err != nil {
		return err
	}
	return p.printTry(ctx, s, node, admin)
}
