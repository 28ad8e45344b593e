package transport

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// maxHead bounds what a stream is opened with: a snapshot's is mostly the group's
// configuration.
const maxHead = 1 << 20

// A stream is a connection of its own. After the handshake: one frame (kindStream or
// kindSnapshot) with the head, one back (kindGoAhead, or kindRefusal), then bytes. Who
// opened it waits for the go-ahead, so that a refusal is not lost in the reset of a
// connection with unread bytes.

// streamConn is a connection whose every read and write must make progress in time.
type streamConn struct {
	net.Conn
	reader   *bufio.Reader
	progress time.Duration
	node     *Node
	stop     func() bool
	ending   sync.Once
}

// Read implements io.Reader.
func (c *streamConn) Read(p []byte) (int, error) {
	if c.reader.Buffered() == 0 {
		deadlineFor(c.Conn.SetReadDeadline, c.progress)
	}
	n, err := c.reader.Read(p)
	c.node.count.streamBytesIn.Add(int64(n))
	return n, err
}

// streamWrite is how much is written under one deadline.
const streamWrite = 64 << 10

// Write implements io.Writer.
func (c *streamConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		deadlineFor(c.Conn.SetWriteDeadline, c.progress)
		var n int
		n, err = c.Conn.Write(p[:min(len(p), streamWrite)])
		written += n
		p = p[n:]
	}
	c.node.count.streamBytesOut.Add(int64(written))
	return written, err
}

// Close implements io.Closer.
func (c *streamConn) Close() error {
	c.ending.Do(func() {
		c.stop()
		c.node.count.streams.Add(-1)
	})
	return c.Conn.Close()
}

func (n *Node) newStream(l *link) *streamConn {
	n.count.streams.Add(1)
	stop := context.AfterFunc(n.ctx, func() { _ = l.conn.Close() })
	return &streamConn{Conn: l.conn, reader: l.reader, progress: n.config.Timing.Progress, node: n, stop: stop}
}

// Stream opens a connection to a peer's OnStream for what is too much for a call. The
// head, at most 1 MiB, is what it begins with; it returns when the peer has accepted.
// Each read or write must make progress within Timing.Progress, so a side that works
// long must say something meanwhile. The stream does not end with the context. The
// caller closes it. At most Limits.Streams are open to one peer: ErrPeerBusy.
func (n *Node) Stream(ctx context.Context, to raft.ServerID, kind byte, head []byte) (net.Conn, error) {
	p, err := n.peer(to)
	if err != nil {
		return nil, err
	}
	return p.openStream(ctx, kindStream, uint32(kind), head)
}

// heldStream gives its place back when it is closed.
type heldStream struct {
	*streamConn
	release func()
}

// Close implements io.Closer.
func (h *heldStream) Close() error {
	err := h.streamConn.Close()
	h.release()
	return err
}

func (p *peer) openStream(ctx context.Context, k kind, group uint32, head []byte) (*heldStream, error) {
	if len(head) > maxHead {
		return nil, fmt.Errorf("%w: stream's head of %d bytes", ErrTooLarge, len(head))
	}
	select {
	case p.streams <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: %d streams", ErrPeerBusy, cap(p.streams))
	}
	release := sync.OnceFunc(func() { <-p.streams })
	dialling, cancel := context.WithTimeout(ctx, p.node.config.Timing.Dial)
	defer cancel()
	l, err := p.reach(dialling, classStream, func() error { return nil })
	if err != nil {
		release()
		return nil, fmt.Errorf("%w: %w", ErrPeerDown, err)
	}
	h := &heldStream{p.node.newStream(l), release}
	if err := h.open(k, group, head); err != nil {
		_ = h.Close()
		return nil, err
	}
	return h, nil
}

func (c *streamConn) open(k kind, group uint32, head []byte) error {
	if err := c.writeFrame(k, group, head); err != nil {
		return fmt.Errorf("%w: %w", ErrPeerLost, err)
	}
	f, err := c.readFrame(kindGoAhead)
	if err != nil {
		return err
	}
	return f.answered(kindGoAhead, nil)
}

func (c *streamConn) writeFrame(k kind, group uint32, body []byte) error {
	buf := beginFrame(make([]byte, 0, frameHeader+len(body)), k, group, 0)
	_, err := c.Write(endFrame(append(buf, body...), 0))
	return err
}

