package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

// The versions of the protocol that this build speaks; the highest that both know is
// spoken, so that builds can be mixed during a rolling upgrade.
const (
	lowestVersion  = 1
	highestVersion = 1
)

// A handshake's message: "VTBR" | length of the rest, 2 bytes | the rest.
const (
	magic        = "VTBR"
	maxHandshake = 4 << 10
)

// class is what a connection is for.
type class byte

const (
	classFrames class = iota // all groups' frames, one connection for a pair of nodes
	classStream              // one stream
)

// greeting is what who dials says first.
type greeting struct {
	lowest, highest byte
	class           class
	cluster         string
	from, to        Peer
	address         string
}

func (g greeting) encode() []byte {
	b := []byte{g.lowest, g.highest, byte(g.class)}
	for _, s := range []string{g.cluster, g.from.Node, g.from.Incarnation, g.to.Node, g.to.Incarnation, g.address} {
		b = appendBytes(b, []byte(s))
	}
	return b
}

func decodeGreeting(data []byte) (greeting, error) {
	b := body{rest: data}
	g := greeting{lowest: b.byte(), highest: b.byte(), class: class(b.byte()), cluster: string(b.bytes())}
	g.from = Peer{string(b.bytes()), string(b.bytes())}
	g.to = Peer{string(b.bytes()), string(b.bytes())}
	g.address = string(b.bytes())
	if b.err == nil && (!g.from.valid() || g.address == "" || len(g.address) > maxName) {
		b.fail("greeting")
	}
	// What a later version adds comes at the end.
	return g, b.err
}

// verdict is the answer to a greeting. The numbers are on the wire.
type verdict byte

const (
	welcome      verdict = iota
	wrongCluster         // of another cluster
	wrongNode            // that is not who is here
	wrongSelf            // the certificate names somebody else
	wrongVersion         // no version in common
	crossed              // both dialled; the other connection is kept
	full                 // too many
	unwelcome            // not one of the cluster's, or no longer
)

func (v verdict) String() string {
	names := [...]string{"welcome", "another cluster", "another node or incarnation is here", "the certificate names another node",
		"no protocol version in common", "both dialled", "too many", "not admitted"}
	if int(v) >= len(names) {
		return fmt.Sprintf("verdict %d", byte(v))
	}
	return names[v]
}

// response answers a greeting; from is who is really here.
type response struct {
	verdict verdict
	version byte
	from    Peer
	address string
}

func (r response) encode() []byte {
	b := []byte{byte(r.verdict), r.version}
	for _, s := range []string{r.from.Node, r.from.Incarnation, r.address} {
		b = appendBytes(b, []byte(s))
	}
	return b
}

func decodeResponse(data []byte) (response, error) {
	b := body{rest: data}
	r := response{verdict: verdict(b.byte()), version: b.byte()}
	r.from = Peer{string(b.bytes()), string(b.bytes())}
	r.address = string(b.bytes())
	return r, b.err
}

func envelope(data []byte) []byte {
	b := append(make([]byte, 0, len(magic)+2+len(data)), magic...)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(data))), data...)
}

func readEnvelope(r io.Reader) ([]byte, error) {
	var head [len(magic) + 2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint16(head[len(magic):])
	if string(head[:len(magic)]) != magic || n > maxHandshake {
		return nil, fmt.Errorf("%w: handshake", ErrCorrupt)
	}
	data := make([]byte, n)
	_, err := io.ReadFull(r, data)
	return data, err
}

// link is a connection after its handshake.
type link struct {
	conn    net.Conn
	reader  *bufio.Reader
	peer    Peer
	address string
}

const readBuffer = 32 << 10

// errCrossed: the peer dialled too and its connection is the one that is kept.
var errCrossed = errors.New("transport: both dialled")

// dial connects to a peer. It calls greet before it greets; an error of that ends it.
func (n *Node) dial(ctx context.Context, to raft.ServerID, address string, c class, greet func() error) (*link, error) {
	want, err := ParseServerID(to)
	if err != nil {
		return nil, err
	}
	n.count.dials.Add(1)
	conn, err := n.config.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	l, err := n.greet(ctx, conn, want, c, greet)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if errors.Is(err, ErrWrongPeer) {
			n.count.wrongPeers.Add(1)
		}
		return nil, err
	}
	return l, nil
}

