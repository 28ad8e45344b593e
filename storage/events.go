package storage

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// databaseLogger hands what pebble logs to slog. Pebble's "info" is a line per
// flush and compaction: debug, for us.
type databaseLogger struct {
	logger *slog.Logger
	fatal  func(error)
}

func newDatabaseLogger(o Options) databaseLogger {
	l := databaseLogger{logger: o.Logger, fatal: o.Events.Fatal}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	return l
}

// Infof implements pebble.Logger.
func (l databaseLogger) Infof(format string, args ...any) {
	l.logger.Debug("storage", "database", fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (l databaseLogger) Errorf(format string, args ...any) {
	l.logger.Error("storage", "database", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger, which says that it does not return. Exiting the
// process here would leave the caller no way to tell why, and a test none to look.
func (l databaseLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf("storage: fatal: "+format, args...)
	for _, a := range args {
		if cause, ok := a.(error); ok && noSpace(cause) != cause {
			err = fmt.Errorf("%w: %w", ErrNoSpace, err)
		}
	}
	l.logger.Error("storage", "fatal", err)
	if l.fatal != nil {
		l.fatal(err)
	}
	panic(err)
}

func newEventListener(e Events) *pebble.EventListener {
	l := &pebble.EventListener{}
	if e.DiskSlow != nil {
		l.DiskSlow = func(pebble.DiskSlowInfo) { e.DiskSlow() }
	}
	if e.WriteStall != nil {
		l.WriteStallBegin = func(pebble.WriteStallBeginInfo) { e.WriteStall(true) }
		l.WriteStallEnd = func() { e.WriteStall(false) }
	}
	if e.BackgroundError != nil {
		l.BackgroundError = func(err error) { e.BackgroundError(noSpace(err)) }
	}
	return l
}
