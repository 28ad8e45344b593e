package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// demographicsPath is where the FHIR services about people answer.
const demographicsPath = "/personal-demographics/FHIR/R4"

// askTimeout bounds one call: what the service itself allows by default, and a bit.
const askTimeout = 12 * time.Second

// maxAnswerBytes bounds one answer: fifty people, or a batch of a stream.
const maxAnswerBytes = 8 << 20

// session is one client with its connection, used by one goroutine. ask returns one
// answer for each person asked for, or the error that there is none.
type session interface {
	ask(ctx context.Context, q question) ([]answer, error)
	close()
}

// errClosed: a stream broke, and with it all that this client could ask.
var errClosed = errors.New("bench: the stream has ended")

// newSession connects one client. Nothing travels before the first question.
func newSession(t Target, p Protocol) (session, error) {
	if p == HTTP {
		return newHTTPSession(t), nil
	}
	conn, err := grpc.NewClient("passthrough:///"+t.GRPC,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)))
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", t.GRPC, err)
	}
	switch p {
	case GRPC:
		return newFHIRSession(conn, t.Token), nil
	case Unary:
		return newUnarySession(conn, t.Token), nil
	}
	return newStreamSession(conn, t.Token), nil
}

// newSessions connects several clients, each with a connection of its own as
// separate systems have, and returns what closes them all.
func newSessions(t Target, p Protocol, clients int) (sessions []session, closeAll func(), err error) {
	closeAll = func() {
		for _, s := range sessions {
			s.close()
		}
	}
	for range clients {
		s, err := newSession(t, p)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		sessions = append(sessions, s)
	}
	return sessions, closeAll, nil
}

// withToken adds who calls; without a token nothing is said.
func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}
