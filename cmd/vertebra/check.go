package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// checker compares what the data directory of a node that is not running holds:
// records, postings and the search index. It changes nothing.
type checker func(ctx context.Context, data string) (checkReport, error)

// checkReport is what a check saw.
type checkReport struct {
	Shards, Records, Postings, Documents int64
	// Findings are disagreements, one line each, without anything about a person.
	Findings []string
}

func (p *program) checkCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "check --data DIR",
		Short: "Check offline that records, postings and the search index of a stopped node agree",
		Args:  cobra.NoArgs,
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			report, err := p.check(cmd.Context(), data)
			if err != nil {
				return fmt.Errorf("check: %w", err)
			}
			return p.printCheck(report)
		}),
	}
	cmd.Flags().StringVar(&data, "data", "", "data directory of a node that is not running")
	// An error only when the flag does not exist, which the line above rules out.
	_ = cmd.MarkFlagRequired("data")
	return cmd
}

// printCheck prints every finding and a last line of totals; findings end the program
// with a status of their own, so that a script tells them from a check that failed.
func (p *program) printCheck(r checkReport) error {
	for _, finding := range r.Findings {
		fmt.Fprintln(p.stdout, finding)
	}
	fmt.Fprintf(p.stdout, "checked %d shards, %d records, %d postings, %d indexed documents: %d findings\n",
		r.Shards, r.Records, r.Postings, r.Documents, len(r.Findings))
	if len(r.Findings) > 0 {
		return &statusError{exitFindings, fmt.Errorf("check: %d findings", len(r.Findings))}
	}
	return nil
}
