package transport

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// receive acts on one frame, on the goroutine that reads: it must not wait. An error
// ends the session.
func (s *session) receive(f frame) error {
	switch f.kind {
	case kindAppend, kindVote, kindPreVote, kindTimeoutNow:
		return s.receiveRaft(f)
	case kindBeats:
		return s.receiveBeats(f)
	case kindBeatAnswers:
		return s.receiveBeatAnswers(f)
	case kindTerms:
		return s.receiveTerms(f)
	case kindVisible:
		return s.receiveVisible(f)
	case kindCall:
		return s.receiveCall(f)
	case kindPing:
		echo := f.body
		s.answer(kindPong, 0, f.id, func(b []byte) []byte { return append(b, echo...) })
		return nil
	case kindPong:
		return s.ponged(f)
	case kindRefusal:
		s.countRefusal(f)
		s.calls.finish(f)
		return nil
	case kindAppendAnswer, kindVoteAnswer, kindPreVoteAnswer, kindTimeoutNowAnswer, kindTermsAnswer, kindCallAnswer:
		s.calls.finish(f)
		return nil
	default:
		// A later build's: it is told, and goes on with what both know.
		s.refuse(f.group, f.id, refusedUnsupported, "")
		return nil
	}
}

func (s *session) countRefusal(f frame) {
	if len(f.body) > 0 && f.body[0] < byte(refusals) {
		s.node.count.refusalsIn[f.body[0]].Add(1)
	}
}

// decodeRequest returns the message for raft.
func (s *session) decodeRequest(f frame) (any, error) {
	switch f.kind {
	case kindAppend:
		return decodeAppend(f.body, s.from)
	case kindVote:
		return decodeVote(f.body, s.from)
	case kindPreVote:
		return decodePreVote(f.body, s.from)
	default:
		return decodeTimeoutNow(f.body, s.from)
	}
}

// receiveRaft gives a message to its group's raft, which answers when it gets to it.
func (s *session) receiveRaft(f frame) error {
	request, err := s.decodeRequest(f)
	if err != nil {
		return err
	}
	g := s.node.group(f.group)
	if g == nil {
		s.refuse(f.group, f.id, refusedUnknownGroup, "")
		return nil
	}
	s.hand(g, f.id, request)
	return nil
}

// hand puts a request into the group's inbox. The goroutine that waits for the answer
// costs a microsecond; raft's channel for it carries no number by which one goroutine
// could wait for all.
func (s *session) hand(g *Group, id uint64, request any) {
	answer := make(chan raft.RPCResponse, 1)
	if !g.deliver(raft.RPC{Command: request, RespChan: answer}) {
		s.refuse(g.id, id, refusedBusy, "")
		return
	}
	s.node.run(func() {
		select {
		case r := <-answer:
			s.respond(g, id, r)
		case <-g.closed:
			s.refuse(g.id, id, refusedClosed, "")
		case <-s.done:
		}
	})
}

func (s *session) respond(g *Group, id uint64, r raft.RPCResponse) {
	if r.Error != nil {
		s.refuse(g.id, id, refusedFailed, r.Error.Error())
		return
	}
	switch a := r.Response.(type) {
	case *raft.AppendEntriesResponse:
		s.answer(kindAppendAnswer, g.id, id, func(b []byte) []byte { return encodeAppendAnswer(b, a) })
	case *raft.RequestVoteResponse:
		s.answer(kindVoteAnswer, g.id, id, func(b []byte) []byte { return encodeVoteAnswer(b, a) })
	case *raft.RequestPreVoteResponse:
		s.answer(kindPreVoteAnswer, g.id, id, func(b []byte) []byte { return encodePreVoteAnswer(b, a) })
	case *raft.TimeoutNowResponse:
		s.answer(kindTimeoutNowAnswer, g.id, id, func(b []byte) []byte { return encodeTimeoutNowAnswer(b, a) })
	default:
		s.refuse(g.id, id, refusedFailed, fmt.Sprintf("unexpected answer %T", r.Response))
	}
}

// receiveBeats answers heartbeats of many groups in one frame. A heartbeat of a term
// that this node is not in makes raft write the term to disk; it goes the ordinary way
// and is answered later, so that the others do not wait for it.
func (s *session) receiveBeats(f frame) error {
	b := body{rest: f.body}
	buf := beginFrame(s.node.buffer(), kindBeatAnswers, 0, 0)
	empty := len(buf)
	answer := make(chan raft.RPCResponse, 1)
	for len(b.rest) > 0 {
		group, id, term, version := b.group(), b.uint(), b.uint(), b.uint()
		if b.err != nil {
			break
		}
		g := s.node.group(group)
		if g == nil {
			buf = s.appendBeatRefusal(buf, id, refusedUnknownGroup)
			continue
		}
		beat := &raft.AppendEntriesRequest{RPCHeader: s.from.header(version), Term: term}
		r, inline := g.beat(beat, answer)
		switch {
		case !inline:
			s.hand(g, id, beat)
		case r == nil:
			buf = s.appendBeatRefusal(buf, id, refusedClosed)
		default:
			buf = encodeAppendAnswer(append(appendUints(buf, id), byte(refusedNothing)), r)
		}
	}
	if len(buf) > empty {
		_ = s.push(endFrame(buf, 0), true)
	}
	return b.err
}

func (s *session) appendBeatRefusal(buf []byte, id uint64, why refusal) []byte {
	s.node.count.refusalsOut[why].Add(1)
	return append(appendUints(buf, id), byte(why))
}

// receiveBeatAnswers gives each answer to who beat, as if it had come alone.
func (s *session) receiveBeatAnswers(f frame) error {
	b := body{rest: f.body}
	var r raft.AppendEntriesResponse
	for len(b.rest) > 0 && b.err == nil {
		id, why := b.uint(), refusal(b.byte())
		from := b.rest
		if why != refusedNothing {
			from = []byte{byte(why)}
			s.countRefusal(frame{body: from})
			s.calls.finish(frame{kind: kindRefusal, id: id, body: from})
			continue
		}
		b.appendAnswer(s.from, &r)
		if b.err == nil {
			s.calls.finish(frame{kind: kindAppendAnswer, id: id, body: from[:len(from)-len(b.rest)]})
		}
	}
	return b.err
}
