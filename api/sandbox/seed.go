package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"vertebra/api"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// Bounds of a seed, and how many people of it are loaded beside each other.
const (
	maxPeople    = 100_000
	maxListed    = 10_000
	loadsAtATime = 64
)

// seedRequest is POST /seed.
type seedRequest struct {
	Reset bool `json:"reset"`
	Seed  seed `json:"seed"`
}

// seed is what the stores are to hold.
type seed struct {
	// Patients are persons in the form of a load, or bare NHS numbers.
	Patients []json.RawMessage `json:"patients"`
	// RelatedPersons are RelatedPerson resources by the NHS number whose relatives they are.
	RelatedPersons map[string][]json.RawMessage `json:"relatedPersons"`
	NRLPermissions []permission                 `json:"nrlPermissions"`
	Organisations  []organisation               `json:"organisations"`
	// Mailboxes is a list, or the word fixtures.
	Mailboxes json.RawMessage `json:"mailboxes"`
}

type permission struct {
	AppID        string   `json:"appId"`
	ODSCode      string   `json:"odsCode"`
	PointerTypes []string `json:"pointerTypes"`
}

type organisation struct {
	ODS     string   `json:"ods"`
	ASIDs   []string `json:"asids"`
	Mailbox string   `json:"mailbox"`
	Roles   []string `json:"roles"`
}

// seed empties the stores when asked to and fills them. Everything is checked
// before anything is changed.
func (c Config) seed(ctx context.Context, r *http.Request) (any, error) {
	var request seedRequest
	if err := read(r, &request); err != nil {
		return nil, err
	}
	people, err := c.people(request.Seed.Patients)
	if err != nil {
		return nil, err
	}
	if err := request.Seed.check(); err != nil {
		return nil, err
	}
	if request.Reset {
		if err := c.Store.Reset(ctx); err != nil {
			return nil, fmt.Errorf("reset: %w", err)
		}
	}
	if err := c.load(ctx, people); err != nil {
		return nil, err
	}
	if err := c.loadRelated(ctx, request.Seed.RelatedPersons); err != nil {
		return nil, err
	}
	if err := c.keep(ctx, request.Seed); err != nil {
		return nil, err
	}
	return map[string]int{"patients": len(people), "relatedPersons": len(request.Seed.RelatedPersons)}, c.Store.Settled(ctx)
}

// people checks the patients of a seed.
func (c Config) people(patients []json.RawMessage) ([]demographics.Seed, error) {
	if len(patients) > maxPeople {
		return nil, &badRequest{"seed.patients", fmt.Sprintf("more than %d", maxPeople)}
	}
	people := make([]demographics.Seed, len(patients))
	for i, patient := range patients {
		if number, ok := demographics.SeedNumber(patient); ok && c.Adult != nil {
			patient = c.Adult(number)
		}
		person, err := demographics.ParseSeed(patient)
		if err != nil {
			return nil, &badRequest{fmt.Sprintf("seed.patients[%d]", i), textOf(err)}
		}
		people[i] = person
	}
	return people, nil
}

// check looks at what is not a person.
func (s seed) check() error {
	for number, related := range s.RelatedPersons {
		if _, ok := fhir.ParseNumber(number); !ok || len(related) > maxListed {
			return &badRequest{"seed.relatedPersons", "is keyed by NHS numbers, with at most 10000 people each"}
		}
	}
	for i, p := range s.NRLPermissions {
		if p.AppID == "" || p.ODSCode == "" {
			return &badRequest{fmt.Sprintf("seed.nrlPermissions[%d]", i), "appId and odsCode are required"}
		}
	}
	for i, o := range s.Organisations {
		if o.ODS == "" {
			return &badRequest{fmt.Sprintf("seed.organisations[%d].ods", i), "is required"}
		}
	}
	mailboxes := bytes.TrimSpace(s.Mailboxes)
	if len(mailboxes) > 0 && mailboxes[0] != '[' && string(mailboxes) != `"fixtures"` && string(mailboxes) != "null" {
		return &badRequest{"seed.mailboxes", `is a list or "fixtures"`}
	}
	return nil
}

// load puts people in beside each other: each waits for a disk, not for a core.
func (c Config) load(ctx context.Context, people []demographics.Seed) error {
	loads, ctx := errgroup.WithContext(ctx)
	loads.SetLimit(loadsAtATime)
	for i, person := range people {
		loads.Go(func() error {
			err := c.decide(ctx, person.Subject(), func(v api.View) (demographics.Decision, error) {
				return demographics.Load(v, person)
			})
			return at(fmt.Sprintf("seed.patients[%d]", i), err)
		})
	}
	return loads.Wait()
}

func (c Config) loadRelated(ctx context.Context, related map[string][]json.RawMessage) error {
	for number, people := range related {
		resources := make([][]byte, len(people))
		for i := range people {
			resources[i] = people[i]
		}
		err := c.decide(ctx, record.Subject(number), func(v api.View) (demographics.Decision, error) {
			return demographics.LoadRelatedPersons(v, fhir.Number(number), resources)
		})
		if err != nil {
			return at("seed.relatedPersons", err)
		}
	}
	return nil
}

// at says which member of the request an error is about. An issue is the client's.
func at(field string, err error) error {
	var issue *fhir.Issue
	switch {
	case err == nil:
		return nil
	case errors.As(err, &issue):
		return &badRequest{field, textOf(err)}
	}
	return fmt.Errorf("%s: %w", field, err)
}

func (c Config) decide(ctx context.Context, subject record.Subject, rule func(api.View) (demographics.Decision, error)) error {
	_, err := c.Cluster.Decide(ctx, subject, record.RequestID{}, func(v api.View) (record.Mutation, error) {
		d, err := rule(v)
		return d.Mutation, err
	})
	return err
}

// keep hands over what belongs to services that are not here yet.
func (c Config) keep(ctx context.Context, s seed) error {
	if c.Keep == nil {
		return nil
	}
	for member, value := range map[string]any{"nrlPermissions": s.NRLPermissions, "organisations": s.Organisations, "mailboxes": s.Mailboxes} {
		text, err := json.Marshal(value)
		if err != nil {
			return at("seed."+member, err)
		}
		if string(text) == "null" {
			continue
		}
		if err := c.Keep(ctx, member, text); err != nil {
			return at("seed."+member, err)
		}
	}
	return nil
}
