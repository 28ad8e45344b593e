package transport

import (
	"encoding/binary"
	"time"

	"github.com/hashicorp/raft"
)

// sender is what a connection knows of its other end, and so what raft is told about
// who sent a message: it is not on the wire. Nor are the fields that raft has
// deprecated; it reads them only when the header names nobody.
type sender struct{ id, address []byte }

func (s sender) header(version uint64) raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersion(version), ID: s.id, Addr: s.address}
}

func appendVersion(buf []byte, h raft.RPCHeader) []byte {
	return binary.AppendUvarint(buf, uint64(h.ProtocolVersion))
}

func appendUints(buf []byte, values ...uint64) []byte {
	for _, v := range values {
		buf = binary.AppendUvarint(buf, v)
	}
	return buf
}

// encodeAppend appends a request with some of its entries, those behind prev.
func encodeAppend(buf []byte, r *raft.AppendEntriesRequest, prevIndex, prevTerm uint64, entries []*raft.Log) []byte {
	buf = appendVersion(buf, r.RPCHeader)
	buf = appendUints(buf, r.Term, prevIndex, prevTerm, r.LeaderCommitIndex, uint64(len(entries)))
	expected := prevIndex + 1
	for _, l := range entries {
		buf = binary.AppendVarint(buf, int64(l.Index-expected))
		buf = binary.AppendUvarint(buf, l.Term)
		buf = append(buf, byte(l.Type))
		buf = appendBytes(buf, l.Data)
		buf = appendBytes(buf, l.Extensions)
		buf = appendTime(buf, l.AppendedAt)
		expected = l.Index + 1
	}
	return buf
}

// entryOverhead is at least what an entry takes beside its data and extensions;
// smallestEntry is what it takes at least.
const (
	entryOverhead = 48
	smallestEntry = 6
)

func entrySize(l *raft.Log) int { return len(l.Data) + len(l.Extensions) + entryOverhead }

func decodeAppend(data []byte, from sender) (*raft.AppendEntriesRequest, error) {
	b := body{rest: data}
	r := &raft.AppendEntriesRequest{RPCHeader: from.header(b.uint())}
	r.Term, r.PrevLogEntry, r.PrevLogTerm, r.LeaderCommitIndex = b.uint(), b.uint(), b.uint(), b.uint()
	n := b.count(smallestEntry)
	if n > 0 {
		logs := make([]raft.Log, n)
		r.Entries = make([]*raft.Log, n)
		expected := r.PrevLogEntry + 1
		for i := range logs {
			decodeEntry(&b, &logs[i], expected)
			expected = logs[i].Index + 1
			r.Entries[i] = &logs[i]
		}
	}
	return r, b.end()
}

func decodeEntry(b *body, l *raft.Log, expected uint64) {
	l.Index = expected + uint64(b.int())
	l.Term = b.uint()
	l.Type = raft.LogType(b.byte())
	l.Data = b.bytes()
	l.Extensions = b.bytes()
	if len(l.Extensions) == 0 {
		l.Extensions = nil
	}
	l.AppendedAt = b.time()
}

// Raft never looks at the zone of a time, and a zero time has no nanoseconds.
func appendTime(buf []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(buf, 0)
	}
	return binary.AppendVarint(append(buf, 1), t.UnixNano())
}

func (b *body) time() time.Time {
	if !b.bool() {
		return time.Time{}
	}
	return time.Unix(0, b.int())
}

func encodeAppendAnswer(buf []byte, r *raft.AppendEntriesResponse) []byte {
	buf = appendVersion(buf, r.RPCHeader)
	buf = appendUints(buf, r.Term, r.LastLog)
	return appendBool(appendBool(buf, r.Success), r.NoRetryBackoff)
}

func decodeAppendAnswer(data []byte, from sender, r *raft.AppendEntriesResponse) error {
	b := body{rest: data}
	b.appendAnswer(from, r)
	return b.end()
}

func (b *body) appendAnswer(from sender, r *raft.AppendEntriesResponse) {
	r.RPCHeader = from.header(b.uint())
	r.Term, r.LastLog = b.uint(), b.uint()
	r.Success, r.NoRetryBackoff = b.bool(), b.bool()
}

func encodeVote(buf []byte, r *raft.RequestVoteRequest) []byte {
	buf = appendVersion(buf, r.RPCHeader)
	return appendBool(appendUints(buf, r.Term, r.LastLogIndex, r.LastLogTerm), r.LeadershipTransfer)
}

