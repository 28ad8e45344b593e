package index

import "github.com/antzucaro/matchr"

// Similarity returns how alike two folded values are, from 0 to 1 (equal), by
// Jaro-Winkler, which forgives most at the end of a name.
func Similarity(a, b string) float64 {
	if a == b {
		return 1
	}
	return matchr.JaroWinkler(a, b, false)
}

// maxEditBytes bounds the values that Edits compares, so that its table lies on
// the stack.
const maxEditBytes = 64

// tooManyEdits is what Edits returns for more than two.
const tooManyEdits = 3

// Edits returns how many single mistakes of typing turn one folded value into the
// other: a letter too many, too few, another one, or two neighbours exchanged.
// It counts to 2 and returns 3 for everything above, and for values over 64
// bytes that differ. Bytes are compared, as folded values are almost all ASCII.
func Edits(a, b string) int {
	if a == b {
		return 0
	}
	if max(len(a), len(b)) > maxEditBytes || max(len(a)-len(b), len(b)-len(a)) >= tooManyEdits {
		return tooManyEdits
	}
	return alignment(a, b)
}

// alignment is the optimal string alignment distance, given up at tooManyEdits.
func alignment(a, b string) int {
	var rows [3][maxEditBytes + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= tooManyEdits {
			return tooManyEdits
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], tooManyEdits)
}
