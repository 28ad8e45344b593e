package main

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The values of --access.
const (
	accessSandbox = "sandbox"
	accessStrict  = "strict"
	accessGateway = "gateway"
)

// settings is how one node is to run. The koanf tag is the setting's name: of the
// flag, of the key in the file, and, in capitals with underscores, of the variable.
type settings struct {
	NodeID     string `koanf:"node-id"`
	DataCentre string `koanf:"dc"`
	// Data is the directory of everything on disk. Empty in dev means a temporary one.
	Data string `koanf:"data"`
	// HTTP, GRPC, Peer, Gossip and Admin are host:port to listen at.
	HTTP   string `koanf:"http"`
	GRPC   string `koanf:"grpc"`
	Peer   string `koanf:"peer"`
	Gossip string `koanf:"gossip"`
	Admin  string `koanf:"admin"`
	// BootstrapExpect is how many nodes form the cluster at its first start; Join, where
	// some of them gossip.
	BootstrapExpect int      `koanf:"bootstrap-expect"`
	Join            []string `koanf:"join"`
	// Shards counts data shards; shard 0 is not counted. Fixed at the first start.
	Shards int `koanf:"shards"`
	// Replicas is how many copies of a shard are wanted.
	Replicas   int      `koanf:"replicas"`
	Certs      string   `koanf:"certs"`
	Access     string   `koanf:"access"`
	PublicURLs []string `koanf:"public-url"`
	// ElectionTimeout is raft's; FACTS: 600 ms, two seconds on slow shared disks.
	ElectionTimeout time.Duration `koanf:"election-timeout"`
	LogFormat       string        `koanf:"log-format"`
	LogLevel        string        `koanf:"log-level"`

	// Sandbox is true in dev and nowhere else: it is no setting, so no file or variable
	// can open the sandbox on a real node.
	Sandbox bool `koanf:"-"`
	// temporaryData says that Data is removed at exit.
	temporaryData bool
	// onGossip is told where the node gossips; dev tells its other nodes.
	onGossip func(address string)
	// Nodes, Patients, Seed, Load and WAN are dev's.
	Nodes    int    `koanf:"nodes"`
	Patients int    `koanf:"patients"`
	Seed     uint64 `koanf:"seed"`
	Load     string `koanf:"load"`
	WAN      string `koanf:"wan"`
}

// dataWords says where the sandbox keeps what it is given.
func (s *settings) dataWords() string {
	if s.temporaryData {
		return "in a temporary folder, removed at exit"
	}
	return "in " + s.Data
}

// settingError is a fault of one setting, by the name that the operator knows.
type settingError struct {
	Name   string
	Reason string
}

// Error implements error.
func (e *settingError) Error() string { return "--" + e.Name + ": " + e.Reason }

// maxNodes bounds the nodes that form a cluster: each is a voter of every shard.
const maxNodes = 9

// faults collects what is wrong, so that an operator sees all of it at once.
type faults []error

func (f *faults) check(ok bool, name, format string, args ...any) {
	if !ok {
		*f = append(*f, &settingError{name, fmt.Sprintf(format, args...)})
	}
}

// validate returns everything that is wrong with the settings of a node.
func (s *settings) validate() error {
	var f faults
	s.checkCommon(&f)
	if s.Sandbox {
		s.checkDev(&f)
	} else {
		s.checkServe(&f)
	}
	return errors.Join(f...)
}

func (s *settings) checkCommon(f *faults) {
	for _, a := range s.addresses() {
		err := checkAddress(a.value)
		f.check(err == nil, a.name, "%v", err)
	}
	s.checkDistinct(f)
	f.check(s.Shards >= 1 && s.Shards <= 1023, "shards", "%d is not between 1 and 1023", s.Shards)
	f.check(s.ElectionTimeout >= 50*time.Millisecond && s.ElectionTimeout <= time.Minute,
		"election-timeout", "%v is not between 50ms and 1m", s.ElectionTimeout)
	f.check(s.LogFormat == "text" || s.LogFormat == "json", "log-format", "%q is neither text nor json", s.LogFormat)
	_, err := parseLevel(s.LogLevel)
	f.check(err == nil, "log-level", "%v", err)
}

