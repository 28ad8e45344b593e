package membership

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

// Clock is what durations are measured by. Memberlist's own timers are the machine's.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Profile is how patient gossip is.
type Profile int

// The profiles.
const (
	// Wide is for nodes in several data centres.
	Wide Profile = iota
	// Near is for nodes in one data centre.
	Near
	// Loopback is for nodes on one machine.
	Loopback
)

// Config is what gossip is made from. The zero value of a member that is not said to
// be required is a sensible default.
type Config struct {
	// Node is this node; its ID and Incarnation are required. Started is filled in.
	Node Node
	// Expect is how many founders a new cluster has, when the data folder is empty; 0 on a
	// node that belongs to a cluster already.
	Expect int
	// Bind is where gossip listens, "ip:port", TCP and UDP. Required without a Transport.
	Bind string
	// Advertise is what others are told to use in place of Bind.
	Advertise string
	// Transport replaces sockets.
	Transport memberlist.Transport
	// Keys encrypt gossip, the first of them; all are tried to read with. Required unless
	// Open.
	Keys [][]byte
	// Open lets a node gossip without encryption, on loopback.
	Open bool
	// Cluster keeps clusters apart that know each other's addresses and keys.
	Cluster string
	// Profile says how far apart nodes are.
	Profile Profile
	// OnEvent is told each change, in order, from one goroutine.
	OnEvent func(Event)
	// Clock is the machine's clock; nil is the system's.
	Clock Clock
	// Logger takes memberlist's log at debug; nil discards it.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Node.ID == "" || c.Node.Incarnation == "" {
		return c, errors.New("membership: a node needs an id and an incarnation")
	}
	if c.Expect < 0 || c.Expect > maxFounders {
		return c, fmt.Errorf("membership: %d founders: want 1 to %d, or 0", c.Expect, maxFounders)
	}
	if len(c.Keys) > 0 || !c.Open {
		if err := checkKeys(c.Keys); err != nil {
			return c, err
		}
	}
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	c.Node.Started = c.Clock.Now().UTC().Truncate(time.Millisecond)
	return c, nil
}

// memberlist returns the library's configuration. Names are node ids: a second node
// under a taken id is what memberlist calls a conflict.
func (c Config) memberlist() (*memberlist.Config, error) {
	profiles := map[Profile]func() *memberlist.Config{
		Wide: memberlist.DefaultWANConfig, Near: memberlist.DefaultLANConfig, Loopback: memberlist.DefaultLocalConfig,
	}
	profile, known := profiles[c.Profile]
	if !known {
		return nil, fmt.Errorf("membership: no profile %d", c.Profile)
	}
	conf := profile()
	conf.Name, conf.Label, conf.Transport = c.Node.ID, c.Cluster, c.Transport
	conf.LogOutput = logWriter{c.Logger}
	conf.TCPTimeout = min(conf.TCPTimeout, 5*time.Second) // Join and Close wait for it
	conf.DeadNodeReclaimTime = time.Second                // a failed node may come back at another address
	conf.EnableCompression = false                        // cards are small, and what is encrypted does not compress
	var err error
	if len(c.Keys) > 0 {
		if conf.Keyring, err = memberlist.NewKeyring(cloneKeys(c.Keys[1:]), bytes.Clone(c.Keys[0])); err != nil {
			return nil, err
		}
	}
	if c.Transport == nil {
		if conf.BindAddr, conf.BindPort, err = splitAddress(c.Bind); err != nil {
			return nil, err
		}
	}
	conf.AdvertisePort = conf.BindPort
	if c.Advertise != "" {
		conf.AdvertiseAddr, conf.AdvertisePort, err = splitAddress(c.Advertise)
	}
	return conf, err
}

func cloneKeys(keys [][]byte) (cloned [][]byte) {
	for _, key := range keys {
		cloned = append(cloned, bytes.Clone(key))
	}
	return cloned
}

func splitAddress(address string) (ip string, port int, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("membership: gossip address: %w", err)
	}
	number, err := strconv.ParseUint(service, 10, 16)
	if err != nil || net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("membership: gossip address %q: want ip:port", address)
	}
	return host, int(number), nil
}

// logWriter hands memberlist's lines to slog. All of it is debug: what matters comes as
// an event.
type logWriter struct{ to *slog.Logger }

// memberlistStamp is the length of the time that memberlist's logger begins lines with.
const memberlistStamp = len("2006/01/02 15:04:05 ")

// Write implements io.Writer, a line at a time.
func (w logWriter) Write(line []byte) (int, error) {
	w.to.Debug("gossip: " + string(bytes.TrimSpace(line[min(memberlistStamp, len(line)):])))
	return len(line), nil
}
