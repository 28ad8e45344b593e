package people

import "strconv"

// thisYear is the year in which everybody is made up: fixed, so that a seed makes
// the same people next year.
const thisYear = 2025

// role is somebody's place in a household.
type role uint8

const (
	single role = iota
	head
	partner
	firstChild
	secondChild
)

// blockPeople is how many neighbouring people are dealt into households together, so
// that person i is found without making those before.
const blockPeople = 4

// seat is a person's household within the block, and the role there.
type seat struct {
	household int
	role      role
}

// seats deals a block into households; the mix gives about a quarter children and
// a third of people living alone, near the census.
func seats(d *dice) [blockPeople]seat {
	switch at := d.below(100); {
	case at < 36:
		return [...]seat{{0, head}, {0, partner}, {0, firstChild}, {0, secondChild}}
	case at < 50:
		return [...]seat{{0, head}, {0, partner}, {0, firstChild}, {1, single}}
	case at < 65:
		return [...]seat{{0, head}, {0, partner}, {1, head}, {1, partner}}
	case at < 75:
		return [...]seat{{0, head}, {0, firstChild}, {1, head}, {1, partner}}
	}
	return [...]seat{{0, single}, {1, single}, {2, single}, {3, single}}
}

// household is what its members share.
type household struct {
	culture *culture
	surname string
	address address
	// practice and pharmacy are ODS codes.
	practice, pharmacy string
	// headYear is when the eldest was born, firstBirth and secondBirth when the children were.
	headYear                int
	firstBirth, secondBirth date
	twins                   bool
	// headGender is the head's; the partner's is nearly always the other.
	headGender int
	phone      string
}

// address is where somebody lives.
type address struct {
	line, district, town, county, postcode string
	key                                    string // PAF, or "" where it is not known
	since                                  date
}

// hasChildren reports whether children live in one household of a block.
func hasChildren(block [blockPeople]seat, number int) bool {
	for _, s := range block {
		if s.household == number && s.role == firstChild {
			return true
		}
	}
	return false
}

// household draws a household. Parents of those at home are younger than others.
func (g *Generator) household(d dice, children bool) household {
	var h household
	h.culture = g.culture(&d)
	h.surname = g.surname(h.culture, &d)
	h.address = g.address(&d)
	h.practice, h.pharmacy = organisations(h.address.postcode, &d)
	h.headGender = d.below(2)
	h.headYear = d.between(1962, 2001)
	switch old := d.chance(4500); {
	case children:
		h.headYear = d.between(1968, 1998)
	case old:
		h.headYear = d.between(1926, 1962)
	}
	h.firstBirth = someDay(&d, min(h.headYear+d.between(20, 38), thisYear))
	h.secondBirth = someDay(&d, min(h.firstBirth.year+d.between(1, 5), thisYear))
	if h.twins = d.chance(150); h.twins {
		h.secondBirth = h.firstBirth
	}
	h.phone = "01632" + padded(d.below(1_000_000), 6)
	return h
}

// organisations draws the practice and the pharmacy of people around a postcode:
// about thirty of each to an area.
func organisations(postcode string, d *dice) (practice, pharmacy string) {
	base := 0
	for _, c := range []byte(postcode[:2]) {
		base = base*31 + int(c)
	}
	letter := string("ABCDEFGHJKLMNPY"[base%15])
	practice = letter + padded(81000+base%9*100+d.below(30), 5)
	pharmacy = "F" + string(inwardLetters[base%20]) + padded(base%7*100+d.below(30), 3)
	return practice, pharmacy
}

func (g *Generator) address(d *dice) address {
	a := g.areas[d.below(len(g.areas))]
	district := a.letters + strconv.Itoa(d.between(1, a.districts))
	inward := string([]byte{'0' + byte(d.below(10)), inwardLetters[d.below(20)], inwardLetters[d.below(20)]})
	out := address{
		line: strconv.Itoa(d.between(1, 180)) + " " + d.one(g.streets) + " " + d.one(g.kinds),
		town: a.town, county: a.county, postcode: district + " " + inward,
		since: someDay(d, d.between(1995, thisYear-1)),
	}
	if d.chance(4000) {
		out.district = g.composedName(d)
	}
	if d.chance(6000) {
		out.key = padded(10_000_000+d.below(80_000_000), 8)
	}
	return out
}

// date is a day.
type date struct{ year, month, day int }

func someDay(d *dice, year int) date {
	return date{year, d.between(1, 12), d.between(1, 28)}
}

// append appends t as 2006-01-02.
func (t date) append(b []byte) []byte {
	var text [10]byte
	digits(text[:4], t.year)
	digits(text[5:7], t.month)
	digits(text[8:], t.day)
	text[4], text[7] = '-', '-'
	return append(b, text[:]...)
}

func padded(n, width int) string {
	b := make([]byte, width)
	digits(b, n)
	return string(b)
}
