package index

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve_index_api"
)

// The errors of an Engine.
var (
	// ErrQueueFull: more updates wait to be indexed than the engine may keep; try later.
	ErrQueueFull = errors.New("index: too many updates wait to be indexed")
	// ErrClosed: the engine is closed.
	ErrClosed = errors.New("index: closed")
	// ErrFailed: the engine's background work has stopped. Searches and writes are refused
	// until the node is started again; nothing is lost, since positions on disk say from
	// where to feed it.
	ErrFailed = errors.New("index: failed")
	// ErrUnknownProfile: an update names a profile that the engine was not opened with.
	ErrUnknownProfile = errors.New("index: unknown profile")
	// ErrOutOfOrder: updates of one shard were appended with a falling log index.
	ErrOutOfOrder = errors.New("index: updates out of log order")
)

// QueueFullError says when to try again. It is ErrQueueFull.
type QueueFullError struct {
	Queued, Limit int
	RetryAfter    time.Duration
}

// Error implements error.
func (e *QueueFullError) Error() string {
	return fmt.Sprintf("%v: %d of %d, retry after %v", ErrQueueFull, e.Queued, e.Limit, e.RetryAfter)
}

// Unwrap makes it ErrQueueFull.
func (e *QueueFullError) Unwrap() error { return ErrQueueFull }

// Options configure an Engine. Zero values mean the defaults, which are those that
// DESIGN.md gives the measurements for.
type Options struct {
	// Dir is the engine's folder, made when it is not there. It can always be removed: the
	// positions start at 0 then and the caller feeds everything again.
	Dir string
	// Profiles are all kinds of documents that will be appended.
	Profiles []*Profile
	// QueueLimit is how many updates may wait before Admit holds writers up; 20,000.
	QueueLimit int
	// AdmitWait is how long Admit holds a writer up before it refuses; 2 s.
	AdmitWait time.Duration
	// BatchDocuments starts a batch at once when so many updates wait; 2,000.
	BatchDocuments int
	// BatchLimit bounds a batch when the engine is behind; 5,000.
	BatchLimit int
	// BatchInterval is how long an update waits for its batch at most; 500 ms.
	BatchInterval time.Duration
	// WipeDocuments bounds how many documents of a wiped shard one batch removes, so that
	// emptying a big shard does not hold up the other ones; 10,000.
	WipeDocuments int
	// MaxSegmentsPerTier is bleve's; 5.
	MaxSegmentsPerTier int
	// MaxSegmentDocuments bounds the documents of a merged segment, and with it the
	// longest merge; 250,000.
	MaxSegmentDocuments int
	// Logger gets failures and slow work; nil discards.
	Logger *slog.Logger
	// OnPersisted is told that everything of a shard up to a log index is on disk, so that
	// the caller's own durable queue may drop it. Called from one goroutine of the engine's,
	// never from a caller's; it may take its time but must not call the engine.
	OnPersisted func(shard uint16, index uint64)
}