func (s *settings) checkDev(f *faults) {
	f.check(s.Nodes >= 1 && s.Nodes <= maxNodes, "nodes", "%d is not between 1 and %d", s.Nodes, maxNodes)
	f.check(s.WAN == "", "wan", "this build cannot delay what the nodes say to each other")
	f.check(s.Access == accessSandbox, "access", "%q: this build has sandbox only", s.Access)
	f.check(s.Patients >= 0 && s.Patients <= maxPatients, "patients", "%d is not between 0 and %d", s.Patients, maxPatients)
}

func (s *settings) checkServe(f *faults) {
	f.check(validName(s.NodeID), "node-id", "%q is not a name: lower-case letters, digits and dashes, 63 at most", s.NodeID)
	f.check(validName(s.DataCentre), "dc", "%q is not a name: lower-case letters, digits and dashes, 63 at most", s.DataCentre)
	f.check(s.Data != "", "data", "is required")
	f.check(s.BootstrapExpect >= 1 && s.BootstrapExpect <= maxNodes, "bootstrap-expect", "%d is not between 1 and %d", s.BootstrapExpect, maxNodes)
	f.check(s.Replicas >= 1 && s.Replicas <= maxNodes, "replicas", "%d is not between 1 and %d", s.Replicas, maxNodes)
	// Placement is not joined to the nodes yet: saying so beats keeping another number of
	// copies than was asked for.
	f.check(s.BootstrapExpect == 1 || s.Replicas == s.BootstrapExpect, "replicas",
		"%d: this build keeps a copy of every shard on each of the %d nodes that form the cluster", s.Replicas, s.BootstrapExpect)
	for _, a := range s.Join {
		f.check(checkAddress(a) == nil, "join", "%q is not host:port", a)
	}
	f.check(s.Certs == "", "certs", "this build has no TLS: leave it out, and give loopback addresses")
	f.check(s.Access == accessGateway, "access", "%q: this build has gateway only", s.Access)
	for _, a := range s.addresses() {
		// Without certificates nothing but this machine may reach a node. It also keeps the
		// gateway mode honest, which believes the headers that say who calls.
		f.check(isLoopback(a.value), a.name, "%q is not loopback, which a node without --certs needs", a.value)
	}
	for _, u := range s.PublicURLs {
		f.check(strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://"), "public-url", "%q is not an http(s) URL", u)
	}
}

type namedAddress struct{ name, value string }

// addresses lists the listening addresses that this kind of node has.
func (s *settings) addresses() []namedAddress {
	list := []namedAddress{{"http", s.HTTP}, {"grpc", s.GRPC}, {"admin", s.Admin}}
	if !s.Sandbox {
		list = append(list, namedAddress{"peer", s.Peer}, namedAddress{"gossip", s.Gossip})
	}
	return list
}

// checkDistinct refuses two listeners at one address: the second would fail later
// with the operating system's words, which name no setting.
func (s *settings) checkDistinct(f *faults) {
	first := map[string]string{}
	for _, a := range s.addresses() {
		if strings.HasSuffix(a.value, ":0") {
			continue // any free port
		}
		other, taken := first[a.value]
		f.check(!taken, a.name, "%q is the address of --%s already", a.value, other)
		first[a.value] = a.name
	}
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("%q: %q is not a port", address, port)
	}
	if strings.ContainsAny(host, " /") {
		return fmt.Errorf("%q: %q is not a host", address, host)
	}
	return nil
}

// isLoopback reports whether only this machine can reach the address. A name other
// than localhost is not looked up: what it means can change after the check.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func validName(s string) bool { return namePattern.MatchString(s) }
