package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// Whatever says by its type that it may be about a person leaves no trace of it.
func TestLogsAreRedacted(t *testing.T) {
	const number = "9000000009"
	target := &url.URL{Scheme: "http", Host: "n1:8080", Path: "/Patient/" + number}
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, err := newLogger(&out, format, "debug")
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("read", "subject", record.Subject(number), "number", fhir.Number(number), "key", []byte(number),
			"body", json.RawMessage(`"`+number+`"`), "url", target)
		log.WithGroup("g").With("number", fhir.Number(number)).Info("read")
		if got := out.String(); strings.Contains(got, number) || strings.Count(got, record.Subject(number).Redacted()) != 3 ||
			!strings.Contains(got, "[10 bytes]") || !strings.Contains(got, "n1:8080") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

func TestLogLevel(t *testing.T) {
	var out bytes.Buffer
	log, err := newLogger(&out, "text", "warn")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Error(got)
	}
	if _, err := newLogger(&out, "text", "loudest"); err == nil {
		t.Error("an unknown level was taken")
	}
}
