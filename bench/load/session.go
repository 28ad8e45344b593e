package load

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// maxAnswerBytes bounds one answer of the server.
const maxAnswerBytes = 16 << 20

// errStreamEnded: the server ended the stream though batches were unanswered.
var errStreamEnded = status.Error(codes.Unavailable, "stream ended")

// session is one stream with the goroutines that send and receive on it, so that the
// loader itself never blocks on the network.
type session struct {
	outbox  chan *vertebrav1.StreamRequest
	answers chan *vertebrav1.StreamResponse
	// broken yields why the stream ended, once.
	broken chan error
	// cancel ends the session; ended is closed when its goroutines are gone.
	cancel context.CancelFunc
	ended  chan struct{}
}

// openSession opens a stream. window is how many batches can be unanswered, so that
// neither channel ever makes the loader wait.
func openSession(ctx context.Context, client vertebrav1.LocatorClient, window int) *session {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{
		outbox:  make(chan *vertebrav1.StreamRequest, window),
		answers: make(chan *vertebrav1.StreamResponse, window),
		broken:  make(chan error, 1),
		cancel:  cancel,
		ended:   make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		defer cancel()
		s.broken <- s.converse(ctx, client)
	}()
	return s
}

// converse opens the stream, sends from the outbox and receives into answers until
// the stream breaks.
func (s *session) converse(ctx context.Context, client vertebrav1.LocatorClient) error {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := client.Stream(ctx, grpc.MaxCallRecvMsgSize(maxAnswerBytes))
	if err != nil {
		cancel()
		return err
	}
	sent := make(chan struct{})
	defer func() { cancel(); <-sent }()
	go func() {
		defer close(sent)
		s.send(ctx, stream)
	}()
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return errStreamEnded
		}
		if err != nil {
			return err
		}
		select {
		case s.answers <- answer:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) send(ctx context.Context, stream vertebrav1.Locator_StreamClient) {
	for {
		select {
		case request := <-s.outbox:
			if stream.Send(request) != nil {
				return // Recv says why
			}
		case <-ctx.Done():
			return
		}
	}
}

// close ends the stream and waits for its goroutines.
func (s *session) close() {
	s.cancel()
	<-s.ended
}

// RefusedError is returned when the server refuses the load itself and not a line:
// trying again would change nothing.
type RefusedError struct{ Err error }

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("load: refused: %v", e.Err) }

// Unwrap returns the server's status.
func (e *RefusedError) Unwrap() error { return e.Err }

// verdict is what a code means for what it answers.
type verdict int

const (
	leaveOut   verdict = iota // this line can never be taken
	tryAgain                  // later, as often as it takes
	tryFewMore                // a few times: perhaps the server is at fault, perhaps the line
	giveUp                    // nothing of this load can be taken
)

func verdictOf(code codes.Code) verdict {
	switch code {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded, codes.Canceled:
		return tryAgain
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return tryFewMore
	case codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return giveUp
	}
	return leaveOut
}
