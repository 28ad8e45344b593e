package wan

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func half() float64 { return 0.5 }

// pair returns a connection over links, its other end, and the links.
func pair(t *testing.T, out, in Conditions) (near, far net.Conn, outLink, inLink *Link) {
	a, b := net.Pipe()
	outLink, inLink = NewLink(out, half), NewLink(in, half)
	near = Conn(a, outLink, inLink)
	t.Cleanup(func() { _, _ = near.Close(), b.Close() })
	return near, b, outLink, inLink
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// receive reads as many bytes as text has and returns how long that took.
func receive(t *testing.T, c net.Conn, text string) time.Duration {
	t.Helper()
	start := time.Now()
	buf := make([]byte, len(text))
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != text {
		t.Fatalf("read %q, %v; want %q", buf, err, text)
	}
	return time.Since(start)
}

func TestDelayIsOneWayAndEachItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far, _, _ := pair(t, Conditions{Delay: 10 * time.Millisecond, Jitter: 4 * time.Millisecond}, Conditions{Delay: 30 * time.Millisecond})
		send(t, near, "ping")
		if took := receive(t, far, "ping"); took != 12*time.Millisecond {
			t.Errorf("out took %v, want 12ms", took)
		}
		send(t, far, "pong")
		if took := receive(t, near, "pong"); took != 30*time.Millisecond {
			t.Errorf("in took %v, want 30ms", took)
		}
	})
}

func TestBandwidthIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, back := NewLink(Conditions{BytesPerSecond: 100_000}, half), NewLink(Conditions{}, half)
		ends := make([]net.Conn, 2)
		start := time.Now()
		for i := range ends {
			a, b := net.Pipe()
			c := Conn(a, link, back)
			ends[i] = b
			go func() { _, _ = c.Write(make([]byte, 50_000)); _ = c.Close() }()
		}
		for _, e := range ends {
			if n, err := io.Copy(io.Discard, e); n != 50_000 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		if took := time.Since(start); took < 990*time.Millisecond || took > 1010*time.Millisecond {
			t.Errorf("100 kB at 100 kB/s took %v", took)
		}
	})
}

func TestWritesWaitWhenTooMuchIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, out, _ := pair(t, Conditions{Cut: Stall}, Conditions{})
		_ = near.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := near.Write(make([]byte, 8<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n > out.buffer() {
			t.Errorf("wrote %d, %v; the buffer is %d", n, err, out.buffer())
		}
	})
}

func TestCuts(t *testing.T) {
	t.Run("stall holds back until healed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far, out, _ := pair(t, Conditions{Delay: time.Millisecond}, Conditions{})
			out.SetCut(Stall)
			send(t, near, "late")
			time.AfterFunc(time.Second, func() { out.SetCut(Whole) })
			if took := receive(t, far, "late"); took != time.Second {
				t.Errorf("took %v, want 1s", took)
			}
		})
	})
	t.Run("one way only", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far, out, _ := pair(t, Conditions{}, Conditions{})
			out.SetCut(Stall)
			send(t, near, "no")
			send(t, far, "yes")
			receive(t, near, "yes")
		})
	})
	t.Run("drop loses for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far, out, _ := pair(t, Conditions{Delay: time.Millisecond}, Conditions{})
			send(t, near, "before")
			out.SetCut(Drop)
			synctest.Wait()
			out.SetCut(Whole)
			send(t, near, "after")
			_ = far.SetReadDeadline(time.Now().Add(time.Minute))
			if n, err := far.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read %d, %v; nothing should come", n, err)
			}
		})
	})
	t.Run("reset ends and refuses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far, out, in := pair(t, Conditions{}, Conditions{})
			out.SetCut(Reset)
			if _, err := near.Write([]byte("x")); !errors.Is(err, ErrReset) {
				t.Errorf("write: %v", err)
			}
			if _, err := far.Read(make([]byte, 1)); err == nil {
				t.Error("the other end reads on")
			}
			_, err := Dial(func(context.Context, string) (net.Conn, error) { return nil, io.EOF }, out, in)(t.Context(), "x")
			if !errors.Is(err, ErrReset) {
				t.Errorf("dial: %v", err)
			}
		})
	})
	t.Run("dialling waits for its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cut := NewLink(Conditions{Cut: Drop}, half)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			dial := Dial(func(context.Context, string) (net.Conn, error) { return nil, io.EOF }, NewLink(Conditions{}, half), cut)
			if _, err := dial(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("dial: %v", err)
			}
		})
	})
}

func TestCloseDeliversWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far, _, _ := pair(t, Conditions{Delay: 20 * time.Millisecond}, Conditions{Delay: 20 * time.Millisecond})
		send(t, near, "last words")
		_ = near.Close()
		if got, err := io.ReadAll(far); string(got) != "last words" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		near, far, _, _ := pair(t, Conditions{Delay: 20 * time.Millisecond}, Conditions{Delay: 20 * time.Millisecond})
		send(t, far, "no")
		_ = far.Close()
		if got, err := io.ReadAll(near); string(got) != "no" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestPartition(t *testing.T) {
	n := NewNetwork(func(from, to string) Conditions { return Conditions{Delay: time.Duration(len(from + to))} }, half)
	n.Partition(Stall, []string{"a"}, []string{"b", "c"})
	for _, l := range []*Link{n.Link("a", "b"), n.Link("c", "a")} {
		if c := l.Conditions(); c.Cut != Stall || c.Delay != 2 {
			t.Errorf("conditions %+v", c)
		}
	}
	if n.Link("b", "c").Conditions().Cut != Whole {
		t.Error("b and c are cut")
	}
}
