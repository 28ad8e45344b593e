package wan

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Conn wraps a connection: what is written to it goes over out, what is read from it
// comes over in. Wrapping one end is enough for both directions; wrapping both adds up.
func Conn(conn net.Conn, out, in *Link) net.Conn {
	c := &wideConn{Conn: conn, out: newDirection(out), in: newDirection(in)}
	go c.pumpOut()
	go c.pumpIn()
	return c
}

type wideConn struct {
	net.Conn
	out, in       *direction
	reads, writes deadline
}

// chunkBytes is how finely connections share a link.
const chunkBytes = 16 << 10

// Read implements net.Conn.
func (c *wideConn) Read(p []byte) (int, error) { return c.in.pop(p, &c.reads) }

// Write implements net.Conn.
func (c *wideConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n := min(len(p), chunkBytes)
		if err := c.out.push(p[:n], &c.writes); err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

// Close implements net.Conn. What was written still arrives if the link is whole.
func (c *wideConn) Close() error {
	c.out.end(net.ErrClosed)
	c.in.abort(net.ErrClosed)
	return nil
}

// SetDeadline implements net.Conn.
func (c *wideConn) SetDeadline(t time.Time) error {
	c.reads.set(t)
	c.writes.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *wideConn) SetReadDeadline(t time.Time) error {
	c.reads.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *wideConn) SetWriteDeadline(t time.Time) error {
	c.writes.set(t)
	return nil
}

// pumpOut brings what was written to the wrapped connection, and closes it at the end.
func (c *wideConn) pumpOut() {
	defer func() { _ = c.Conn.Close() }()
	buf := make([]byte, chunkBytes)
	for {
		n, err := c.out.pop(buf, nil)
		if err != nil {
			return
		}
		if _, err := c.Conn.Write(buf[:n]); err != nil {
			c.out.abort(err)
			return
		}
	}
}

// pumpIn brings what comes from the wrapped connection.
func (c *wideConn) pumpIn() {
	buf := make([]byte, chunkBytes)
	for {
		n, err := c.Conn.Read(buf)
		if n > 0 {
			if full := c.in.push(buf[:n], nil); full != nil {
				err = full
			}
		}
		if err != nil {
			c.in.end(err)
			c.out.abort(io.ErrClosedPipe)
			return
		}
	}
}

// direction is the bytes of one connection that are under way over a link.
type direction struct {
	link *Link

	mu      sync.Mutex
	chunks  []chunk
	bytes   int
	last    time.Time // arrival of the last chunk: none overtakes it
	lost    bool      // dropped once: the stream has a hole and goes no further
	ended   error     // nothing more is pushed; what is there still arrives
	aborted error     // nothing arrives any more
	changed chan struct{}
}

type chunk struct {
	data []byte
	due  time.Time
}

func newDirection(l *Link) *direction { return &direction{link: l, changed: make(chan struct{})} }

// wake tells those who wait. The lock is held.
func (d *direction) wake() {
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *direction) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended == nil {
		d.ended = err
		d.wake()
	}
}

func (d *direction) abort(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.aborted == nil {
		d.aborted, d.chunks, d.bytes = err, nil, 0
		d.wake()
	}
}

// push sends bytes on their way; it waits while too many are.
func (d *direction) push(p []byte, limit *deadline) error {
	for {
		cut, linkChanged := d.link.now()
		over, limitChanged := limit.wait()
		d.mu.Lock()
		err := d.over(cut.Cut)
		switch {
		case err == nil && d.ended != nil:
			err = d.ended
		case err == nil && cut.Cut == Drop:
			d.lost, d.chunks, d.bytes = true, nil, 0
		}
		if err == nil && d.bytes > 0 && d.bytes+len(p) > d.link.buffer() {
			changed := d.changed
			d.mu.Unlock()
			if err := pause(nil, over, changed, linkChanged, limitChanged); err != nil {
				return err
			}
			continue
		}
		if err == nil && !d.lost {
			d.add(p)
		}
		d.mu.Unlock()
		return err
	}
}

// add puts a chunk on its way. The lock is held.
func (d *direction) add(p []byte) {
	due := d.link.arrival(len(p))
	if due.Before(d.last) {
		due = d.last
	}
	d.last = due
	d.chunks = append(d.chunks, chunk{append([]byte(nil), p...), due})
	d.bytes += len(p)
	d.wake()
}

// over returns why nothing goes through any more. The lock is held.
func (d *direction) over(cut Cut) error {
	if cut == Reset && d.aborted == nil {
		d.aborted, d.chunks, d.bytes = ErrReset, nil, 0
		d.wake()
	}
	return d.aborted
}

// pop returns bytes that have arrived; it waits for them.
func (d *direction) pop(p []byte, limit *deadline) (int, error) {
	for {
		conditions, linkChanged := d.link.now()
		over, limitChanged := limit.wait()
		d.mu.Lock()
		if err := d.over(conditions.Cut); err != nil {
			d.mu.Unlock()
			return 0, err
		}
		if conditions.Cut == Drop && !d.lost {
			d.lost, d.chunks, d.bytes = true, nil, 0
			d.wake()
		}
		// Who closed does not wait for a cut to heal.
		if d.ended != nil && (len(d.chunks) == 0 && !d.lost || conditions.Cut != Whole && d.ended == net.ErrClosed || d.lost && d.ended == net.ErrClosed) {
			err := d.ended
			d.mu.Unlock()
			return 0, err
		}
		var due <-chan time.Time
		if len(d.chunks) > 0 && conditions.Cut == Whole {
			wait := time.Until(d.chunks[0].due)
			if wait <= 0 {
				n := d.remove(p)
				d.mu.Unlock()
				return n, nil
			}
			due = time.After(wait)
		}
		changed := d.changed
		d.mu.Unlock()
		if err := pause(due, over, changed, linkChanged, limitChanged); err != nil {
			return 0, err
		}
	}
}

// remove copies from the first chunk. The lock is held.
func (d *direction) remove(p []byte) int {
	n := copy(p, d.chunks[0].data)
	d.chunks[0].data = d.chunks[0].data[n:]
	d.bytes -= n
	if len(d.chunks[0].data) == 0 {
		d.chunks[0].data = nil
		d.chunks = d.chunks[1:]
	}
	d.wake()
	return n
}

// pause waits until one of the channels says something; over means too late.
func pause(due, over <-chan time.Time, changed ...<-chan struct{}) error {
	select {
	case <-due:
	case <-over:
		return os.ErrDeadlineExceeded
	case <-changed[0]:
	case <-changed[1]:
	case <-changed[2]:
	}
	return nil
}

// deadline is a point in time that can be changed while it is waited for. Nil: none.
type deadline struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

func (d *deadline) wait() (over <-chan time.Time, changed <-chan struct{}) {
	if d == nil {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	if !d.at.IsZero() {
		over = time.After(time.Until(d.at))
	}
	return over, d.changed
}