// readFrame returns the next frame that is not a sign of life.
func (c *streamConn) readFrame(want kind) (frame, error) {
	r := frameReader{r: c.reader, limit: maxHead}
	for {
		deadlineFor(c.SetReadDeadline, c.progress)
		f, err := r.read()
		if err != nil {
			return f, fmt.Errorf("%w: %w", ErrPeerLost, err)
		}
		if f.kind != kindWait || want == kindWait {
			return f, nil
		}
	}
}

func (c *streamConn) refuse(why refusal, text string) {
	c.node.count.refusalsOut[why].Add(1)
	_ = c.writeFrame(kindRefusal, 0, encodeRefusal(nil, why, text))
}

// serveStream welcomes who opened a stream and serves it.
func (n *Node) serveStream(l *link) {
	c := n.newStream(l)
	started := false
	p, err := n.peer(l.peer.ServerID())
	if err == nil {
		select {
		case p.served <- struct{}{}:
			started = n.run(func() {
				defer func() { <-p.served }()
				n.stream(c, l)
			})
		default:
		}
	}
	if !started {
		_, _ = c.Write(envelope(n.response(full).encode()))
		_ = c.Close()
	}
}

func (n *Node) stream(c *streamConn, l *link) {
	defer func() { _ = c.Close() }()
	if _, err := c.Write(envelope(n.response(welcome).encode())); err != nil {
		return
	}
	f, err := c.readFrame(kindWait)
	switch {
	case err != nil:
	case f.kind == kindSnapshot:
		n.receiveSnapshot(c, l, f)
	case f.kind == kindStream && n.config.OnStream != nil && f.group < 256:
		head := append([]byte(nil), f.body...)
		if c.writeFrame(kindGoAhead, 0, nil) == nil {
			n.config.OnStream(n.ctx, l.peer, byte(f.group), head, c)
		}
	default:
		c.refuse(refusedUnsupported, "")
	}
}

// sendSnapshot streams a snapshot and waits until the peer has restored it, however
// long that takes, as long as the peer says that it is at it.
func (p *peer) sendSnapshot(ctx context.Context, group uint32, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	h, err := p.openStream(ctx, kindSnapshot, group, encodeSnapshot(nil, args))
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = h.Conn.Close() })
	defer stop()
	if _, err := io.CopyN(h, data, args.Size); err != nil {
		return fmt.Errorf("%w: sending a snapshot: %w", ErrPeerLost, err)
	}
	f, err := h.readFrame(kindSnapshotAnswer)
	if err = f.answered(kindSnapshotAnswer, err); err != nil {
		return err
	}
	p.node.count.snapshots.Add(1)
	return decodeSnapshotAnswer(f.body, sender{[]byte(p.id), nil}, resp)
}

func (n *Node) receiveSnapshot(c *streamConn, l *link, f frame) {
	request, err := decodeSnapshot(f.body, sender{[]byte(l.peer.ServerID()), []byte(l.address)})
	if err == nil {
		err = checkConfiguration(request.Configuration)
	}
	if err != nil {
		c.refuse(refusedFailed, err.Error())
		return
	}
	g := n.group(f.group)
	if g == nil {
		c.refuse(refusedUnknownGroup, "")
		return
	}
	if c.writeFrame(kindGoAhead, 0, nil) != nil {
		return
	}
	answer := make(chan raft.RPCResponse, 1)
	if !g.deliver(raft.RPC{Command: request, Reader: io.LimitReader(c, request.Size), RespChan: answer}) {
		c.refuse(refusedBusy, "")
		return
	}
	n.awaitRestore(c, g, answer)
}

// checkConfiguration refuses what raft would panic on.
func checkConfiguration(data []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: configuration", ErrCorrupt)
		}
	}()
	if len(data) > 0 {
		raft.DecodeConfiguration(data)
	}
	return nil
}

// awaitRestore says that the peer is at it until it is done.
func (n *Node) awaitRestore(c *streamConn, g *Group, answer <-chan raft.RPCResponse) {
	ticker := time.NewTicker(n.config.Timing.Progress / 4)
	defer ticker.Stop()
	for {
		select {
		case r := <-answer:
			a, ok := r.Response.(*raft.InstallSnapshotResponse)
			if r.Error != nil || !ok {
				c.refuse(refusedFailed, fmt.Sprint(r.Error))
				return
			}
			_ = c.writeFrame(kindSnapshotAnswer, g.id, encodeSnapshotAnswer(nil, a))
			return
		case <-ticker.C:
			if c.writeFrame(kindWait, g.id, nil) != nil {
				return
			}
		case <-g.closed:
			c.refuse(refusedClosed, "")
			return
		case <-n.ctx.Done():
			return
		}
	}
}