func (n *Node) greet(ctx context.Context, raw net.Conn, want Peer, c class, greet func() error) (*link, error) {
	conn, certified, err := n.secure(ctx, raw, false)
	if err != nil {
		return nil, err
	}
	if n.config.TLS != nil && certified != want.Node {
		return nil, &WrongPeerError{want.ServerID(), raft.ServerID(certified), "by its certificate"}
	}
	if err := greet(); err != nil {
		return nil, err
	}
	g := greeting{lowestVersion, highestVersion, c, n.config.Cluster, n.config.Self, want, n.config.Address}
	if _, err := conn.Write(envelope(g.encode())); err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, readBuffer)
	data, err := readEnvelope(reader)
	if err != nil {
		return nil, err
	}
	r, err := decodeResponse(data)
	if err != nil {
		return nil, err
	}
	switch {
	case r.verdict == crossed:
		return nil, errCrossed
	case r.verdict == full:
		return nil, fmt.Errorf("%w: %v", ErrPeerBusy, r.verdict)
	case r.verdict != welcome:
		return nil, &WrongPeerError{want.ServerID(), r.from.ServerID(), r.verdict.String()}
	case r.from != want:
		return nil, &WrongPeerError{want.ServerID(), r.from.ServerID(), "by its own word"}
	case r.version < lowestVersion || r.version > highestVersion:
		return nil, fmt.Errorf("%w: version %d", ErrCorrupt, r.version)
	}
	return &link{conn, reader, want, r.address}, nil
}

// secure puts TLS on a connection and returns the node in the peer's certificate.
func (n *Node) secure(ctx context.Context, raw net.Conn, server bool) (conn net.Conn, certified string, err error) {
	if n.config.TLS == nil {
		return raw, "", checkLocal(raw)
	}
	var secured *tls.Conn
	if server {
		secured = tls.Server(raw, n.config.TLS.server())
	} else {
		secured = tls.Client(raw, n.config.TLS.client())
	}
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, "", err
	}
	certified, err = certifiedNode(secured.ConnectionState().PeerCertificates[0])
	return secured, certified, err
}

// underneath returns the connection below TLS. Closing that is how a connection is cut
// off: TLS would first say goodbye, and wait seconds for a peer that is gone.
func underneath(conn net.Conn) net.Conn {
	if secured, ok := conn.(*tls.Conn); ok {
		return secured.NetConn()
	}
	return conn
}

// checkLocal refuses a plain connection to another machine.
func checkLocal(conn net.Conn) error {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		return ErrInsecure
	}
	return nil
}

// receive shakes hands with who dialled us and gives the connection to whom it is for.
func (n *Node) receive(raw net.Conn) {
	ctx, cancel := context.WithTimeout(n.ctx, n.config.Timing.Dial)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	l, g, err := n.identify(ctx, raw)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		n.config.Logger.Debug("connection refused", "error", err)
		return
	}
	switch g.class {
	case classFrames:
		n.admit(l, g)
	case classStream:
		n.serveStream(l)
	default:
		_ = raw.Close()
	}
}

// identify reads a greeting and answers the ones that are to be refused.
func (n *Node) identify(ctx context.Context, raw net.Conn) (*link, greeting, error) {
	conn, certified, err := n.secure(ctx, raw, true)
	if err != nil {
		n.count.handshakeFailures.Add(1)
		return nil, greeting{}, err
	}
	reader := bufio.NewReaderSize(conn, readBuffer)
	data, err := readEnvelope(reader)
	if err != nil {
		return nil, greeting{}, err
	}
	g, err := decodeGreeting(data)
	if err != nil {
		return nil, g, err
	}
	if v := n.judge(g, certified); v != welcome {
		n.count.wrongPeers.Add(1)
		_, _ = conn.Write(envelope(n.response(v).encode()))
		return nil, g, &WrongPeerError{n.config.Self.ServerID(), g.to.ServerID(), fmt.Sprintf("%s dialled: %s", g.from.ServerID(), v)}
	}
	return &link{conn, reader, g.from, g.address}, g, nil
}

func (n *Node) judge(g greeting, certified string) verdict {
	switch {
	case g.cluster != n.config.Cluster:
		return wrongCluster
	case g.to != n.config.Self:
		return wrongNode
	case n.config.TLS != nil && certified != g.from.Node, g.from == n.config.Self:
		return wrongSelf
	case g.lowest > highestVersion || g.highest < lowestVersion:
		return wrongVersion
	case n.config.Admit != nil && !n.config.Admit(g.from):
		return unwelcome
	default:
		return welcome
	}
}

func (n *Node) response(v verdict) response {
	return response{v, highestVersion, n.config.Self, n.config.Address}
}

// deadlineFor sets a deadline some time from now, which may fail on a closed
// connection; using it then fails too.
func deadlineFor(set func(time.Time) error, d time.Duration) { _ = set(time.Now().Add(d)) }
