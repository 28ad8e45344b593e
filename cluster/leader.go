package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"vertebra/consensus"
	"vertebra/consensus/transport"
	"vertebra/storage/record"
)

// errNotLeader: the node that was asked does not lead the shard. Nothing was done.
var errNotLeader = errors.New("cluster: not the shard's leader")

// The calls between nodes: a kind and bytes.
const (
	callProve   byte = 1
	callPropose byte = 2
	// callSettle asks a node to come up to everything that is acknowledged, in every shard.
	callSettle byte = 3
)

const (
	// leaderPatience is how long a request waits for a shard to have a leader: long enough
	// for an election with a candidate that fails, and within every client's deadline.
	leaderPatience = 4 * time.Second
	// leaderPoll is how often it looks.
	leaderPoll = 15 * time.Millisecond
)

// peers asks other nodes. It is safe for concurrent use.
type peers interface {
	// Call asks the node with that server id and returns its answer. An error means that it
	// cannot be known whether the node has seen the question.
	Call(ctx context.Context, server string, kind byte, body []byte) ([]byte, error)
}

// atLeader does something where the shard is led: here if this node leads it, and
// else there. While nobody leads, or the leader has just changed, it waits and tries
// again, within leaderPatience and the context.
func (r *replica) atLeader(ctx context.Context, here func() error, there func(leader string) error) error {
	var patience <-chan time.Time
	for {
		err := errNotLeader
		if leader, _ := r.group().Leader(); leader == r.server {
			err = here()
		} else if leader != "" && r.peers != nil {
			err = there(leader)
		}
		if !errors.Is(err, errNotLeader) {
			return err
		}
		if patience == nil { // only now: a timer for each read would be its dearest part
			patience = r.clock.base.After(leaderPatience)
		}
		select {
		case <-r.clock.base.After(leaderPoll):
		case <-patience:
			return retry(ErrUnavailable, time.Second)
		case <-ctx.Done():
			return retry(ErrUnavailable, time.Second)
		}
	}
}

// prove returns when everything acknowledged before the call is visible here: the
// shard's leader has proved that it leads, at a moment after the call began, and this
// replica shows at least what the leader showed then.
func (r *replica) prove(ctx context.Context) error {
	if r.established() { // the way of nearly every read, without a closure
		if _, err := r.proveHere(ctx); !errors.Is(err, errNotLeader) {
			return err
		}
	}
	return r.atLeader(ctx,
		func() error {
			_, err := r.proveHere(ctx)
			return err
		},
		func(leader string) error { return r.catchUp(ctx, leader) })
}

// catchUp asks the leader what is visible and waits until that is visible here. The
// age of what is shown counts from when the question was sent.
func (r *replica) catchUp(ctx context.Context, leader string) error {
	began := r.clock.base.Now()
	visible, err := r.askVisible(ctx, leader)
	if err != nil {
		return err
	}
	r.announce(visible)
	if err := r.visible.wait(ctx, visible); err != nil {
		return retry(ErrUnavailable, time.Second)
	}
	r.freshened(began)
	return nil
}

// proveHere returns the term that this node has proved to lead. OnLeadership raised
// V to the marker of the term before the first proof in it.
func (r *replica) proveHere(ctx context.Context) (uint64, error) {
	term, err := r.group().ProveLeader(ctx)
	return term, fromConsensus(err)
}

// askVisible asks the leader for its visible index behind a proof.
func (r *replica) askVisible(ctx context.Context, leader string) (uint64, error) {
	answer, err := r.peers.Call(ctx, leader, callProve, binary.AppendUvarint(nil, uint64(r.id)))
	if err != nil || len(answer) == 0 {
		return 0, errNotLeader // it may have died: asking again, maybe another, is harmless
	}
	if err := verdict(answer[0]).err(); err != nil {
		return 0, err
	}
	visible, n := binary.Uvarint(answer[1:])
	if n <= 0 {
		return 0, errPeerCodec
	}
	return visible, nil
}

// propose has a command replicated and returns its result once that is visible
// where the shard is led.
func (r *replica) propose(ctx context.Context, command record.Command) (result record.Result, err error) {
	err = r.atLeader(ctx,
		func() error { result, err = r.proposeHere(ctx, command); return err },
		func(leader string) error { result, err = r.proposeThere(ctx, leader, command); return err })
	return result, err
}

// proposeHere stamps a command with the cluster's time and replicates it.
func (r *replica) proposeHere(ctx context.Context, command record.Command) (record.Result, error) {
	if err := r.admit(ctx); err != nil {
		return record.Result{}, err
	}
	command.Mutation.Time = r.clock.Now().UnixMicro()
	payload, err := command.AppendBinary(nil)
	if err != nil {
		return record.Result{}, err
	}
	proposal := consensus.Proposal{Payload: payload}
	if command.Kind == record.KindMutation {
		proposal.Footprint = command.Mutation.Footprint()
	}
	applied, err := r.group().Propose(ctx, proposal)
	if err != nil {
		return record.Result{}, fromConsensus(err)
	}
	result := applied.Result.(record.Result)
	if err := r.visible.wait(ctx, max(result.Index, result.ReplayIndex)); err != nil {
		return record.Result{}, errors.Join(ErrOutcomeUnknown, err)
	}
	return result, nil
}

// proposeThere sends a command to the leader's node. The decision travels, not the
// call: it is as conditional there as here, so it costs the same one round trip, and
// neither the caller's identity nor the request has to be sent or checked again.
func (r *replica) proposeThere(ctx context.Context, leader string, command record.Command) (record.Result, error) {
	payload, err := command.AppendBinary(binary.AppendUvarint(nil, uint64(r.id)))
	if err != nil {
		return record.Result{}, err
	}
	answer, err := r.peers.Call(ctx, leader, callPropose, payload)
	if errors.Is(err, transport.ErrPeerDown) || errors.Is(err, transport.ErrPeerBusy) {
		return record.Result{}, errNotLeader // nothing was sent: another may lead soon
	}
	if err != nil || len(answer) == 0 {
		return record.Result{}, errors.Join(ErrOutcomeUnknown, err)
	}
	if err := verdict(answer[0]).err(); err != nil {
		return record.Result{}, err
	}
	result, err := cutResult(answer[1:])
	if err != nil {
		return record.Result{}, errors.Join(ErrOutcomeUnknown, err)
	}
	return result, nil
}

// answerPeer answers a call of another node. It never returns an error: what went
// wrong is in the answer.
func (n *Node) answerPeer(ctx context.Context, kind byte, body []byte) []byte {
	shard, size := binary.Uvarint(body)
	if size <= 0 || shard >= maxShards+1 || n.replica(uint32(shard)) == nil || n.replica(uint32(shard)).group() == nil {
		return []byte{byte(verdictNotLeader)}
	}
	r, body := n.replica(uint32(shard)), body[size:]
	switch kind {
	case callSettle:
		return []byte{byte(verdictOf(n.Ready(ctx)))}
	case callProve:
		_, err := r.proveHere(ctx)
		return binary.AppendUvarint([]byte{byte(verdictOf(err))}, r.visible.load())
	case callPropose:
		command, err := record.DecodeCommand(body)
		if err != nil {
			return []byte{byte(verdictUnavailable)}
		}
		result, err := r.proposeHere(ctx, command)
		return appendResult([]byte{byte(verdictOf(err))}, result)
	}
	return []byte{byte(verdictUnavailable)}
}
