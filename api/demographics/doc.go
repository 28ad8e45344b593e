// Package demographics is the rules of the demographics service: who a person is,
// how the person is read, found, changed and created. Behaviour is that of the
// public interface, to the letter of its error texts.
//
// Contract: rules over values. A rule is given a Reader, a consistent view of one
// shard, and the request, with the time and whatever is random as arguments; it
// returns an answer, or a Decision, or an error. Nothing here has a clock, a
// goroutine, a socket or state, and everything is safe for concurrent use. An
// error for the client is always an *fhir.Issue; *SupersededError asks the caller
// to go on with another number; any other error is a fault of what is stored or
// of the Reader. The leader stamps Mutation.Time; everything else of a mutation is
// decided here.
package demographics
