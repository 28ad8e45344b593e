package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"vertebra/api"
	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/api/sandbox"
	"vertebra/bench/people"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// sandboxHandler puts the sandbox's calls in front of the services. Only dev has
// it: the node that serve starts knows nothing of the prefix.
func sandboxHandler(node *cluster.Node, over api.Cluster, tokens access.Tokens, random io.Reader, s settings, services http.Handler) http.Handler {
	generator := people.New(s.Seed)
	calls := sandbox.Handler(sandbox.Config{
		Cluster: over, Store: sandboxStore{node}, Clock: sandboxClock{node}, Tokens: tokens, Random: random,
		Applications: sandboxRecords{over},
		Keep:         sandboxRecords{over}.keep,
		Adult:        func(number fhir.Number) []byte { return generator.Adult(number).AppendLine(nil) },
		People: func(ctx context.Context, n int) ([]sandbox.Person, error) {
			return presentPeople(ctx, over, generator, s.Patients, n)
		},
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, sandbox.Prefix) {
			calls.ServeHTTP(w, r)
			return
		}
		services.ServeHTTP(w, r)
	})
}

// sandboxStore is the whole cluster's data as the sandbox empties it.
type sandboxStore struct{ node *cluster.Node }

// Reset implements sandbox.Store.
func (s sandboxStore) Reset(ctx context.Context) error {
	return s.node.Wipe(ctx, record.Applications, record.Tokens)
}

// Settled implements sandbox.Store: what is visible is searchable, so that what is
// left to wait for is that every node shows what is acknowledged.
func (s sandboxStore) Settled(ctx context.Context) error { return s.node.Settle(ctx) }

// sandboxClock is the cluster's clock as the sandbox moves it.
type sandboxClock struct{ node *cluster.Node }

// Now implements sandbox.Clock.
func (c sandboxClock) Now() time.Time { return c.node.Now() }

// Advance implements sandbox.Clock.
func (c sandboxClock) Advance(ctx context.Context, d time.Duration) error {
	return c.node.AdvanceClock(ctx, d)
}

// Reset implements sandbox.Clock.
func (c sandboxClock) Reset(ctx context.Context) error { return c.node.ResetClock(ctx) }

// sandboxRecords keeps in the control group what a sandbox is told beside people.
type sandboxRecords struct{ cluster api.Cluster }

// PutApplication implements sandbox.Applications.
func (s sandboxRecords) PutApplication(ctx context.Context, a sandbox.Application) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.put(ctx, record.Key{Subject: record.Subject(record.ControlPrefix + "application/" + a.APIKey), Table: record.Applications}, body)
}

// keep keeps a member of a seed whose service is not here yet.
func (s sandboxRecords) keep(ctx context.Context, member string, value json.RawMessage) error {
	return s.put(ctx, record.Key{Subject: record.Subject(record.ControlPrefix + "seed/" + member), Table: record.Seeds}, value)
}

func (s sandboxRecords) put(ctx context.Context, key record.Key, body []byte) error {
	_, err := s.cluster.Decide(ctx, key.Subject, record.RequestID{}, func(v api.View) (record.Mutation, error) {
		old, _, err := v.Get(key)
		return record.Mutation{
			Reads:  []record.Read{{Key: key, Version: old.Version}},
			Writes: []record.Write{{Key: key, Version: old.Version + 1, Body: body}},
		}, err
	})
	return err
}

// presentPeople returns up to n of the sandbox's made-up people who are there and
// can be read: a reset removes them.
func presentPeople(ctx context.Context, over api.Cluster, g *people.Generator, made, n int) ([]sandbox.Person, error) {
	var present []sandbox.Person
	for i := 0; i < made && len(present) < n; i++ {
		person := g.Person(i)
		if !person.Live {
			continue
		}
		here, err := isHere(ctx, over, record.Subject(person.Number))
		if err != nil {
			return nil, err
		}
		if !here {
			break // they come and go together
		}
		present = append(present, sandbox.Person{
			NHSNumber: string(person.Number), Family: person.Family, Given: person.Given, BirthDate: person.BirthDate,
		})
	}
	return present, nil
}

func isHere(ctx context.Context, over api.Cluster, subject record.Subject) (bool, error) {
	view, err := over.View(ctx, subject, cluster.Freshness{})
	if err != nil {
		return false, err
	}
	defer view.Close()
	_, found, err := view.Get(record.Key{Subject: subject, Table: record.Demographics})
	return found, err
}
