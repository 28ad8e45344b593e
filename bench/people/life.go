package people

import (
	"strings"

	"vertebra/api/fhir"
)

// life is all that is known of one person, before it is written down.
type life struct {
	household *household
	gender    int
	family    string
	given     []string
	born      date
	died      date // zero: living
	// order is the order of birth of a twin; 0 for everybody else.
	order int
	// formerName is a family name before marriage, formerAddress a home before this one.
	formerName    string
	formerAddress *address
	mobile, email string
	// temporary: a student's address in term.
	temporary bool
	address   address
	// security is U, R or V. merged is the number that this one was merged into.
	security  byte
	merged    fhir.Number
	withdrawn bool
	version   int
	nominates bool
	// ids is a stream of object ids.
	ids dice
}

// lifeOf draws person i.
func (g *Generator) lifeOf(i int) life {
	block := newDice(g.seed, saltHousehold, uint64(i/blockPeople))
	all := seats(&block)
	at := all[i%blockPeople]
	home := newDice(g.seed, saltHousehold, 1<<40+uint64(i/blockPeople*blockPeople+at.household))
	h := g.household(home, hasChildren(all, at.household))
	l := g.life(&h, at.role, newDice(g.seed, saltPerson, uint64(i)))
	l.drawStatus(g, i)
	return l
}

func (g *Generator) life(h *household, r role, d dice) life {
	l := life{household: h, family: h.surname, gender: d.below(2), address: h.address, security: 'U', version: 1}
	l.born = l.birth(r, &d)
	switch r {
	case head:
		l.gender = h.headGender
	case partner:
		l.gender = 1 - h.headGender
		if d.chance(300) {
			l.gender = h.headGender
		}
		l.marry(g, &d)
	case firstChild, secondChild:
		if h.twins {
			l.order = int(r-firstChild) + 1
		}
	}
	l.name(&d)
	l.drawLife(g, &d)
	l.ids = d
	return l
}

// birth draws the birth date that fits the role.
func (l *life) birth(r role, d *dice) date {
	h := l.household
	switch r {
	case head:
		return someDay(d, h.headYear)
	case partner:
		return someDay(d, min(max(h.headYear+d.between(-4, 6), 1925), thisYear-19))
	case firstChild:
		return h.firstBirth
	case secondChild:
		return h.secondBirth
	}
	return someDay(d, h.headYear+d.between(-2, 4))
}

// marry: three of four women took the family name and have one from before.
func (l *life) marry(g *Generator, d *dice) {
	own := g.surname(l.household.culture, d)
	if l.gender == female && d.chance(7500) {
		l.formerName = own
		return
	}
	l.family = own
}

func (l *life) name(d *dice) {
	c := l.household.culture
	generation := 2
	switch {
	case l.born.year < 1950:
		generation = 0
	case l.born.year < 1985:
		generation = 1
	}
	list := c.given[l.gender][generation]
	l.given = append(make([]string, 0, 3), d.frequent(list))
	for range 2 {
		if second := d.frequent(list); d.chance(5500) && second != l.given[0] && len(l.given) < 3 {
			l.given = append(l.given, second)
		}
	}
	if c.feminine && l.gender == female {
		l.family, l.formerName = inFeminine(l.family), inFeminine(l.formerName)
	}
}

func inFeminine(surname string) string {
	if strings.HasSuffix(surname, "ki") {
		return surname[:len(surname)-1] + "a"
	}
	return surname
}

// drawLife draws what happened to the person.
func (l *life) drawLife(g *Generator, d *dice) {
	age := thisYear - l.born.year
	if d.chance(deathChance(age)) && age > 0 {
		l.died = someDay(d, d.between(max(l.born.year+1, 2010), thisYear))
	}
	if l.formerName != "" {
		l.version++
	}
	if d.chance(3000) {
		a := g.address(d)
		a.since = someDay(d, d.between(1980, 1994))
		l.formerAddress = &a
		l.version++
	}
	if age >= 12 {
		l.contact(d, age)
	}
	if l.temporary = age >= 18 && age <= 22 && d.chance(3000); l.temporary {
		l.version++
	}
	l.nominates = d.chance(4000)
	l.version += d.below(4)
}

// contact draws a mobile number and an email address; 07700 900 is the range for drama.
func (l *life) contact(d *dice, age int) {
	if d.chance(9000 - 50*age) {
		l.mobile = "07700900" + padded(d.below(1000), 3)
	}
	if d.chance(7500 - 60*age) {
		domain := [...]string{"example.com", "example.org", "example.net"}[d.below(3)]
		l.email = mailName(l.given[0]) + "." + mailName(l.family) + padded(d.below(1000), 3) + "@" + domain
	}
}

// mailName keeps the plain letters of a name.
func mailName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, name)
}

// deathChance is how many of 10,000 of an age are recorded as dead: a register keeps
// them for years.
func deathChance(age int) int {
	switch {
	case age < 50:
		return 30
	case age < 75:
		return 400
	}
	return 2500 + 100*(age-75)
}

// drawStatus makes one in a thousand merged or withdrawn, and as many restricted.
func (l *life) drawStatus(g *Generator, i int) {
	switch at := l.ids.below(10000); {
	case at < 6 && i > 0:
		// The first duplicate is of the neighbour before, who keeps the number.
		l.merged = g.Number(i - 1)
	case at < 10:
		l.withdrawn = true
	case at < 18:
		l.security = 'R'
	case at < 20:
		l.security = 'V'
	}
}
