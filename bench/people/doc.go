// Package people makes up people: believable British ones, of the many origins
// that Britain has, in households with children and twins, with name changes,
// moves, deaths, restricted records, and numbers that were merged or withdrawn.
//
// Contract: person i of a seed is always the same person, whatever was asked for
// before, in whatever order and on however many goroutines; a Generator does not
// change after New. Numbers are valid and unique for i below MaxPeople; the first
// 900,000 are of the range 999, the others of 998 and so on down to 900, none of
// which is ever issued. No telephone number or address domain that is made up can
// belong to anybody: home numbers are of 01632, an area that does not exist, mobile
// numbers of the range reserved for drama, domains of those for documentation.
//
// It imports nothing but NHS numbers, so that the sandbox, the loader's tests and
// every workload can have the same people.
package people
