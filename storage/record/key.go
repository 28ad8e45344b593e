package record

import "github.com/cespare/xxhash/v2"

// MaxRestBytes bounds the part of a key behind table and subject.
const MaxRestBytes = 256

// MaxPostingBytes bounds a posting's value: it is part of a key, and keys of a store
// are held in memory by the block.
const MaxPostingBytes = 1024

// Table says what kind of record a key names. The numbers are on disk: they are
// never reused and never renumbered.
type Table uint8

// The tables. Which service owns one, and what its Rest means, is said here and
// nowhere else.
const (
	// Demographics: a person's Patient resource. Rest is empty.
	Demographics Table = 1
	// Register: what is known of a person beside the Patient resource: previous
	// and hidden values that a trace may match. Rest is empty.
	Register Table = 2
	// RelatedPersons: one related person. Rest is the object id.
	RelatedPersons Table = 3
	// Coverages: a person's EHIC data. Rest is empty.
	Coverages Table = 4
	// Claims: a short hold on an identity while a person is created. Subject is
	// the hash of the identity, Rest is empty.
	Claims Table = 5
	// Applications: a registered application. Subject is the API key.
	Applications Table = 6
	// Tokens: an issued access token. Subject is the hash of the token.
	Tokens Table = 7
	// Settings: what the cluster itself keeps, such as its clock. Rest names it.
	Settings Table = 8
	// Seeds: what a sandbox was told for services that it does not have. Subject names it.
	Seeds Table = 9

	// Documents: the compact search record of another record. Written by storage
	// beside the record that it describes; Rest is that record's table and Rest.
	Documents Table = 250
	// Outcomes: the first answer to a request. Rest is the RequestID.
	Outcomes Table = 251
	// Events: facts that a mutation made. Rest ends in the log index.
	Events Table = 252
)

// Key names one record. Everything about one subject has the same slot and so
// lives in one shard.
type Key struct {
	Subject Subject
	Table   Table
	Rest    string
}

// Slot is the slot of the key's subject.
func (k Key) Slot() Slot { return k.Subject.Slot() }

// Hash is the key's entry in the footprint of a mutation: eight bytes, equal
// for equal keys. A collision only makes a reader wait for longer.
func (k Key) Hash() uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(uint64(k.Table))
	d.WriteString(string(k.Subject))
	d.Write([]byte{0})
	d.WriteString(k.Rest)
	return d.Sum64()
}

// Record is one version of a record as it was written.
type Record struct {
	Key Key
	// Version is the record's own counter, the ETag that clients see. The first is 1
	// unless the record came with one.
	Version uint64
	// Index is the log index of the entry that wrote this version.
	Index uint64
	// Time is the cluster time of the write, in microseconds since 1970.
	Time int64
	// Attributes is what the owning service must know to answer without decoding
	// Body: offsets of members, status. Opaque below api.
	Attributes []byte
	// Body is what goes out: for FHIR resources the JSON.
	Body []byte
}
