package membership

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// voice is what this node says; it implements memberlist.Delegate.
type voice struct {
	table *table
	queue memberlist.TransmitLimitedQueue

	mu     sync.Mutex
	card   card
	number uint64 // of the last report
}

func newVoice(c card, t *table) *voice {
	v := &voice{card: c, table: t}
	v.queue.NumNodes, v.queue.RetransmitMult = t.live, 3
	return v
}

// check reports whether the card fits, at the worst.
func (v *voice) check() error {
	widest := v.card
	widest.founding.seen, widest.founding.vote = ^uint64(0), ^uint64(0)
	widest.node.Load = Load{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), true}
	encoded := widest.encode()
	if _, err := decodeCard(encoded); err != nil {
		return fmt.Errorf("%w: a text over %d bytes", err, maxStringBytes)
	}
	if len(encoded) > memberlist.MetaMaxSize {
		return ErrTooLarge
	}
	return nil
}

func (v *voice) change(edit func(*card)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	edit(&v.card)
}

func (v *voice) founding() founding {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.card.founding
}

func (v *voice) leave() { v.change(func(c *card) { c.leaving = true }) }

// report spreads this node's load.
func (v *voice) report(load Load) {
	var r report
	v.change(func(c *card) {
		c.node.Load = load
		v.number++
		r = report{id: c.node.ID, started: c.node.Started.UnixMilli(), number: v.number, load: load}
	})
	v.spread(r)
}

// spread remembers a report and passes it on, if it is news.
func (v *voice) spread(r report) {
	if v.table.reported(r) {
		v.queue.QueueBroadcast(reportBroadcast{r.id, r.encode()})
	}
}

// NodeMeta implements memberlist.Delegate.
func (v *voice) NodeMeta(int) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.card.encode()
}

// NotifyMsg implements memberlist.Delegate. What cannot be read is of another build.
func (v *voice) NotifyMsg(message []byte) {
	if r, err := decodeReport(message); err == nil {
		v.spread(r)
	}
}

// GetBroadcasts implements memberlist.Delegate.
func (v *voice) GetBroadcasts(overhead, limit int) [][]byte {
	return v.queue.GetBroadcasts(overhead, limit)
}

// LocalState implements memberlist.Delegate: all reports, each behind its length.
func (v *voice) LocalState(bool) (state []byte) {
	for _, r := range v.table.allReports() {
		encoded := r.encode()
		state = append(binary.AppendUvarint(state, uint64(len(encoded))), encoded...)
	}
	return state
}

// MergeRemoteState implements memberlist.Delegate.
func (v *voice) MergeRemoteState(state []byte, _ bool) {
	d := decoder{rest: state}
	for count := 0; len(d.rest) > 0 && count < maxMembers; count++ {
		size := d.uvarint()
		if size > uint64(len(d.rest)) {
			return
		}
		if r, err := decodeReport(d.take(int(size))); err == nil {
			v.table.reported(r)
		}
	}
}

// reportBroadcast implements memberlist.NamedBroadcast: a node's newer report takes the
// place of its older one.
type reportBroadcast struct {
	id      string
	message []byte
}

func (b reportBroadcast) Invalidates(other memberlist.Broadcast) bool {
	o, ok := other.(reportBroadcast)
	return ok && o.id == b.id
}

func (b reportBroadcast) Name() string    { return b.id }
func (b reportBroadcast) Message() []byte { return b.message }
func (b reportBroadcast) Finished()       {}

// ear is what this node hears; it implements memberlist's delegates for events. They are
// called under memberlist's lock: they note it in the table and do nothing else.
type ear struct{ table *table }

// NotifyAlive implements memberlist.AliveDelegate: who cannot be understood, or says to
// be another than its name, is no member.
func (e ear) NotifyAlive(n *memberlist.Node) error {
	c, err := decodeCard(n.Meta)
	if err == nil && c.node.ID != n.Name {
		err = errCard
	}
	return err
}

// NotifyJoin implements memberlist.EventDelegate.
func (e ear) NotifyJoin(n *memberlist.Node) { e.NotifyUpdate(n) }

// NotifyUpdate implements memberlist.EventDelegate.
func (e ear) NotifyUpdate(n *memberlist.Node) {
	if c, err := decodeCard(n.Meta); err == nil {
		e.table.heard(c, addressOf(n))
	}
}

// NotifyLeave implements memberlist.EventDelegate. Memberlist does not tell a goodbye
// from a death: the last card does.
func (e ear) NotifyLeave(n *memberlist.Node) {
	c, err := decodeCard(n.Meta)
	e.table.parted(n.Name, err == nil && c.leaving)
}

// NotifyConflict implements memberlist.ConflictDelegate.
func (e ear) NotifyConflict(_, other *memberlist.Node) {
	if c, err := decodeCard(other.Meta); err == nil {
		e.table.clash(c, addressOf(other))
	}
}

// AckPayload implements memberlist.PingDelegate.
func (e ear) AckPayload() []byte { return nil }

// NotifyPingComplete implements memberlist.PingDelegate.
func (e ear) NotifyPingComplete(other *memberlist.Node, roundTrip time.Duration, _ []byte) {
	e.table.measured(other.Name, roundTrip)
}
