package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/bench/load"
)

// loadSettings are those of the load command.
type loadSettings struct {
	GRPC     string `koanf:"grpc"`
	Resume   string `koanf:"resume"`
	Token    string `koanf:"token"`
	Batch    int    `koanf:"batch"`
	InFlight int    `koanf:"in-flight"`
}

func (p *program) loadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "load FILE|-",
		Short: "Load people from NDJSON, one Patient a line, into a running cluster",
		Long: `Load people from NDJSON, one Patient a line, into a running cluster.

A line creates or replaces the person whose NHS number it has. Lines that cannot be
taken are left out and reported by number. An interrupted load goes on where it
stopped when the same command is run again: how far it came is kept in FILE.resume,
or in the file of --resume, until everything is loaded.

Exit status: 0 all loaded, 1 stopped, 2 wrong use, 3 loaded but for lines left out.`,
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.String("grpc", "127.0.0.1:9090", "gRPC address of a node")
	flags.String("resume", "", "file that keeps how far the load came; empty is FILE.resume, and none for standard input")
	flags.String("token", "", "bearer token; better given as VERTEBRA_TOKEN, which no process list shows")
	flags.Int("batch", 256, "lines sent at once, 1000 at most")
	flags.Int("in-flight", 8, "batches without an answer, 64 at most")
	cmd.RunE = failing(func(cmd *cobra.Command, args []string) error {
		var s loadSettings
		if _, err := mergeSettings(flags, p.environ, &s); err != nil {
			return &statusError{exitUsage, err}
		}
		if err := s.validate(); err != nil {
			return &statusError{exitUsage, err}
		}
		return p.runLoad(cmd.Context(), args[0], s)
	})
	return cmd
}

func (s *loadSettings) validate() error {
	var f faults
	err := checkAddress(s.GRPC)
	f.check(err == nil, "grpc", "%v", err)
	f.check(err != nil || isLoopback(s.GRPC), "grpc", "%q is not loopback: this build has no TLS, and people do not travel without", s.GRPC)
	f.check(s.Batch >= 1 && s.Batch <= 1000, "batch", "%d is not between 1 and 1000", s.Batch)
	f.check(s.InFlight >= 1 && s.InFlight <= 64, "in-flight", "%d is not between 1 and 64", s.InFlight)
	return errors.Join(f...)
}

// runLoad loads the file, or standard input for "-".
func (p *program) runLoad(ctx context.Context, path string, s loadSettings) error {
	input, name, size, err := p.openInput(path)
	if err != nil {
		return err
	}
	defer input.Close()
	if s.Resume == "" && path != "-" {
		s.Resume = path + ".resume"
	}
	summary, err := p.loadPeople(ctx, input, name, size, s)
	fmt.Fprintln(p.stdout, summaryLine(summary))
	switch {
	case errors.Is(err, load.ErrOtherInput):
		return fmt.Errorf("%s was made for another file: remove it to load %s from the beginning", s.Resume, name)
	case err != nil && s.Resume != "":
		return fmt.Errorf("stopped behind line %d: %w; the same command goes on from there", summary.Line, err)
	case err != nil:
		return fmt.Errorf("stopped behind line %d: %w", summary.Line, err)
	case summary.Bad > 0:
		return &statusError{exitFindings, fmt.Errorf("%d lines were left out", summary.Bad)}
	}
	return nil
}

// openInput opens the file, or standard input for "-"; size is -1 when it is unknown.
func (p *program) openInput(path string) (input io.ReadCloser, name string, size int64, err error) {
	if path == "-" {
		return io.NopCloser(p.stdin), "standard input", -1, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, "", 0, err
	}
	size = -1
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return file, path, size, nil
}

// loadPeople runs a load against a node and shows on standard error how it goes.
func (p *program) loadPeople(ctx context.Context, input io.Reader, name string, size int64, s loadSettings) (load.Summary, error) {
	conn, err := grpc.NewClient("passthrough:///"+s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return load.Summary{}, fmt.Errorf("--grpc: %w", err)
	}
	defer conn.Close()
	if s.Token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.Token)
	}
	shown := newProgress(p.stderr, name, size)
	defer shown.end()
	return load.Run(ctx, vertebrav1.NewLocatorClient(conn), input, load.Options{
		BatchLines: s.Batch,
		InFlight:   s.InFlight,
		Checkpoint: s.Resume,
		OnBad:      shown.bad,
		OnProgress: shown.advance,
	})
}
