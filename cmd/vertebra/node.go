package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"vertebra/api"
	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/cluster"
	"vertebra/index"
	"vertebra/storage/record"
)

// profiles says what is searched: a line for each kind of record.
func profiles() map[record.Table]*index.Profile {
	return map[record.Table]*index.Profile{
		record.Demographics: demographics.Profile(),
	}
}

// issuedNumbers is what a node that serves real people allocates from: the ranges
// of nine leading digits that England and Wales issue from.
func issuedNumbers() demographics.NumberRange {
	return demographics.NumberRange{First: 400_000_000, Last: 799_999_999}
}

// startNode wires a node: the cluster's part of it, the edge over that, and the
// two ports. It returns when the node leads its shards. serve, dev and the tests of
// the whole have no other way.
func startNode(ctx context.Context, s settings, with parts) (_ *running, err error) {
	network, err := networkOf(s)
	if err != nil {
		return nil, err
	}
	node, err := cluster.Start(ctx, cluster.Config{
		NodeID: s.NodeID, DataCentre: s.DataCentre, Dir: s.Data, Shards: s.Shards,
		Profiles: profiles(), ElectionTimeout: s.ElectionTimeout, Logger: with.log, Network: network,
	})
	if err != nil {
		return nil, err
	}
	ports := &ports{node: node}
	defer func() {
		if err != nil {
			err = errors.Join(err, ports.stop(ctx))
		}
	}()
	if err := node.Ready(ctx); err != nil {
		return nil, err
	}
	if err := with.registry.Register(node.Collector()); err != nil {
		return nil, err
	}
	if err := ports.open(s, with); err != nil {
		return nil, err
	}
	return &running{
		httpAddress: ports.http.Addr().String(), grpcAddress: ports.grpc.Addr().String(),
		operator: ports.operator, failed: ports.failed(), stop: ports.stop,
	}, nil
}

// networkOf is how the node reaches the others; nil for one that forms a cluster by
// itself. Without certificates every address is loopback: validate sees to that.
func networkOf(s settings) (*cluster.Network, error) {
	if s.BootstrapExpect == 1 {
		return nil, nil
	}
	peer, err := net.Listen("tcp", s.Peer)
	if err != nil {
		return nil, &settingError{"peer", err.Error()}
	}
	return &cluster.Network{
		Cluster: "vertebra", Peer: peer, PeerAddress: peer.Addr().String(),
		Gossip: s.Gossip, Join: s.Join, Expect: s.BootstrapExpect,
		HTTP: s.HTTP, GRPC: s.GRPC, OnGossip: s.onGossip,
	}, nil
}

// ports are the ways into a node: its edge over HTTP and gRPC.
type ports struct {
	node       *cluster.Node
	http, grpc net.Listener
	httpServer *http.Server
	grpcServer *grpc.Server
	operator   http.Handler
	served     chan error
}

func (p *ports) open(s settings, with parts) error {
	over := api.NodeCluster{Node: p.node}
	random := rand.Reader
	tokens := api.TokenStore{Cluster: over}
	numbers := issuedNumbers()
	var who access.Authenticator = access.Gateway{}
	if s.Sandbox {
		numbers, who = demographics.TestNumbers(), access.Sandbox{Tokens: tokens}
	}
	edge, err := api.New(api.Config{
		Cluster: over, Access: who, Random: random,
		Numbers: func() (fhir.Number, error) { return demographics.Allocate(random, numbers) },
		Metrics: with.registry, Log: with.log,
	})
	if err != nil {
		return err
	}
	p.operator = edge.Operator()
	services, err := edge.Handler()
	if err != nil {
		return err
	}
	if s.Sandbox {
		services = sandboxHandler(p.node, over, tokens, random, s, services)
	}
	return p.listen(s, with, edge, api.Pages(services, with.ready))
}

func (p *ports) listen(s settings, with parts, edge *api.Edge, handler http.Handler) (err error) {
	if p.http, err = net.Listen("tcp", s.HTTP); err != nil {
		return &settingError{"http", err.Error()}
	}
	if p.grpc, err = net.Listen("tcp", s.GRPC); err != nil {
		return &settingError{"grpc", err.Error()}
	}
	p.httpServer = edge.Server(handler)
	p.grpcServer = grpc.NewServer(edge.ServerOptions()...)
	edge.RegisterGRPC(p.grpcServer, with.ready)
	p.served = make(chan error, 2)
	go func() { p.served <- p.httpServer.Serve(p.http) }()
	go func() { p.served <- p.grpcServer.Serve(p.grpc) }()
	return nil
}

// failed yields why the node cannot go on: a group that stopped itself, or a port
// that stopped serving.
func (p *ports) failed() <-chan error {
	failed := make(chan error, 1)
	go func() {
		select {
		case err := <-p.node.Failed():
			failed <- err
		case err := <-p.served:
			if !errors.Is(err, http.ErrServerClosed) && err != nil {
				failed <- fmt.Errorf("port: %w", err)
			}
		}
	}()
	return failed
}

// drainTime is how long the calls that are under way may take when a node ends.
// What is left of stopTimeout belongs to the groups and the stores.
const drainTime = 2 * time.Second

// stop lets nobody in, waits for who is inside, and closes the node.
func (p *ports) stop(ctx context.Context) error {
	draining, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if p.grpcServer != nil {
		// Streams stay open for as long as their clients like: those are cut off.
		done := make(chan struct{})
		go func() { p.grpcServer.GracefulStop(); close(done) }()
		defer func() { <-done }()
		context.AfterFunc(draining, p.grpcServer.Stop)
	}
	if p.httpServer != nil && p.httpServer.Shutdown(draining) != nil {
		_ = p.httpServer.Close() // the calls that are cut off have had their time
	}
	if p.grpcServer != nil {
		p.grpcServer.Stop()
	}
	for _, l := range []io.Closer{p.http, p.grpc} {
		if l != nil {
			_ = l.Close() // closed with its server already, unless that never came to be
		}
	}
	return p.node.Close()
}

// checkData checks the folder of a node that is not running. It starts the node
// without its ports, so that the logs are replayed as they would be before it serves
// anybody.
func checkData(ctx context.Context, data string) (_ checkReport, err error) {
	belongs, err := cluster.ReadIdentity(data)
	if err != nil {
		return checkReport{}, err
	}
	node, err := cluster.Start(ctx, cluster.Config{
		NodeID: belongs.Node, Dir: data, Shards: belongs.Shards, Profiles: profiles(),
	})
	if err != nil {
		return checkReport{}, err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	if err := node.Ready(ctx); err != nil {
		return checkReport{}, err
	}
	var found checkReport
	report, err := node.Check(ctx, cluster.CheckOptions{
		Found: func(line string) { found.Findings = append(found.Findings, line) },
	})
	found.Shards, found.Records = int64(report.Shards), int64(report.Records)
	found.Postings, found.Documents = int64(report.Postings), int64(report.Indexed)
	return found, err
}
