package people

import "math/rand/v2"

// dice is a stream of random draws. PCG's output is fixed by the language's
// promise, so that a seed makes the same people in every build.
type dice struct{ pcg rand.PCG }

// salts keep the streams of one seed apart.
const (
	saltHousehold uint64 = 0x9e3779b97f4a7c15
	saltPerson    uint64 = 0xbf58476d1ce4e5b9
	saltAdult     uint64 = 0x94d049bb133111eb
)

func newDice(seed, salt, n uint64) dice {
	var d dice
	d.pcg.Seed(seed*saltPerson+salt, (n+1)*salt)
	d.pcg.Uint64() // the first output of neighbouring seeds is alike
	return d
}

// below draws from 0 to n-1. The bias of the remainder is under n/2^64.
func (d *dice) below(n int) int { return int(d.pcg.Uint64() % uint64(n)) }

// between draws from low to high, both included.
func (d *dice) between(low, high int) int { return low + d.below(high-low+1) }

// chance is true in so many of 10,000 draws.
func (d *dice) chance(of10000 int) bool { return d.below(10000) < of10000 }

// one draws any of list.
func (d *dice) one(list []string) string { return list[d.below(len(list))] }

// frequent draws from list with weights that fall as 1/(rank+8): the first of a
// hundred names is four times as frequent as the twentieth, as Smith is.
func (d *dice) frequent(list ranked) string {
	at := d.below(list.total)
	low, high := 0, len(list.names)-1
	for low < high {
		if mid := (low + high) / 2; list.upTo[mid] > at {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return list.names[low]
}

// ranked is a list of names, the more frequent ones first, with running weights.
type ranked struct {
	names []string
	upTo  []int
	total int
}

func newRanked(names []string) ranked {
	r := ranked{names: names, upTo: make([]int, len(names))}
	for i := range names {
		r.total += 1_000_000 / (i + 8)
		r.upTo[i] = r.total
	}
	return r
}
