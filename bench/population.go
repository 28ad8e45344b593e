package bench

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"net/url"

	"github.com/tidwall/gjson"

	"vertebra/bench/people"
)

// maxDraws bounds how many people are looked at for one that suits: all but one in
// five hundred suit a read, and two of three the pickiest trace.
const maxDraws = 1000

// errNobody: so few people were asked for that none of them suits.
var errNobody = errors.New("bench: nobody among the people suits the workload; there have to be more")

// population is whom the node holds: the first so many people of a seed. Part p of
// n parts is every n-th of them; a whole one is part 0 of 1. It is read only.
type population struct {
	generator   *people.Generator
	count       int
	part, parts int
}

func newPopulation(s Settings) population {
	return population{people.New(s.Seed), s.Patients, 0, 1}
}

// of returns one part of several that have nobody in common.
func (p population) of(part, parts int) population {
	p.part, p.parts = part, parts
	return p
}

// size counts the people of the part.
func (p population) size() int { return (p.count - p.part + p.parts - 1) / p.parts }

// any draws somebody whose record can be read and found by everybody.
func (p population) any(random *rand.Rand) (people.Person, error) {
	for range maxDraws {
		person := p.generator.Person(random.IntN(p.size())*p.parts + p.part)
		if person.Live && isUnrestricted(person) {
			return person, nil
		}
	}
	return people.Person{}, errNobody
}

// isUnrestricted: a restricted person is not found by postcode, and cannot be changed.
func isUnrestricted(p people.Person) bool {
	return gjson.GetBytes(p.Resource, "meta.security.0.code").Str == "U"
}

// question is what one call asks: for records by number, or for a search that must
// find the only person in it.
type question struct {
	numbers []string
	query   url.Values
}

// draw makes the next question of a workload.
func (p population) draw(w Workload, random *rand.Rand) (question, error) {
	if w.trace != nil {
		return p.drawTrace(w, random)
	}
	q := question{numbers: make([]string, w.Batch)}
	for i := range q.numbers {
		person, err := p.any(random)
		if err != nil {
			return question{}, err
		}
		q.numbers[i] = string(person.Number)
	}
	return q, nil
}

func (p population) drawTrace(w Workload, random *rand.Rand) (question, error) {
	for range maxDraws {
		person, err := p.any(random)
		if err != nil {
			return question{}, err
		}
		if query, ok := w.trace(person, random); ok {
			return question{[]string{string(person.Number)}, query}, nil
		}
	}
	return question{}, errNobody
}

// randomOf is the stream of draws of one client in one phase of a workload. The
// name is in it so that a workload asks the same whichever others are run.
func randomOf(seed uint64, workload string, client int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(workload))
	return rand.New(rand.NewPCG(seed, h.Sum64()+uint64(client)))
}
