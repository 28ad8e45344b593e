package cluster

import (
	"strings"

	"vertebra/storage/record"
)

// documentID is a record's id in the search index of a node: its table, its
// subject and the rest of its key.
func documentID(k record.Key) string {
	return string([]byte{byte(k.Table)}) + string(k.Subject) + "\x00" + k.Rest
}

// documentKey is the inverse of documentID.
func documentKey(id string) (record.Key, bool) {
	if id == "" {
		return record.Key{}, false
	}
	subject, rest, ok := strings.Cut(id[1:], "\x00")
	return record.Key{Table: record.Table(id[0]), Subject: record.Subject(strings.Clone(subject)), Rest: strings.Clone(rest)}, ok
}
