package load

import (
	"math/rand/v2"
	"time"
)

// Options bound a Run. Zero values mean the defaults.
type Options struct {
	// BatchLines and BatchBytes bound a batch: 256 and 1 MiB. The server takes 1,000 and
	// 4 MiB.
	BatchLines, BatchBytes int
	// LineBytes bounds a line: 512 KiB.
	LineBytes int
	// InFlight bounds the batches without an answer: 8.
	InFlight int
	// BackoffMin and BackoffMax bound the wait before another try: 50 ms and 5 s. A longer
	// wait that the server asks for is kept to, up to a minute.
	BackoffMin, BackoffMax time.Duration
	// Patience is how long a Run goes on without a line answered: 5 minutes.
	Patience time.Duration
	// Checkpoint is the path of the checkpoint; "" keeps none. It is removed when
	// everything is loaded.
	Checkpoint string
	// CheckpointEvery is the least time between two writes of it: 1 s.
	CheckpointEvery time.Duration
	// OnBad is told of each line left out, in the order of the input; OnProgress how far
	// the Run has come. Both are called by Run's own goroutine and must be quick. May be nil.
	OnBad      func(BadLine)
	OnProgress func(Summary)
	// Jitter returns a number in [0,1) that spreads the waits of several loaders. The
	// default is random.
	Jitter func() float64
}

// BadLine is a line that was left out.
type BadLine struct {
	// Line counts from 1.
	Line int64
	// Reason never repeats what the line holds.
	Reason string
}

// Summary is what a Run did, or has done up to now.
type Summary struct {
	// Line is the last line up to which all are answered; Offset its end in bytes.
	Line, Offset int64
	// Loaded and Bad count lines up to Line, those before a resumed checkpoint included.
	Loaded, Bad int64
	// ResumedAt is the line of the checkpoint that the Run went on from, ResumedOffset its
	// end in bytes; 0 when none.
	ResumedAt, ResumedOffset int64
	// LoadedNow counts what this Run loaded; Elapsed is how long it took.
	LoadedNow int64
	Elapsed   time.Duration
	// Retries counts answers that put lines off; Reconnects the streams that broke.
	Retries, Reconnects int64
}

// PerSecond is how many lines a second this Run loaded.
func (s Summary) PerSecond() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.LoadedNow) / s.Elapsed.Seconds()
}

func (o Options) withDefaults() Options {
	setDefault(&o.BatchLines, 256)
	setDefault(&o.BatchBytes, 1<<20)
	setDefault(&o.LineBytes, 512<<10)
	setDefault(&o.InFlight, 8)
	setDefault(&o.BackoffMin, 50*time.Millisecond)
	setDefault(&o.BackoffMax, 5*time.Second)
	setDefault(&o.Patience, 5*time.Minute)
	setDefault(&o.CheckpointEvery, time.Second)
	if o.OnBad == nil {
		o.OnBad = func(BadLine) {}
	}
	if o.OnProgress == nil {
		o.OnProgress = func(Summary) {}
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return o
}

func setDefault[T int | time.Duration](value *T, to T) {
	if *value == 0 {
		*value = to
	}
}

// maxServerWait caps what a server may ask a loader to wait.
const maxServerWait = time.Minute

// backoff is how long to wait after the given number of failures in a row, or as long
// as the server asks for when that is longer.
func (o Options) backoff(failures int, asked time.Duration) time.Duration {
	wait := o.BackoffMax
	if failures < 16 {
		wait = min(o.BackoffMin<<max(failures-1, 0), o.BackoffMax)
	}
	wait = max(wait, min(asked, maxServerWait))
	return wait + time.Duration(o.Jitter()*float64(wait)/2)
}