func (o Options) withDefaults() Options {
	orElse := func(n *int, usual int) {
		if *n <= 0 {
			*n = usual
		}
	}
	orElse(&o.QueueLimit, 20_000)
	orElse(&o.BatchDocuments, 2_000)
	orElse(&o.BatchLimit, max(5_000, o.BatchDocuments))
	orElse(&o.WipeDocuments, 10_000)
	orElse(&o.MaxSegmentsPerTier, 5)
	orElse(&o.MaxSegmentDocuments, 250_000)
	if o.AdmitWait <= 0 {
		o.AdmitWait = 2 * time.Second
	}
	if o.BatchInterval <= 0 {
		o.BatchInterval = 500 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnPersisted == nil {
		o.OnPersisted = func(uint16, uint64) {}
	}
	return o
}

// Update is one change of what is searched.
type Update struct {
	Shard uint16
	// Index is the log index of the entry that made the change.
	Index uint64
	// ID is the document's, opaque, unique within its shard and profile.
	ID string
	// Profile is the number of the document's profile.
	Profile uint8
	// Document is the new state, not to be changed by the caller afterwards; empty deletes.
	Document Document
	// Wipe empties the shard; ID, Profile and Document do not matter then.
	Wipe bool
}

// Engine is a node's search index: bleve, and the queue of what is on its way
// there. Its methods are safe for concurrent use; Append and Advance of one shard
// are called in log order. See DESIGN.md for what a search sees.
type Engine struct {
	options  Options
	log      *slog.Logger
	profiles map[uint8]*Profile
	index    bleve.Index
	analysis *bleve.AnalysisQueue
	counts   counts

	mu     sync.Mutex
	shards map[uint16]*shardQueue
	queued int
	stuck  bool                     // what waits is above the visible index
	room   chan struct{}            // closed and replaced when the queue shrinks
	resets map[uint16]chan struct{} // shards that the loop is emptying; closed when on disk
	flush  []chan struct{}          // closed when all that was advanced is on disk
	closed bool

	failure atomic.Pointer[error]
	kick    chan struct{} // there may be work
	stop    chan struct{}
	done    chan struct{}
}

// Open opens the engine in options.Dir and starts its background work. The caller
// then appends, for each shard, everything above Indexed.
func Open(options Options) (*Engine, error) {
	e := &Engine{
		options:  options.withDefaults(),
		profiles: map[uint8]*Profile{},
		shards:   map[uint16]*shardQueue{},
		resets:   map[uint16]chan struct{}{},
		room:     make(chan struct{}),
		kick:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
	}
	e.log = e.options.Logger
	for _, p := range options.Profiles {
		if e.profiles[p.Number] != nil {
			return nil, fmt.Errorf("index: two profiles have the number %d", p.Number)
		}
		e.profiles[p.Number] = p
	}
	if err := e.openBleve(); err != nil {
		return nil, err
	}
	go e.run()
	return e, nil
}

// openBleve opens bleve's index without its mapping layer, which this package
// does the work of.
func (e *Engine) openBleve() error {
	e.analysis = bleve.NewAnalysisQueue(1)
	config := map[string]any{
		"path":         e.options.Dir,
		"unsafe_batch": true, // what a crash loses is appended again: see Indexed
		"bolt_timeout": "5s",
		"scorchMergePlanOptions": map[string]any{
			"MaxSegmentsPerTier":   e.options.MaxSegmentsPerTier,
			"SegmentsPerMergeTask": e.options.MaxSegmentsPerTier,
			"MaxSegmentSize":       e.options.MaxSegmentDocuments,
			"MaxSegmentFileSize":   4 << 30,
			"TierGrowth":           10.0,
			"FloorSegmentSize":     e.options.BatchDocuments,
			"ReclaimDeletesWeight": 2.0,
		},
	}
	index, err := newScorch(config, e.analysis, e.fail)
	if err == nil {
		err = index.Open()
	}
	if err != nil {
		e.analysis.Close()
		return fmt.Errorf("index: open: %w", err)
	}
	e.index = index
	return e.readPositions()
}

// registration guards bleve's registry of callbacks, which is a bare map read
// when an index is made.
var registration sync.Mutex

// newScorch makes bleve's index with a callback for what goes wrong in its
// background loops, which it tells nobody else. The name is in the registry only
// while the index is made.
func newScorch(config map[string]any, analysis *bleve.AnalysisQueue, fail func(error)) (bleve.Index, error) {
	const name = "vertebra"
	registration.Lock()
	defer registration.Unlock()
	scorch.RegistryAsyncErrorCallbacks[name] = func(err error, _ string) { fail(err) }
	defer delete(scorch.RegistryAsyncErrorCallbacks, name)
	config["asyncErrorCallbackName"] = name
	return scorch.NewScorch(scorch.Name, config, analysis)
}

// readPositions starts each shard's queue at the position that is on disk.
func (e *Engine) readPositions() error {
	reader, err := e.index.Reader()
	if err != nil {
		return fmt.Errorf("index: open: %w", err)
	}
	defer reader.Close()
	for key, value := range reader.(*scorch.IndexSnapshot).Internal() {
		if len(key) == 3 && key[0] == 'p' {
			shard := uint16(key[1])<<8 | uint16(key[2])
			e.shards[shard] = newShardQueue(decodePosition(value))
		}
	}
	return nil
}

// fail is told of errors in bleve's background loops. A panic ends the loop, so
// that nothing would ever be on disk again; other errors are tried again there.
func (e *Engine) fail(err error) {
	e.counts.failures.Add(1)
	e.log.Error("search index background work", "error", err)
	if errors.Is(err, scorch.ErrAsyncPanic) {
		e.failure.CompareAndSwap(nil, &err)
	}
}

// usable returns ErrClosed or ErrFailed when the engine is; e.mu is held.
func (e *Engine) usable() error {
	if err := e.failure.Load(); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, *err)
	}
	if e.closed {
		return ErrClosed
	}
	return nil
}

