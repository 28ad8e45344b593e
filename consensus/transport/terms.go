package transport

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/hashicorp/raft"
)

// termAnswer is what one node said about one group.
type termAnswer struct {
	term uint64
	err  error
}

// CurrentTerm returns the term of a group's replica at a node, looked up there after
// the call began: it implements consensus.TermPeers. Everybody who waits when a round
// begins, for whatever group, travels in one message; who comes while enough rounds
// are under way joins the next. ErrUnknownGroup means that the node is there and has no
// such replica.
func (n *Node) CurrentTerm(ctx context.Context, group uint32, id, address string) (uint64, error) {
	p, err := n.peer(raft.ServerID(id))
	if err != nil {
		return 0, err
	}
	p.hint(raft.ServerAddress(address))
	s, err := p.connect(ctx)
	if err != nil {
		return 0, err
	}
	answer := make(chan termAnswer, 1)
	if err := s.queue.ask(group, answer); err != nil {
		return 0, err
	}
	select {
	case a := <-answer:
		return a.term, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func failTerms(round map[uint32][]chan<- termAnswer, err error) {
	for _, waiting := range round {
		for _, w := range waiting {
			w <- termAnswer{err: err}
		}
	}
}

// appendTermRound appends the frame that asks for the groups of a round.
func (s *session) appendTermRound(buf []byte, round map[uint32][]chan<- termAnswer) []byte {
	groups := make([]uint32, 0, len(round))
	for g := range round {
		groups = append(groups, g)
	}
	id, err := s.calls.add(s.deadline(), func(f frame, err error) {
		s.queue.roundOver()
		if err = f.answered(kindTermsAnswer, err); err == nil {
			err = giveTerms(f.body, groups, round)
		}
		if err != nil {
			failTerms(round, err)
		}
	})
	if err != nil {
		failTerms(round, err)
		return buf
	}
	s.node.count.framesOut.Add(1)
	s.node.count.termRounds.Add(1)
	s.node.count.termQuestions.Add(int64(len(groups)))
	from := len(buf)
	return endFrame(encodeTerms(beginFrame(buf, kindTerms, 0, id), groups), from)
}

func (s *session) deadline() time.Time { return time.Now().Add(s.node.config.Timing.Answer) }

// receiveTerms answers at once. The answer has no count and no groups: it is in the
// order of the question, one for each: known, term.
func (s *session) receiveTerms(f frame) error {
	b := body{rest: f.body}
	count := b.count(1)
	buf := beginFrame(s.node.buffer(), kindTermsAnswer, 0, f.id)
	for range count {
		term, ok := s.termOf(b.group())
		buf = binary.AppendUvarint(appendBool(buf, ok), term)
	}
	if err := b.end(); err != nil {
		return err
	}
	_ = s.push(endFrame(buf, 0), true)
	return nil
}

func (s *session) termOf(group uint32) (uint64, bool) {
	if s.node.config.Term == nil {
		return 0, false
	}
	return s.node.config.Term(group)
}

// decodeTermAnswers returns one answer for each of count groups.
func decodeTermAnswers(data []byte, count int) ([]termAnswer, error) {
	b := body{rest: data}
	answers := make([]termAnswer, count)
	for i := range answers {
		known, term := b.bool(), b.uint()
		answers[i].term = term
		if !known {
			answers[i] = termAnswer{err: ErrUnknownGroup}
		}
	}
	return answers, b.end()
}

// giveTerms gives all answers or, with an error, none.
func giveTerms(data []byte, groups []uint32, round map[uint32][]chan<- termAnswer) error {
	answers, err := decodeTermAnswers(data, len(groups))
	if err != nil {
		return err
	}
	for i, g := range groups {
		for _, w := range round[g] {
			w <- answers[i]
		}
	}
	return nil
}
