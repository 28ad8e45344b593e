package load

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// readAll returns all lines of an input through a small buffer, so that lines cross it.
func readAll(t *testing.T, input []byte, limit int) (lines []line, last *lineReader) {
	t.Helper()
	reader := &lineReader{input: bufio.NewReaderSize(bytes.NewReader(input), 16), limit: limit}
	for {
		l, err := reader.next()
		if errors.Is(err, io.EOF) {
			return lines, reader
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
}

func TestLineLimit(t *testing.T) {
	exact := `{"id":"` + strings.Repeat("a", 91) + `"}` // 100 bytes
	for input, fault := range map[string]string{
		exact: "", exact + "\n": "", " " + exact: "over 100 bytes", " " + exact + "\n": "over 100 bytes",
		strings.Repeat("x", 5000): "over 100 bytes",
	} {
		lines, _ := readAll(t, []byte(input), 100)
		if len(lines) != 1 || lines[0].fault != fault || lines[0].end != int64(len(input)) {
			t.Errorf("%.20q of %d bytes: %+v", input, len(input), lines)
		}
	}
}

// However an input is broken: no byte of it is lost, numbers and offsets grow, a line
// is sent whole or not at all, and starting again behind any line gives the lines that
// come after it.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "\n\n\n", "{}", "{}\r\n{}", "\ufeff{\"id\":\"1\"}\n", "\xff\n{}", "{\"resource\":{\"id\":\"9\"}}\n nul\n",
		strings.Repeat("a", 40) + "\n{}\n", strings.Repeat("{}\n", 30),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		const limit = 24
		lines, reader := readAll(t, input, limit)
		if reader.offset != int64(len(input)) {
			t.Fatalf("%d of %d bytes read", reader.offset, len(input))
		}
		number, offset := int64(0), int64(0)
		for i, l := range lines {
			if l.number <= number || l.end <= offset || (l.text == nil) == (l.fault == "") {
				t.Fatalf("line %+v after line %d at %d", l, number, offset)
			}
			number, offset = l.number, l.end
			if l.text != nil && !bytes.Contains(input, l.text) {
				t.Fatalf("%q is not in the input", l.text)
			}
			after := &lineReader{input: bufio.NewReader(bytes.NewReader(input[l.end:])), limit: limit, number: l.number, offset: l.end}
			again, err := after.next()
			if i+1 == len(lines) && !errors.Is(err, io.EOF) || i+1 < len(lines) && (err != nil || again.end != lines[i+1].end || !bytes.Equal(again.text, lines[i+1].text)) {
				t.Fatalf("behind line %d: %+v, %v", l.number, again, err)
			}
		}
	})
}
