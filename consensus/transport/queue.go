package transport

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// batchBytes is about how much is given to the connection in one write, and so what a
// frame with priority may have to wait for.
const batchBytes = 64 << 10

// pieceBytes is in which pieces a large frame is written, so that what has priority
// can go between them: on a link of 10 Mbit/s an entry of a mebibyte takes almost a
// second.
const pieceBytes = 32 << 10

// smallFrame is up to where a frame has priority if its kind does not say otherwise.
const smallFrame = 4 << 10

// queue is what waits to be written to one connection: frames with priority, the
// others, heartbeats, groups whose term is asked for. It is bounded, and what is put
// in it never waits.
type queue struct {
	limits Limits
	linger time.Duration
	wake   chan struct{} // holds one: there may be something to write

	mu     sync.Mutex
	over   bool
	urgent [][]byte
	bulk   [][]byte
	sent   int // bytes of the first of the bulk that have gone out as pieces
	bytes  int
	beats  []byte      // bodies of heartbeats, one behind the other
	ripe   bool        // they have waited long enough
	timer  *time.Timer // makes them so

	asking map[uint32][]chan<- termAnswer
	askers int
	rounds int // of asking, under way
}

func newQueue(c Config) *queue {
	return &queue{limits: c.Limits, linger: c.Timing.BeatLinger, wake: make(chan struct{}, 1),
		asking: map[uint32][]chan<- termAnswer{}}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// push takes a whole frame.
func (q *queue) push(frame []byte, urgent bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.over:
		return ErrPeerLost
	case len(q.urgent)+len(q.bulk) >= q.limits.QueueFrames || q.bytes+len(frame) > q.limits.QueueBytes:
		return fmt.Errorf("%w: %d frames, %d bytes unsent", ErrPeerBusy, len(q.urgent)+len(q.bulk), q.bytes)
	}
	q.bytes += len(frame)
	if urgent {
		q.urgent = append(q.urgent, frame)
	} else {
		q.bulk = append(q.bulk, frame)
	}
	q.signal()
	return nil
}

// beat takes the body of one heartbeat. It waits a little for those of other groups.
func (q *queue) beat(group uint32, id, term, version uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.over:
		return ErrPeerLost
	case len(q.beats) > q.limits.FrameBytes/2:
		return ErrPeerBusy
	}
	first := len(q.beats) == 0
	q.beats = appendUints(q.beats, uint64(group), id, term, version)
	switch {
	case q.linger <= 0:
		q.ripe = true
		q.signal()
	case first && q.timer == nil:
		q.timer = time.AfterFunc(q.linger, q.ripen)
	case first:
		q.timer.Reset(q.linger)
	}
	return nil
}

func (q *queue) ripen() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ripe = len(q.beats) > 0
	q.signal()
}

// ask lets the next round ask for a group's term.
func (q *queue) ask(group uint32, answer chan<- termAnswer) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.over:
		return ErrPeerLost
	case q.askers >= q.limits.QueueFrames:
		return fmt.Errorf("%w: %d wait for terms", ErrPeerBusy, q.askers)
	}
	q.askers++
	q.asking[group] = append(q.asking[group], answer)
	q.signal()
	return nil
}

// nextRound returns the groups to ask for now, nil when there are none or enough
// rounds are under way.
func (q *queue) nextRound() map[uint32][]chan<- termAnswer {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over || len(q.asking) == 0 || q.rounds >= q.limits.TermRounds {
		return nil
	}
	round := q.asking
	q.asking, q.askers = map[uint32][]chan<- termAnswer{}, 0
	q.rounds++
	return round
}

func (q *queue) roundOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rounds--
	if len(q.asking) > 0 {
		q.signal()
	}
}

// take appends what is to be written next to buf: all that has priority, then of the
// rest about a batch, but at least one frame or a piece of one. Frames that were copied
// go to release.
func (q *queue) take(buf []byte, release func([]byte)) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, f := range q.urgent {
		if n > 0 && len(buf)+len(f) > batchBytes {
			break
		}
		buf = append(buf, f...)
		q.bytes -= len(f)
		release(f)
		n++
	}
	q.urgent = dropFirst(q.urgent, n)
	if len(q.beats) > 0 && (q.ripe || n > 0) {
		from := len(buf)
		buf = endFrame(append(beginFrame(buf, kindBeats, 0, 0), q.beats...), from)
		q.beats, q.ripe = q.beats[:0], false
	}
	return q.takeBulk(buf, release)
}

func (q *queue) takeBulk(buf []byte, release func([]byte)) []byte {
	n := 0
	for _, f := range q.bulk {
		if n > 0 && len(buf)+len(f) > batchBytes {
			break
		}
		if len(f) > pieceBytes {
			buf = q.takePiece(buf, f)
			if q.sent > 0 {
				break
			}
		} else {
			buf = append(buf, f...)
			q.bytes -= len(f)
		}
		release(f)
		n++
	}
	q.bulk = dropFirst(q.bulk, n)
	return buf
}

// takePiece appends the next piece of a large frame, which is the first of the bulk
// until its last piece is taken.
func (q *queue) takePiece(buf, f []byte) []byte {
	piece := f[q.sent:min(q.sent+pieceBytes, len(f))]
	q.sent += len(piece)
	q.bytes -= len(piece)
	last := uint64(0)
	if q.sent == len(f) {
		last, q.sent = 1, 0
	}
	from := len(buf)
	return endFrame(append(beginFrame(buf, kindPiece, 0, last), piece...), from)
}

// dropFirst drops n frames and keeps the array.
func dropFirst(frames [][]byte, n int) [][]byte {
	left := copy(frames, frames[n:])
	clear(frames[left:])
	if left == 0 && cap(frames) > 1024 {
		return nil
	}
	return frames[:left]
}

// close takes nothing more and fails those who ask.
func (q *queue) close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over {
		return
	}
	q.over = true
	if q.timer != nil {
		q.timer.Stop()
	}
	failTerms(q.asking, err)
	q.urgent, q.bulk, q.beats, q.asking, q.bytes = nil, nil, nil, nil, 0
}

// size returns what waits.
func (q *queue) size() (frames, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.urgent) + len(q.bulk), q.bytes + len(q.beats)
}

// encodeTerms appends the groups asked for, in the order of the list.
func encodeTerms(buf []byte, groups []uint32) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(groups)))
	for _, g := range groups {
		buf = binary.AppendUvarint(buf, uint64(g))
	}
	return buf
}
