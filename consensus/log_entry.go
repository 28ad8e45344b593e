package consensus

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// A raft.Log as the byte-level log keeps it:
//
//	version byte | type byte | index, term, appended-at in Unix nanoseconds (0: none),
//	8 bytes each | uvarint length of the extensions | extensions | data
const (
	logEntryVersion    = 1
	logEntryHeaderSize = 2 + 3*8
)

func logEntrySize(l *raft.Log) int {
	return logEntryHeaderSize + binary.MaxVarintLen32 + len(l.Extensions) + len(l.Data)
}

func appendLogEntry(dst []byte, l *raft.Log) []byte {
	var at int64
	if !l.AppendedAt.IsZero() {
		at = l.AppendedAt.UnixNano()
	}
	dst = append(dst, logEntryVersion, byte(l.Type))
	dst = binary.LittleEndian.AppendUint64(dst, l.Index)
	dst = binary.LittleEndian.AppendUint64(dst, l.Term)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(at))
	dst = binary.AppendUvarint(dst, uint64(len(l.Extensions)))
	dst = append(dst, l.Extensions...)
	return append(dst, l.Data...)
}

// decodeLogEntry fills l, which then shares memory with data. index is where the
// entry was found: one that says otherwise is corrupt.
func decodeLogEntry(data []byte, index uint64, l *raft.Log) error {
	if len(data) < logEntryHeaderSize || data[0] != logEntryVersion {
		return fmt.Errorf("%w: log entry %d has an unknown format", ErrCorrupt, index)
	}
	if found := binary.LittleEndian.Uint64(data[2:]); found != index {
		return fmt.Errorf("%w: log entry %d found at %d", ErrCorrupt, found, index)
	}
	n, rest, err := takeCount(data[logEntryHeaderSize:], 1)
	if err != nil {
		return fmt.Errorf("log entry %d: %w", index, err)
	}
	*l = raft.Log{
		Type:  raft.LogType(data[1]),
		Index: index,
		Term:  binary.LittleEndian.Uint64(data[10:]),
	}
	if at := int64(binary.LittleEndian.Uint64(data[18:])); at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	if n > 0 {
		l.Extensions = rest[:n:n]
	}
	if len(rest) > n {
		l.Data = rest[n:]
	}
	return nil
}
