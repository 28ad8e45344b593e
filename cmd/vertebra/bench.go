package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"vertebra/bench"
)

// benchSettings are those of the bench command.
type benchSettings struct {
	HTTP     string   `koanf:"http"`
	GRPC     string   `koanf:"grpc"`
	Admin    string   `koanf:"admin"`
	Token    string   `koanf:"token"`
	Patients int      `koanf:"patients"`
	Seed     uint64   `koanf:"seed"`
	Clients  int      `koanf:"clients"`
	Seconds  int      `koanf:"seconds"`
	WarmUp   int      `koanf:"warm-up"`
	Workload []string `koanf:"workload"`
	Fresh    int      `koanf:"fresh"`
	JSON     string   `koanf:"json"`
}

func (p *program) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure a running node: reads by NHS number and traces, each answer checked",
		Long: `Measure a running node: reads by NHS number and traces, each answer checked.

The node must hold the people of --patients and --seed, as 'vertebra dev' has them or
'vertebra generate' and 'vertebra load' put them there. Each workload is run by --clients
that ask again as soon as they are answered. CPU is the node's, an operation.

--fresh N renames N people, traces each at once in every way, and gives the old name
back: all have to be found. Without --workload it is run after all workloads; with
--workload none, alone.

Exit status: 0 all right, 1 stopped, 2 wrong use, 3 something was answered wrongly.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.String("http", "127.0.0.1:8080", "FHIR address of the node")
	flags.String("grpc", "127.0.0.1:9090", "gRPC address of the node")
	flags.String("admin", "127.0.0.1:7070", "address of the node's metrics; empty leaves out its CPU")
	flags.String("token", "", "bearer token; better given as VERTEBRA_TOKEN, which no process list shows")
	flags.Int("patients", 1000, "how many people of the seed the node holds")
	flags.Uint64("seed", 1, "seed of the people, and of the choice among them")
	flags.Int("clients", 4, "clients that ask at the same time, 1024 at most")
	flags.Int("seconds", 5, "how long each workload is measured")
	flags.Int("warm-up", 1, "seconds that each workload runs before it is measured")
	flags.StringSlice("workload", nil, "only these workloads, by name; none runs none")
	flags.Int("fresh", 0, "how many people to rename and trace at once")
	flags.String("json", "", "file for the report")
	cmd.RunE = failing(func(cmd *cobra.Command, _ []string) error {
		var s benchSettings
		if _, err := mergeSettings(flags, p.environ, &s); err != nil {
			return &statusError{exitUsage, err}
		}
		workloads, err := s.validate()
		if err != nil {
			return &statusError{exitUsage, err}
		}
		return p.runBench(cmd.Context(), workloads, s)
	})
	return cmd
}

// noWorkload is the value of --workload for none.
const noWorkload = "none"

// validate returns the workloads that were asked for, or all that is wrong.
func (s *benchSettings) validate() ([]bench.Workload, error) {
	var f faults
	for _, a := range []namedAddress{{"http", s.HTTP}, {"grpc", s.GRPC}, {"admin", s.Admin}} {
		if a.name == "admin" && a.value == "" {
			continue
		}
		err := checkAddress(a.value)
		f.check(err == nil, a.name, "%v", err)
		f.check(err != nil || isLoopback(a.value), a.name, "%q is not loopback: this build has no TLS, and people do not travel without", a.value)
	}
	f.check(s.Patients >= 1 && s.Patients <= maxPatients, "patients", "%d is not between 1 and %d", s.Patients, maxPatients)
	f.check(s.Clients >= 1 && s.Clients <= 1024, "clients", "%d is not between 1 and 1024", s.Clients)
	f.check(s.Seconds >= 1 && s.Seconds <= 86400, "seconds", "%d is not between 1 and 86400", s.Seconds)
	f.check(s.WarmUp >= 0 && s.WarmUp <= 3600, "warm-up", "%d is not between 0 and 3600", s.WarmUp)
	f.check(s.Fresh >= 0 && s.Fresh <= s.Patients, "fresh", "%d is not between 0 and the number of people", s.Fresh)
	if len(s.Workload) == 1 && s.Workload[0] == noWorkload {
		return nil, errors.Join(f...)
	}
	workloads, err := bench.Select(s.Workload)
	f.check(err == nil, "workload", "%v", err)
	return workloads, errors.Join(f...)
}

// runBench measures and prints each row as it comes.
func (p *program) runBench(ctx context.Context, workloads []bench.Workload, s benchSettings) error {
	started := time.Now()
	target := bench.Target{HTTP: s.HTTP, GRPC: s.GRPC, Admin: s.Admin, Token: s.Token}
	report := bench.Report{Environment: benchEnvironment(started), Settings: bench.Settings{
		Patients: s.Patients, Seed: s.Seed, Clients: s.Clients, Nonce: uint64(started.UnixNano()),
		WarmUp: time.Duration(s.WarmUp) * time.Second, Measure: time.Duration(s.Seconds) * time.Second,
	}}
	err := bench.Check(ctx, target, report.Settings)
	if errors.Is(err, bench.ErrOtherPeople) {
		return fmt.Errorf("%s: %w: --patients and --seed have to be those that it was loaded with", s.HTTP, err)
	}
	if err != nil {
		return err
	}
	if err := p.measureAll(ctx, target, workloads, s.Fresh, &report); err != nil {
		return err
	}
	if s.JSON != "" {
		if err := p.writeTo(s.JSON, report.WriteJSON); err != nil {
			return err
		}
	}
	if n := report.Wrong(); n > 0 {
		return &statusError{exitFindings, fmt.Errorf("%d operations were answered wrongly or not at all", n)}
	}
	return nil
}

func (p *program) measureAll(ctx context.Context, target bench.Target, workloads []bench.Workload, fresh int, report *bench.Report) error {
	if err := bench.WriteHead(p.stdout); err != nil {
		return err
	}
	for _, w := range workloads {
		result, err := bench.Run(ctx, target, w, report.Settings)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		report.Results = append(report.Results, result)
		if err := bench.WriteRow(p.stdout, result); err != nil {
			return err
		}
	}
	if fresh == 0 {
		return nil
	}
	results, err := bench.Fresh(ctx, target, report.Settings, fresh)
	if err != nil {
		return fmt.Errorf("fresh: %w", err)
	}
	report.Fresh = results
	return writeFresh(p.stdout, results)
}

// writeFresh writes the rows of a freshness run and, for each way, who was found.
func writeFresh(w io.Writer, results []bench.Result) error {
	for _, r := range results {
		if err := bench.WriteRow(w, r); err != nil {
			return err
		}
	}
	for _, r := range results[1:] {
		if _, err := fmt.Fprintf(w, "%s: found at once %d of %d\n", r.Workload, r.Operations, r.Operations+r.Wrong()); err != nil {
			return err
		}
	}
	return nil
}

func benchEnvironment(started time.Time) bench.Environment {
	info, _ := debug.ReadBuildInfo()
	return bench.Environment{
		Started: started.UTC(), Version: buildVersion(info), Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0),
	}
}
