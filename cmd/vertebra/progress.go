package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"vertebra/bench/load"
)

// maxBadShown bounds how many bad lines are listed; all are counted.
const maxBadShown = 1000

// progressEvery is how often a line is printed where there is no terminal.
const progressEvery = 10 * time.Second

// progress shows how a load goes: a bar on a terminal, a line now and then elsewhere.
// It is used by one goroutine.
type progress struct {
	out  io.Writer
	name string
	// bar is nil where out is no terminal. It counts bytes from where the load began, so
	// that a resumed one does not take what was done before for speed.
	bar      *progressbar.ProgressBar
	size     int64
	start    int64
	begun    bool
	badShown int
	printed  time.Time
}

// newProgress shows progress through size bytes, -1 for unknown.
func newProgress(out io.Writer, name string, size int64) *progress {
	s := &progress{out: out, name: name, size: size, printed: time.Now()}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		s.bar = progressbar.NewOptions64(size,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetPredictTime(size > 0),
			progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(200*time.Millisecond),
			progressbar.OptionSetWidth(24),
			progressbar.OptionClearOnFinish(),
		)
	}
	return s
}

// bad reports a line that was left out.
func (s *progress) bad(b load.BadLine) {
	s.badShown++
	if s.badShown > maxBadShown {
		return
	}
	if s.bar != nil {
		_ = s.bar.Clear() // or the bar and the line share a row; only looks are at stake
	}
	fmt.Fprintf(s.out, "%s:%d: left out: %s\n", s.name, b.Line, b.Reason)
	if s.badShown == maxBadShown {
		fmt.Fprintf(s.out, "%s: further lines left out are counted, not listed\n", s.name)
	}
}

// advance shows how far the load is.
func (s *progress) advance(now load.Summary) {
	if !s.begun {
		s.begin(now)
	}
	if s.bar != nil {
		s.bar.Describe(fmt.Sprintf("%d people, %.0f/s", now.Loaded, now.PerSecond()))
		_ = s.bar.Set64(now.Offset - s.start) // fails when the file has grown: the bar stays full
		return
	}
	if time.Since(s.printed) < progressEvery {
		return
	}
	s.printed = time.Now()
	fmt.Fprintln(s.out, progressLine(s.name, s.start, s.size, now))
}

// begin fixes where this run of the load started: at the front, or as many bytes in as
// the lines of the checkpoint it resumes had.
func (s *progress) begin(now load.Summary) {
	s.begun = true
	s.start = now.ResumedOffset
	if s.bar != nil && s.size > 0 && s.start > 0 {
		s.bar.ChangeMax64(max(s.size-s.start, 1))
	}
}

func (s *progress) end() {
	if s.bar != nil {
		_ = s.bar.Finish()
	}
}

// progressLine says how far a load is and, when the size is known, how long it will
// take at the speed it has had.
func progressLine(name string, start, size int64, now load.Summary) string {
	text := fmt.Sprintf("%s: %d people, %.0f/s", name, now.Loaded, now.PerSecond())
	if done := now.Offset - start; size > 0 && done > 0 {
		left := time.Duration(float64(now.Elapsed) * float64(size-now.Offset) / float64(done))
		text += fmt.Sprintf(", %d %%, %v left", 100*now.Offset/size, left.Round(time.Second))
	}
	return text
}

// summaryLine is the last word of a load.
func summaryLine(s load.Summary) string {
	text := fmt.Sprintf("loaded %d people in %v (%.0f records/s), %d lines left out",
		s.LoadedNow, s.Elapsed.Round(time.Millisecond), s.PerSecond(), s.Bad)
	if s.ResumedAt > 0 {
		text += fmt.Sprintf("; %d in all, resumed behind line %d", s.Loaded, s.ResumedAt)
	}
	if s.Retries > 0 || s.Reconnects > 0 {
		text += fmt.Sprintf("; %d retries, %d reconnects", s.Retries, s.Reconnects)
	}
	return text
}
