package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildVersion says what this binary was made from, as the Go toolchain stamped
// it: module version, VCS revision and date. Nothing is set by linker flags, so
// `go build` alone gives a binary that knows itself.
func buildVersion(info *debug.BuildInfo) string {
	version, revision, when, modified := "(unknown)", "", "", ""
	if info != nil && info.Main.Version != "" {
		version = info.Main.Version
	}
	if info != nil {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.time":
				when = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					modified = " (modified)"
				}
			}
		}
	}
	line := "vertebra " + version
	if revision != "" {
		line += fmt.Sprintf(" %.12s%s %s", revision, modified, when)
	}
	return line
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what this binary was built from",
		Args:  cobra.NoArgs,
		RunE: failing(func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintf(p.stdout, "%s\n%s %s/%s\n", buildVersion(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}),
	}
}
