package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// newLogger returns the program's logger. Whatever has the type of something about
// a person is redacted on its way out, so that no call site has to remember to:
// subjects by their own type, the others here.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	threshold, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: threshold, ReplaceAttr: redact}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}

// redact replaces values whose type says that they may be about a person: an NHS
// number by the hash of its subject, bytes (bodies, keys) by their count, a URL
// (its path ends in a number, its query in a name) by its host.
func redact(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case fhir.Number:
		a.Value = record.Subject(v).LogValue()
	case []byte:
		a.Value = slog.StringValue(fmt.Sprintf("[%d bytes]", len(v)))
	case json.RawMessage:
		a.Value = slog.StringValue(fmt.Sprintf("[%d bytes]", len(v)))
	case *url.URL:
		a.Value = slog.StringValue("[url at " + v.Host + "]")
	}
	return a
}

func parseLevel(name string) (slog.Level, error) {
	switch name {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is none of debug, info, warn, error", name)
}