func decodeVote(data []byte, from sender) (*raft.RequestVoteRequest, error) {
	b := body{rest: data}
	r := &raft.RequestVoteRequest{RPCHeader: from.header(b.uint())}
	r.Term, r.LastLogIndex, r.LastLogTerm, r.LeadershipTransfer = b.uint(), b.uint(), b.uint(), b.bool()
	return r, b.end()
}

func encodeVoteAnswer(buf []byte, r *raft.RequestVoteResponse) []byte {
	buf = appendUints(appendVersion(buf, r.RPCHeader), r.Term)
	return appendBool(buf, r.Granted)
}

func decodeVoteAnswer(data []byte, from sender, r *raft.RequestVoteResponse) error {
	b := body{rest: data}
	r.RPCHeader, r.Term, r.Granted = from.header(b.uint()), b.uint(), b.bool()
	return b.end()
}

func encodePreVote(buf []byte, r *raft.RequestPreVoteRequest) []byte {
	return appendUints(appendVersion(buf, r.RPCHeader), r.Term, r.LastLogIndex, r.LastLogTerm)
}

func decodePreVote(data []byte, from sender) (*raft.RequestPreVoteRequest, error) {
	b := body{rest: data}
	r := &raft.RequestPreVoteRequest{RPCHeader: from.header(b.uint())}
	r.Term, r.LastLogIndex, r.LastLogTerm = b.uint(), b.uint(), b.uint()
	return r, b.end()
}

func encodePreVoteAnswer(buf []byte, r *raft.RequestPreVoteResponse) []byte {
	buf = appendUints(appendVersion(buf, r.RPCHeader), r.Term)
	return appendBool(buf, r.Granted)
}

func decodePreVoteAnswer(data []byte, from sender, r *raft.RequestPreVoteResponse) error {
	b := body{rest: data}
	r.RPCHeader, r.Term, r.Granted = from.header(b.uint()), b.uint(), b.bool()
	return b.end()
}

func encodeTimeoutNow(buf []byte, r *raft.TimeoutNowRequest) []byte {
	return appendVersion(buf, r.RPCHeader)
}

func decodeTimeoutNow(data []byte, from sender) (*raft.TimeoutNowRequest, error) {
	b := body{rest: data}
	r := &raft.TimeoutNowRequest{RPCHeader: from.header(b.uint())}
	return r, b.end()
}

func encodeTimeoutNowAnswer(buf []byte, r *raft.TimeoutNowResponse) []byte {
	return appendVersion(buf, r.RPCHeader)
}

func decodeTimeoutNowAnswer(data []byte, from sender, r *raft.TimeoutNowResponse) error {
	b := body{rest: data}
	r.RPCHeader = from.header(b.uint())
	return b.end()
}

func encodeSnapshot(buf []byte, r *raft.InstallSnapshotRequest) []byte {
	buf = appendVersion(buf, r.RPCHeader)
	buf = appendUints(buf, uint64(r.SnapshotVersion), r.Term, r.LastLogIndex, r.LastLogTerm, r.ConfigurationIndex, uint64(r.Size))
	return appendBytes(buf, r.Configuration)
}

// decodeSnapshot copies what it keeps.
func decodeSnapshot(data []byte, from sender) (*raft.InstallSnapshotRequest, error) {
	b := body{rest: data}
	r := &raft.InstallSnapshotRequest{RPCHeader: from.header(b.uint())}
	r.SnapshotVersion = raft.SnapshotVersion(b.uint())
	r.Term, r.LastLogIndex, r.LastLogTerm, r.ConfigurationIndex = b.uint(), b.uint(), b.uint(), b.uint()
	size := b.uint()
	r.Configuration = append([]byte(nil), b.bytes()...)
	if size > 1<<62 {
		b.fail("size")
	}
	r.Size = int64(size)
	return r, b.end()
}

func encodeSnapshotAnswer(buf []byte, r *raft.InstallSnapshotResponse) []byte {
	buf = appendUints(appendVersion(buf, r.RPCHeader), r.Term)
	return appendBool(buf, r.Success)
}

func decodeSnapshotAnswer(data []byte, from sender, r *raft.InstallSnapshotResponse) error {
	b := body{rest: data}
	r.RPCHeader, r.Term, r.Success = from.header(b.uint()), b.uint(), b.bool()
	return b.end()
}

// A refusal's body: why, 1 byte | text.
const maxRefusalText = 512

func encodeRefusal(buf []byte, why refusal, text string) []byte {
	return append(append(buf, byte(why)), text[:min(len(text), maxRefusalText)]...)
}

func decodeRefusal(data []byte) error {
	if len(data) == 0 {
		return ErrCorrupt
	}
	return refusal(data[0]).err(string(data[1:]))
}