// shard returns the queue of a shard; e.mu is held.
func (e *Engine) shard(id uint16) *shardQueue {
	q := e.shards[id]
	if q == nil {
		q = newShardQueue(0)
		e.shards[id] = q
	}
	return q
}

// Append takes updates in log order, all of one log index in one call. When it
// returns they are candidates of every search that begins.
func (e *Engine) Append(updates []Update) error {
	for i := range updates {
		if u := &updates[i]; !u.Wipe && e.profiles[u.Profile] == nil {
			return fmt.Errorf("%w %d", ErrUnknownProfile, u.Profile)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	for len(updates) > 0 {
		n := 1
		for n < len(updates) && updates[n].Shard == updates[0].Shard {
			if updates[n].Index < updates[n-1].Index {
				return ErrOutOfOrder
			}
			n++
		}
		e.shard(updates[0].Shard).append(append([]Update(nil), updates[:n]...))
		e.enqueued(n)
		updates = updates[n:]
	}
	return nil
}

// enqueued counts updates in and wakes the loop when that starts the wait for a
// batch or ends it; in between the loop sleeps. e.mu is held.
func (e *Engine) enqueued(n int) {
	first := e.queued == 0
	e.queued += n
	if first || e.queued >= e.options.BatchDocuments {
		e.wake()
	}
}

// Advance says that everything of the shard up to index has been appended and is
// visible: it may go to bleve. What is above stays in the queue, since bleve keeps
// only the newest state of a document and a search may still be answered at an
// older visible index. Call it after V was raised, with V.
func (e *Engine) Advance(shard uint16, index uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.shard(shard)
	q.advanced = max(q.advanced, index)
	e.stuck = false
}

// Indexed returns the log index up to which bleve has the shard. After Open it is
// what is on disk: everything above must be appended again.
func (e *Engine) Indexed(shard uint16) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if q := e.shards[shard]; q != nil {
		return q.position
	}
	return 0
}

// Admit returns at once while the queue is within its limit. Over it, it waits for
// room, at most AdmitWait, and then returns a QueueFullError. Call it before
// proposing a write, so that a write that is in the log is never refused.
func (e *Engine) Admit(ctx context.Context) error {
	var late <-chan time.Time
	for {
		e.mu.Lock()
		err, queued, room := e.usable(), e.queued, e.room
		e.mu.Unlock()
		if err != nil || queued <= e.options.QueueLimit {
			return err
		}
		if late == nil {
			e.counts.held.Add(1)
			timer := time.NewTimer(e.options.AdmitWait)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-room:
		case <-e.stop:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			e.counts.refused.Add(1)
			return &QueueFullError{Queued: queued, Limit: e.options.QueueLimit, RetryAfter: e.options.AdmitWait}
		}
	}
}

// wake tells the loop that there may be work.
func (e *Engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// Close stops the background work. What is not on disk is appended again after the
// next Open; nothing waits for it here. Searches must have ended.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	close(e.stop)
	e.awaitLoop()
	err := e.index.Close()
	e.analysis.Close()
	return err
}

// awaitLoop waits for the batch that is on its way. When bleve's own loops have
// failed nobody takes it any more: then the wait has an end.
func (e *Engine) awaitLoop() {
	if e.failure.Load() == nil {
		<-e.done
		return
	}
	select {
	case <-e.done:
	case <-time.After(e.options.AdmitWait):
	}
}
