package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/hashicorp/raft"
)

// Peer names a node: which one, and which life of its data folder. A node that lost
// its disk has another incarnation and so is another raft server: what the lost one
// voted for binds it no longer, and nobody takes the one for the other.
type Peer struct{ Node, Incarnation string }

// ServerID is the peer's name in raft: node@incarnation.
func (p Peer) ServerID() raft.ServerID { return raft.ServerID(p.Node + "@" + p.Incarnation) }

// ParseServerID takes a raft server's name apart.
func ParseServerID(id raft.ServerID) (Peer, error) {
	node, incarnation, ok := strings.Cut(string(id), "@")
	p := Peer{node, incarnation}
	if !ok || !p.valid() {
		return Peer{}, fmt.Errorf("transport: %q is not node@incarnation", id)
	}
	return p, nil
}

func (p Peer) valid() bool {
	return validName(p.Node) && validName(p.Incarnation)
}

// maxName bounds every name in a handshake; its length is one byte there.
const maxName = 255

func validName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == '@' || r == '/' || r > '~'
	})
}

// NodeURI is the name of a node in its certificate, as a URI SAN.
func NodeURI(node string) *url.URL {
	return &url.URL{Scheme: "vertebra", Host: "node", Path: "/" + node}
}

// certifiedNode returns the node that a certificate names.
func certifiedNode(c *x509.Certificate) (string, error) {
	for _, u := range c.URIs {
		if node, ok := strings.CutPrefix(u.Path, "/"); ok && u.Scheme == "vertebra" && u.Host == "node" && validName(node) {
			return node, nil
		}
	}
	return "", errors.New("transport: certificate names no node")
}

// TLS holds what a node shows and whom it believes. Both sides of a connection show a
// certificate, TLS 1.3 only.
type TLS struct {
	// Certificate returns the node's certificate; called for each handshake, from many
	// goroutines, so that it can be renewed. It names the node as a URI SAN (NodeURI)
	// and is good for client and server.
	Certificate func() (*tls.Certificate, error)
	// Roots are who may certify nodes of this cluster.
	Roots *x509.CertPool
}

func (t *TLS) server() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return t.Certificate() },
		VerifyConnection:       t.verify(x509.ExtKeyUsageClientAuth),
	}
}

// client skips the library's verification because that insists on a host name; a node
// is known by its URI whatever its address. verify does the rest of it.
func (t *TLS) client() *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		InsecureSkipVerify:   true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.Certificate() },
		VerifyConnection:     t.verify(x509.ExtKeyUsageServerAuth),
	}
}

func (t *TLS) verify(usage x509.ExtKeyUsage) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("transport: peer without a certificate")
		}
		between := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			between.AddCert(c)
		}
		leaf := s.PeerCertificates[0]
		_, err := leaf.Verify(x509.VerifyOptions{Roots: t.Roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{usage}})
		if err != nil {
			return err
		}
		_, err = certifiedNode(leaf)
		return err
	}
}
