package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"vertebra/bench/people"
)

// personMaker appends to line the i-th person of a seed, counted from 0, in the form
// that load takes, without the newline.
type personMaker func(i int, line []byte) []byte

// maxPatients is how many people have a number of their own.
const maxPatients = people.MaxPeople

func (p *program) generateCommand() *cobra.Command {
	var patients int
	var seed uint64
	var out string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make up people, as NDJSON that load takes; the same seed makes the same people",
		Args:  cobra.NoArgs,
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			if patients < 1 || patients > maxPatients {
				fault := &settingError{"patients", fmt.Sprintf("%d is not between 1 and %d", patients, maxPatients)}
				return &statusError{exitUsage, fault}
			}
			return p.writeTo(out, func(w io.Writer) error {
				return writePeople(cmd.Context(), w, p.people(seed), patients)
			})
		}),
	}
	cmd.Flags().IntVar(&patients, "patients", 1000, "how many people")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed; the same one makes the same people")
	cmd.Flags().StringVar(&out, "out", "", "file to write; empty is standard output")
	return cmd
}

// writeTo calls write with the file at path, or standard output when path is empty.
func (p *program) writeTo(path string, write func(io.Writer) error) error {
	if path == "" {
		return write(p.stdout)
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return errors.Join(write(file), file.Close())
}

// writePeople writes the first count people, one a line.
func writePeople(ctx context.Context, w io.Writer, person personMaker, count int) error {
	buffered := bufio.NewWriterSize(w, 1<<18)
	var line []byte
	for i := range count {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		line = append(person(i, line[:0]), '\n')
		if _, err := buffered.Write(line); err != nil {
			return fmt.Errorf("generate: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	return nil
}
