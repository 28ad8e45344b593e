package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// Target is where a node answers, as host:port, and who asks.
type Target struct {
	HTTP, GRPC string
	// Admin serves the node's metrics; empty leaves out what they tell.
	Admin string
	// Token is a bearer token; empty sends none.
	Token string
}

// Settings is how to measure.
type Settings struct {
	// Patients and Seed say whom the node holds: the first so many of the seed. The seed is
	// that of the choice among them, too.
	Patients int    `json:"patients"`
	Seed     uint64 `json:"seed"`
	// Clients ask at the same time, each with a connection of its own.
	Clients int `json:"clients"`
	// WarmUp passes before anything is counted, Measure is then counted; each workload has both.
	WarmUp  time.Duration `json:"warm_up_ns"`
	Measure time.Duration `json:"measure_ns"`
	// Nonce makes the names that Fresh writes. It has to be another one each time: a name of
	// an earlier run is history, and a fuzzy search finds it there.
	Nonce uint64 `json:"nonce"`
}

// ErrOtherPeople: the node does not hold the people that it is asked for.
var ErrOtherPeople = errors.New("bench: the node does not hold these people")

// checkPeople is how many of the first and of the last people Check asks for.
const checkPeople = 8

// Check returns ErrOtherPeople unless the node answers with the first and the last of
// the people: a run against another load would measure how fast nobody is found.
func Check(ctx context.Context, t Target, s Settings) error {
	session := newHTTPSession(t)
	defer session.close()
	generator := newPopulation(s).generator
	for k := range min(2*checkPeople, s.Patients) {
		i := k / 2
		if k%2 == 1 {
			i = s.Patients - 1 - k/2
		}
		person := generator.Person(i)
		if !person.Live {
			continue
		}
		q := question{numbers: []string{string(person.Number)}}
		answers, err := session.ask(ctx, q)
		if err != nil {
			return err
		}
		switch fault := q.judge(0, answers[0]).fault; fault {
		case "":
		case faultOfStatus(404), faultOther:
			return ErrOtherPeople
		default:
			return errors.New("bench: the node answers a read with " + fault)
		}
	}
	return nil
}

// Run measures one workload. It owns its goroutines and connections: all have ended
// when it returns. What the node does wrong is in the result; an error is of the
// measuring itself, or ctx's.
func Run(ctx context.Context, t Target, w Workload, s Settings) (Result, error) {
	sessions, closeAll, err := newSessions(t, w.Protocol, s.Clients)
	if err != nil {
		return Result{}, err
	}
	defer closeAll()
	people := newPopulation(s)
	clients := make([]*client, s.Clients)
	for i := range clients {
		clients[i] = &client{session: sessions[i], random: randomOf(s.Seed, w.Name, i), workload: w, people: people, tally: newTally()}
	}
	if err := askFor(ctx, clients, s.WarmUp); err != nil {
		return Result{}, err
	}
	return measure(ctx, t, w, clients, s.Measure)
}

// measure counts what one phase of the clients does.
func measure(ctx context.Context, t Target, w Workload, clients []*client, d time.Duration) (Result, error) {
	for _, c := range clients {
		c.tally = newTally()
	}
	before, err := readUsage(ctx, t.Admin)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	if err := askFor(ctx, clients, d); err != nil {
		return Result{}, err
	}
	elapsed := time.Since(began)
	after, err := readUsage(ctx, t.Admin)
	if err != nil {
		return Result{}, err
	}
	all := newTally()
	for _, c := range clients {
		all.add(c.tally)
	}
	return newResult(w, len(clients), all, elapsed, before, after)
}

// askFor lets all clients ask for a time, to the end of what they ask last. Each asks
// once at least, so that all connections stand when the warm-up is over.
func askFor(ctx context.Context, clients []*client, d time.Duration) error {
	deadline := time.Now().Add(d)
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range clients {
		group.Go(func() error {
			for {
				if err := c.once(ctx); err != nil || !time.Now().Before(deadline) {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// client is one of those that ask at the same time.
type client struct {
	session  session
	random   *rand.Rand
	workload Workload
	people   population
	tally    *tally
}

// faultPause keeps clients from spinning against a node that is not there.
const faultPause = 10 * time.Millisecond

// once asks one question. Drawing it and judging its answers is not in the latency.
func (c *client) once(ctx context.Context) error {
	q, err := c.people.draw(c.workload, c.random)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	began := time.Now()
	answers, err := c.session.ask(asking, q)
	took := time.Since(began)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.tally.fault(faultOf(err), int64(len(q.numbers)))
		return pause(ctx, faultPause)
	}
	c.tally.count(q, answers, took)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
