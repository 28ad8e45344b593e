package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// line is one line of the input.
type line struct {
	// number counts from 1.
	number int64
	// end is the offset in the input just behind the line and its newline.
	end int64
	// text is the line without newline; nil when it has a fault or is blank.
	text []byte
	// subject is whom the line is about, "" when that cannot be seen from here.
	subject string
	// fault says why the line cannot be sent at all.
	fault string
	// doubts counts the answers by which the server failed on it.
	doubts int
}

// lineReader cuts the input into lines. A line over the limit costs no more memory
// than the limit.
type lineReader struct {
	input *bufio.Reader
	limit int
	// number and offset are those of the last line read.
	number, offset int64
}

// next returns the next line that is not blank, or io.EOF. The last line needs no
// newline.
func (r *lineReader) next() (line, error) {
	for {
		text, over, err := r.read()
		if err != nil {
			return line{}, err
		}
		l := line{number: r.number, end: r.offset}
		if over {
			l.fault = fmt.Sprintf("over %d bytes", r.limit)
			return l, nil
		}
		text = bytes.TrimSpace(text)
		if r.number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(text) == 0 {
			continue
		}
		if l.fault = faultOf(text); l.fault == "" {
			l.text, l.subject = text, subjectOf(text)
		}
		return l, nil
	}
}

// read returns one raw line as its own copy, or over when it was longer than the
// limit; the rest of such a line is skipped.
func (r *lineReader) read() (text []byte, over bool, err error) {
	for {
		part, err := r.input.ReadSlice('\n')
		r.offset += int64(len(part))
		if over = over || len(text)+len(part) > r.limit+1; over {
			text = nil
		} else {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(text) > 0 || over):
		case err != nil:
			return nil, false, err
		}
		r.number++
		text = bytes.TrimSuffix(text, []byte("\n"))
		return text, over || len(text) > r.limit, nil
	}
}

// faultOf says why the text can be no person, as far as that can be seen cheaply. The
// server checks everything; what is plainly broken need not travel to it.
func faultOf(text []byte) string {
	switch {
	case !utf8.Valid(text):
		return "not UTF-8"
	case !gjson.ValidBytes(text):
		return "not JSON"
	}
	return ""
}

// subjectOf returns the id of the Patient, which may stand in an envelope with what
// is not FHIR. It only keeps lines about one person in order: the server decides whom
// a line is about.
func subjectOf(text []byte) string {
	if id := gjson.GetBytes(text, "resource.id"); id.Exists() {
		return id.String()
	}
	return gjson.GetBytes(text, "id").String()
}
