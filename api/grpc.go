package api

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// connectionTimeout bounds a handshake, so that a silent connection is not kept.
const connectionTimeout = 10 * time.Second

// ServerOptions are the limits of a native gRPC server. The services need no
// interceptor: see serve.
func (e *Edge) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(e.limits.MessageBytes),
		grpc.MaxHeaderListSize(uint32(e.limits.HeaderBytes)),
		grpc.MaxConcurrentStreams(1000),
		grpc.ConnectionTimeout(connectionTimeout),
	}
}

// RegisterGRPC adds the services, server reflection and the standard health
// service to a gRPC server made with ServerOptions. ready is asked at each health
// check; nil means always.
func (e *Edge) RegisterGRPC(s *grpc.Server, ready func() error) {
	vertebrav1.RegisterDemographicsServer(s, &demographicsServer{edge: e})
	vertebrav1.RegisterLocatorServer(s, &locatorServer{edge: e})
	healthv1.RegisterHealthServer(s, &healthServer{Server: health.NewServer(), ready: ready})
	reflection.Register(s)
}

// healthServer answers Check with what the node says of itself at that moment.
type healthServer struct {
	*health.Server
	ready func() error
}

// Check implements the standard health service.
func (h *healthServer) Check(context.Context, *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	status := healthv1.HealthCheckResponse_SERVING
	if h.ready != nil && h.ready() != nil {
		status = healthv1.HealthCheckResponse_NOT_SERVING
	}
	return &healthv1.HealthCheckResponse{Status: status}, nil
}
