package membership

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hashicorp/memberlist"
)

// maxStringBytes bounds each text that a node says about itself.
const maxStringBytes = 255

// Node is what a node says about itself.
type Node struct {
	ID          string
	Incarnation string
	DataCentre  string
	// HTTP, GRPC and Peer are where it is reached, "host:port".
	HTTP, GRPC, Peer string
	// Version is the build that it runs.
	Version string
	// Started is when its process began, to the millisecond; it tells a copied folder
	// from the same node at a new address.
	Started time.Time
	Load    Load
}

// Load is how busy a node is.
type Load struct {
	WritesPerSecond uint64
	ReadsPerSecond  uint64
	// CPUPermille is the thousandths of the node's cores in use.
	CPUPermille   uint64
	DiskUsedBytes uint64
	DiskFreeBytes uint64
	// ReadOnly: the disk is full or failing.
	ReadOnly bool
}

// founding is how far a node has come in founding a cluster; see WaitForExpected.
type founding struct {
	expect     uint64 // 0: it does not found
	seen, vote uint64 // digests of the founders that it sees and has settled on
	founded    bool   // it belongs to a cluster
}

// card is all that travels as memberlist's node meta.
type card struct {
	node     Node
	founding founding
	leaving  bool
}

const cardFormat = 1

// The errors of the codec.
var (
	ErrTooLarge = fmt.Errorf("membership: what a node says about itself takes more than %d bytes", memberlist.MetaMaxSize)
	errCard     = errors.New("membership: malformed message")
)

const (
	flagLeaving = 1 << iota
	flagReadOnly
	flagFounded
)

// encode writes a card. What a later build adds goes to the end: decoders ignore what
// they do not know.
func (c card) encode() []byte {
	b := []byte{cardFormat}
	n := c.node
	for _, text := range []string{n.ID, n.Incarnation, n.DataCentre, n.HTTP, n.GRPC, n.Peer, n.Version} {
		b = appendText(b, text)
	}
	b = binary.AppendVarint(b, n.Started.UnixMilli())
	flags := uint64(0)
	if c.leaving {
		flags |= flagLeaving
	}
	if c.founding.founded {
		flags |= flagFounded
	}
	for _, number := range []uint64{flags, c.founding.expect, c.founding.seen, c.founding.vote} {
		b = binary.AppendUvarint(b, number)
	}
	return n.Load.append(b)
}

func decodeCard(b []byte) (c card, err error) {
	d := decoder{rest: b}
	if d.byte() != cardFormat {
		return c, errCard
	}
	n := &c.node
	for _, text := range []*string{&n.ID, &n.Incarnation, &n.DataCentre, &n.HTTP, &n.GRPC, &n.Peer, &n.Version} {
		*text = d.text()
	}
	n.Started = time.UnixMilli(d.varint()).UTC()
	flags := d.uvarint()
	c.leaving, c.founding.founded = flags&flagLeaving != 0, flags&flagFounded != 0
	for _, number := range []*uint64{&c.founding.expect, &c.founding.seen, &c.founding.vote} {
		*number = d.uvarint()
	}
	n.Load = d.load()
	if d.failed || n.ID == "" || n.Incarnation == "" {
		return card{}, errCard
	}
	return c, nil
}

func (l Load) append(b []byte) []byte {
	flags := uint64(0)
	if l.ReadOnly {
		flags |= flagReadOnly
	}
	for _, number := range []uint64{l.WritesPerSecond, l.ReadsPerSecond, l.CPUPermille, l.DiskUsedBytes, l.DiskFreeBytes, flags} {
		b = binary.AppendUvarint(b, number)
	}
	return b
}

// report is one node's load as it is broadcast: a later one of the same process
// replaces it.
type report struct {
	id      string
	started int64 // milliseconds
	number  uint64
	load    Load
}

func (r report) newer(than report) bool {
	return r.started > than.started || r.started == than.started && r.number > than.number
}

const reportFormat = 1

func (r report) encode() []byte {
	b := appendText([]byte{reportFormat}, r.id)
	b = binary.AppendVarint(b, r.started)
	return r.load.append(binary.AppendUvarint(b, r.number))
}

func decodeReport(b []byte) (r report, err error) {
	d := decoder{rest: b}
	if d.byte() != reportFormat {
		return r, errCard
	}
	r = report{id: d.text(), started: d.varint(), number: d.uvarint(), load: d.load()}
	if d.failed || r.id == "" {
		return report{}, errCard
	}
	return r, nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// decoder reads a message and remembers that it failed.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.failed, d.rest = true, nil
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		n = math.MaxInt // take reports it
	}
	d.take(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		n = math.MaxInt
	}
	d.take(n)
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > maxStringBytes {
		d.failed = true
		return ""
	}
	return string(d.take(int(n)))
}

func (d *decoder) load() (l Load) {
	var flags uint64
	for _, number := range []*uint64{&l.WritesPerSecond, &l.ReadsPerSecond, &l.CPUPermille, &l.DiskUsedBytes, &l.DiskFreeBytes, &flags} {
		*number = d.uvarint()
	}
	l.ReadOnly = flags&flagReadOnly != 0
	return l
}
