package main

import "vertebra/bench/people"

// madeUpPeople returns what makes up the people of a seed.
func madeUpPeople(seed uint64) personMaker {
	generator := people.New(seed)
	return func(i int, line []byte) []byte { return generator.Person(i).AppendLine(line) }
}
