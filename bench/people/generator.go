package people

import (
	"strings"

	"vertebra/api/fhir"
)

// Generator makes the people of one seed. It is read only: use it from any number
// of goroutines.
type Generator struct {
	seed      uint64
	cultures  []culture
	shares    int
	areas     []area
	streets   []string
	kinds     []string
	placeHead []string
	placeTail []string
}

// culture is an origin, ready to draw from.
type culture struct {
	origin
	families ranked
	given    [2][3]ranked // by gender, then generation
}

// Gender indices of culture.given.
const (
	male = iota
	female
)

// New returns the generator of a seed.
func New(seed uint64) *Generator {
	g := &Generator{
		seed: seed, areas: areas(),
		streets: strings.Fields(streetNames), kinds: strings.Fields(streetKinds),
		placeHead: strings.Fields(composedStarts), placeTail: strings.Fields(composedEnds),
	}
	for _, o := range origins() {
		c := culture{origin: o, families: newRanked(strings.Fields(o.surnames))}
		for generation := range 3 {
			c.given[male][generation] = newRanked(strings.Fields(o.male[generation]))
			c.given[female][generation] = newRanked(strings.Fields(o.female[generation]))
		}
		g.cultures = append(g.cultures, c)
		g.shares += o.share
	}
	return g
}

// Seed is what the generator was made of.
func (g *Generator) Seed() uint64 { return g.seed }

// Person is somebody made up.
type Person struct {
	Number fhir.Number
	// Family, Given, Gender, BirthDate and Postcode are what the person can be searched by.
	Family    string
	Given     []string
	Gender    string
	BirthDate string
	Postcode  string
	// Live: the person's own record can be read; false for a merged or withdrawn number.
	Live bool
	// Resource is the stored Patient, version included. PDS is what stands beside it in
	// the sandbox's seed form; nil for most.
	Resource []byte
	PDS      []byte
}

// AppendLine appends the person as one line of a load, without the line's end: a
// Patient, or the seed form where there is something beside it.
func (p Person) AppendLine(dst []byte) []byte {
	if p.PDS == nil {
		return append(dst, p.Resource...)
	}
	dst = append(append(dst, `{"resource":`...), p.Resource...)
	return append(append(append(dst, `,"pds":`...), p.PDS...), '}')
}

// Person returns person i, from 0.
func (g *Generator) Person(i int) Person {
	l := g.lifeOf(i)
	return l.person(g.Number(i))
}

// Adult returns a living, unrestricted adult without history for a number, for those
// who ask for just somebody: the same person for the same number.
func (g *Generator) Adult(n fhir.Number) Person {
	key := uint64(0)
	for _, c := range []byte(n) {
		key = key*10 + uint64(c-'0')
	}
	h := g.household(newDice(g.seed, saltAdult, key), false)
	l := g.life(&h, single, newDice(g.seed, saltPerson^saltAdult, key))
	l.born.year = min(l.born.year, thisYear-20)
	l.died, l.formerName, l.formerAddress, l.security, l.merged, l.withdrawn = date{}, "", nil, 'U', "", false
	l.version, l.temporary = 1, false
	return l.person(n)
}

// composedName puts an English surname together: Hatherley, Thornton.
func (g *Generator) composedName(d *dice) string { return d.one(g.placeHead) + d.one(g.placeTail) }

func (g *Generator) culture(d *dice) *culture {
	at := d.below(g.shares)
	for i := range g.cultures {
		if at -= g.cultures[i].share; at < 0 {
			return &g.cultures[i]
		}
	}
	return &g.cultures[0]
}

// surname draws one of the culture. Two of three English ones are of the long tail
// that no list of the hundred most frequent has.
func (g *Generator) surname(c *culture, d *dice) string {
	if c.composed && d.chance(6500) {
		return g.composedName(d)
	}
	name := d.frequent(c.families)
	if c.families.names[0] == "Smith" && d.chance(150) {
		return name + "-" + g.composedName(d)
	}
	return name
}
