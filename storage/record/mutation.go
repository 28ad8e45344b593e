package record

import "errors"

// MaxMutationBytes bounds an encoded mutation, and so what one raft entry can
// be made to hold by one request.
const MaxMutationBytes = 1 << 20

// ErrCorrupt is returned for bytes that are not an encoded command of a format
// that this build knows.
var ErrCorrupt = errors.New("record: corrupt or unknown encoding")

// ErrTooLarge is returned when a mutation or a part of it is over its limit.
var ErrTooLarge = errors.New("record: mutation over the size limit")

// RequestID identifies a client's request: the hash of application, method,
// path, request id and body. The zero value means that the request is not to
// be remembered.
type RequestID [32]byte

// IsZero reports whether there is nothing to remember.
func (r RequestID) IsZero() bool { return r == RequestID{} }

// Mutation is a decided change. It is made above the log, by a service, from
// what it read; applying it is mechanical: compare versions, write one batch.
// All of it is applied or none of it.
type Mutation struct {
	// Subject is whom the decision was about. The outcome is kept with it. Every key of
	// the mutation must be of the same shard as Subject.
	Subject Subject
	// Time is cluster time in microseconds since 1970, stamped by the leader that proposes
	// it. A shard's time never goes back: apply uses the later of Time and the last.
	Time int64
	// Request is remembered with Outcome unless it is zero.
	Request RequestID
	// Outcome is what a retry of Request is answered with.
	Outcome Outcome
	// Reads lists every record that the decision read, with the version it had. The
	// mutation is refused when one of them has another version now.
	Reads []Read
	// Writes are new versions of records, or deletions.
	Writes []Write
	// Appends are unconditional: their key ends in the log index.
	Appends []Append
	// Events are written in the same batch as the change that caused them.
	Events []Event
}

// IsZero reports whether the mutation would change nothing.
func (m *Mutation) IsZero() bool {
	return len(m.Writes) == 0 && len(m.Appends) == 0 && len(m.Events) == 0
}

// Read is a condition: the record had this version when the decision was taken.
type Read struct {
	Key Key
	// Version is the version read; 0 means that the record was absent.
	Version uint64
}

// Write is one new version of a record.
type Write struct {
	Key Key
	// Version is the new version; 0 deletes the record.
	Version uint64
	// KeepHistory: the version that this one replaces stays readable after collection.
	KeepHistory bool
	Attributes  []byte
	Body        []byte
	// Document is the compact search record; empty when the record is not searched.
	Document []byte
	// Postings are the record's entries in the index, made above the log so that replicas
	// cannot differ because their builds do.
	Postings []Posting
}

// Posting is one (field, value) of a record in the index.
type Posting struct {
	// Field numbers are declared by the service's search profile and are on disk.
	Field uint16
	Value []byte
}

// Append is a record without condition: its key gets the log index and the
// ordinal within the entry behind Rest.
type Append struct {
	Key  Key
	Body []byte
}

// Event is a fact that the mutation made.
type Event struct {
	// Type is the event's name in the public catalogue.
	Type string
	// Subject is whom it is about.
	Subject Subject
	Body    []byte
}

// Outcome is what is remembered of an answered request: enough to render the
// answer again through the caller's own filter, and no more.
type Outcome struct {
	// Status is the HTTP status of the first answer.
	Status uint16
	// Version of the record answered with.
	Version uint64
	// Subject whose record was answered with.
	Subject Subject
	// Note is service-defined, such as an id that was made for the answer.
	Note []byte
}

// Footprint lists the hashes of the keys that the mutation writes. It goes into
// the header of the log entry, readable without decoding, so that a reader can
// tell which keys an entry that is not yet visible touches.
func (m *Mutation) Footprint() []uint64 {
	hashes := make([]uint64, 0, len(m.Writes)+len(m.Appends))
	for i := range m.Writes {
		hashes = append(hashes, m.Writes[i].Key.Hash())
	}
	for i := range m.Appends {
		hashes = append(hashes, m.Appends[i].Key.Hash())
	}
	return hashes
}

// Kind says what a command does.
type Kind uint8

// The kinds of command. The numbers are in the log.
const (
	// KindMarker does nothing; its index is what a new leader proves its term with.
	KindMarker Kind = 1
	// KindMutation applies Command.Mutation.
	KindMutation Kind = 2
	// KindCollect drops versions and postings that no read at or above Command.Floor needs.
	KindCollect Kind = 3
	// KindWipe removes every record, posting, outcome and event of the shard but those of
	// Command.Keep. The sandbox resets with it; nothing else may.
	KindWipe Kind = 4
)

// Command is what one slice of a raft entry says: one of a few kinds.
type Command struct {
	Kind     Kind
	Mutation Mutation // KindMutation
	Floor    uint64   // KindCollect
	Keep     []Table  // KindWipe
}

// Result is what applying a command gave.
type Result struct {
	// Index is the log index of the entry, Ordinal the command's place in it.
	Index   uint64
	Ordinal int
	// Conflict is the first condition that did not hold; nil when it was applied.
	Conflict *Conflict
	// Replay is the outcome of the original of a repeated request; nothing was applied
	// then. ReplayIndex is the original's log index: the answer waits until it is visible.
	Replay      *Outcome
	ReplayIndex uint64
}

// Conflict is a condition that did not hold.
type Conflict struct {
	Key Key
	// Have is the version that the record has; 0 when it is absent.
	Have uint64
}
