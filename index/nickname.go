package index

import (
	"slices"
	"strings"
	"sync"
)

// Nicknames returns the given names that may stand for the same person as this
// one, itself first, all folded: "Joe" gives joe, joseph and their like. A name
// of several groups (alex: alexander, alexandra) gives all of them. Names are
// expanded when searching, not when storing, so that a better table needs no
// reindexing.
func Nicknames(given string) []string {
	name := Fold(given)
	if name == "" {
		return nil
	}
	names := []string{name}
	for _, group := range nicknameGroups()[name] {
		for _, other := range group {
			if !slices.Contains(names, other) {
				names = append(names, other)
			}
		}
	}
	return names
}

// SameNickname reports whether two given names are equal when folded or stand
// in one group of nicknames.
func SameNickname(a, b string) bool { return slices.Contains(Nicknames(a), Fold(b)) }

// nicknameGroups maps a name to the groups that it is in. It is made at first
// use, since only nodes that search need it.
var nicknameGroups = sync.OnceValue(func() map[string][][]string {
	groups := map[string][][]string{}
	for line := range strings.Lines(nicknameTable) {
		group := strings.Fields(line)
		for _, name := range group {
			groups[name] = append(groups[name], group)
		}
	}
	return groups
})
