package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Run a node of a real cluster",
		Long: `Run a node of a real cluster.

Every flag is also a VERTEBRA_* variable (--node-id is VERTEBRA_NODE_ID) and a key
of the YAML file of --config. Flags win over variables, variables over the file.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.String(configFlag, "", "YAML file of settings")
	flags.String("node-id", "", "name of this node, unique in the cluster")
	flags.String("dc", "", "data centre where this node stands")
	flags.String("data", "", "directory of everything on disk")
	flags.String("peer", "127.0.0.1:7080", "address for other nodes' traffic")
	flags.String("gossip", "127.0.0.1:7946", "address for gossip")
	flags.Int("bootstrap-expect", 1, "how many nodes form the cluster at its first start")
	flags.StringSlice("join", nil, "gossip addresses of some other nodes")
	flags.Int("shards", 6, "data shards, fixed at the first start of the cluster")
	flags.Int("replicas", 3, "copies of each shard wanted")
	flags.String("certs", "", "directory of certificates for TLS between nodes and to clients")
	flags.StringSlice("public-url", nil, "URL under which clients reach this node; repeatable")
	addNodeFlags(flags, accessStrict)
	cmd.RunE = failing(func(cmd *cobra.Command, _ []string) error {
		s, err := p.nodeSettings(flags, false)
		if err != nil {
			return err
		}
		log, err := newLogger(p.stderr, s.LogFormat, s.LogLevel)
		if err != nil {
			return err
		}
		ready := func(context.Context, *running, *adminServer) error { return nil }
		return p.runNode(cmd.Context(), s, log, ready)
	})
	return cmd
}

// addNodeFlags adds what dev and serve share.
func addNodeFlags(flags *pflag.FlagSet, access string) {
	flags.String("http", "127.0.0.1:8080", "address for FHIR over HTTP")
	flags.String("grpc", "127.0.0.1:9090", "address for gRPC")
	flags.String("admin", "127.0.0.1:7070", "address for metrics, profiles and the operator's calls")
	flags.String("access", access, "how callers are identified: "+accessChoices(access))
	flags.Duration("election-timeout", 600*time.Millisecond, "silence after which a shard elects another leader")
	flags.String("log-format", "text", "text or json")
	flags.String("log-level", "info", "debug, info, warn or error")
}

func accessChoices(access string) string {
	if access == accessSandbox {
		return accessSandbox + " or " + accessStrict
	}
	return accessStrict + " or " + accessGateway
}

// nodeSettings loads and validates the settings of dev or serve. A fault is wrong use
// of the command.
func (p *program) nodeSettings(flags *pflag.FlagSet, sandbox bool) (settings, error) {
	s := settings{Sandbox: sandbox}
	unknown, err := mergeSettings(flags, p.environ, &s)
	if err != nil {
		return s, &statusError{exitUsage, err}
	}
	if err := s.validate(); err != nil {
		return s, &statusError{exitUsage, err}
	}
	p.warnUnknown(unknown)
	return s, nil
}

func (p *program) warnUnknown(variables []string) {
	for _, name := range variables {
		// The value stays out: what an unknown variable holds may be a secret.
		fmt.Fprintf(p.stderr, "vertebra: warning: %s is no setting of this command\n", name)
	}
}
