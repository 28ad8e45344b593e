package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// authority certifies nodes.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: longAgo(), NotAfter: longHence(), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, key, cert}
}

func (a *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// A bubble's clock is not the machine's.
func longAgo() time.Time   { return time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) }
func longHence() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }

// certify returns what a node of a name shows, believing in roots.
func (a *authority) certify(node string, roots *x509.CertPool) *TLS {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: longAgo(), NotAfter: longHence(),
		URIs: []*url.URL{NodeURI(node)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &TLS{Certificate: func() (*tls.Certificate, error) { return cert, nil }, Roots: roots}
}

func TestGroupsOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.change = func(conf *Config) { conf.TLS, conf.Insecure = ca.certify(conf.Self.Node, ca.roots()), false }
		c.start(2)
		c.write(c.leader(2), 2, "secret")
		c.has(2, 1)
	})
}

// echo opens a node that echoes calls and says who called.
func echo(t *testing.T, net *lattice, name string, change func(*Config)) *Node {
	c := &conclave{t: t, net: net}
	conf := c.config(name)
	conf.OnCall = func(_ context.Context, from Peer, kind byte, body []byte) ([]byte, error) {
		return append([]byte{kind}, string(from.ServerID())+" "+string(body)...), nil
	}
	if change != nil {
		change(&conf)
	}
	n, err := Open(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestWrongPeersAreRefused(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	secured := func(by *authority, name string) func(*Config) {
		return func(c *Config) { c.TLS, c.Insecure = by.certify(name, ca.roots()), false }
	}
	for _, test := range []struct {
		name         string
		caller, host func(*Config)
		target       raft.ServerID
		typed        bool
	}{
		{"another incarnation", nil, nil, "b@2", true},
		{"another node at the address", nil, func(c *Config) { c.Self.Node = "z" }, "b@1", true},
		{"another cluster", func(c *Config) { c.Cluster = "other" }, nil, "b@1", true},
		{"a node that is not admitted", nil, func(c *Config) { c.Admit = func(p Peer) bool { return p.Node != "a" } }, "b@1", true},
		{"the host's certificate is another node's", secured(ca, "a"), secured(ca, "z"), "b@1", true},
		{"the caller's certificate is another node's", secured(ca, "z"), secured(ca, "b"), "b@1", true},
		{"the host is certified by somebody else", secured(ca, "a"), secured(stranger, "b"), "b@1", false},
		{"the caller is certified by somebody else", secured(stranger, "a"), secured(ca, "b"), "b@1", false},
		{"the host has no certificate", secured(ca, "a"), nil, "b@1", false},
		{"the caller has no certificate", nil, secured(ca, "b"), "b@1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newLattice()
				a, b := echo(t, net, "a", test.caller), echo(t, net, "b", test.host)
				_, err := a.Call(t.Context(), test.target, 1, nil)
				if !errors.Is(err, ErrPeerDown) || test.typed != errors.Is(err, ErrWrongPeer) {
					t.Errorf("call: %v", err)
				}
				if wrong := a.Metrics().WrongPeers + b.Metrics().WrongPeers; test.typed != (wrong > 0) {
					t.Errorf("%d wrong peers counted", wrong)
				}
				if b.Metrics().Connections != 0 {
					t.Error("a connection was made")
				}
				_, _ = a.Close(), b.Close()
			})
		})
	}
}

func TestPlainConnectionsDoNotLeaveTheMachine(t *testing.T) {
	for address, want := range map[string]error{"127.0.0.1": nil, "::1": nil, "10.0.0.1": ErrInsecure} {
		conn := &addressed{remote: &net.TCPAddr{IP: net.ParseIP(address)}}
		if err := checkLocal(conn); !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

type addressed struct {
	net.Conn
	remote net.Addr
}

func (a *addressed) RemoteAddr() net.Addr { return a.remote }
