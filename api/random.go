package api

import (
	"fmt"
	"io"
)

// newID makes an object id: eight upper-case hexadecimal digits, random, since
// ids that count would say how many there are. A source that fails repeats itself,
// and the rules then tell the ids apart themselves.
func (e *Edge) newID() string {
	var bits [4]byte
	_, _ = io.ReadFull(e.random, bits[:])
	return fmt.Sprintf("%08X", bits)
}

// newUUID makes a random UUID (RFC 9562, version 4).
func (e *Edge) newUUID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(e.random, b[:]); err != nil {
		return "", fmt.Errorf("api: make a UUID: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
