package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"vertebra/api/access"
)

// clock moves the cluster's clock, or empties every store and starts time afresh.
func (c Config) clock(ctx context.Context, r *http.Request) (any, error) {
	var request struct {
		Advance Duration `json:"advance"`
		Reset   bool     `json:"reset"`
	}
	if err := read(r, &request); err != nil {
		return nil, err
	}
	if request.Reset {
		if err := c.Store.Reset(ctx); err != nil {
			return nil, err
		}
		if err := c.Clock.Reset(ctx); err != nil {
			return nil, err
		}
	}
	if request.Advance > 0 {
		if err := c.Clock.Advance(ctx, time.Duration(request.Advance)); err != nil {
			return nil, err
		}
	}
	if err := c.Store.Settled(ctx); err != nil {
		return nil, err
	}
	return map[string]string{"now": c.Clock.Now().UTC().Format(time.RFC3339)}, nil
}

// token makes a token for a persona.
func (c Config) token(ctx context.Context, r *http.Request) (any, error) {
	var request struct {
		Persona string   `json:"persona"`
		Roles   []string `json:"roles"`
		ODS     string   `json:"ods"`
		Scopes  []string `json:"scopes"`
	}
	if err := read(r, &request); err != nil {
		return nil, err
	}
	caller, ok := access.PersonaCaller(request.Persona)
	if !ok {
		return nil, &badRequest{"persona", "unknown"}
	}
	if request.Roles != nil {
		caller.Roles = request.Roles
	}
	if request.ODS != "" {
		caller.Organisation = request.ODS
	}
	if request.Scopes != nil {
		caller.Scopes = request.Scopes
	}
	token, err := access.NewToken(c.Random)
	if err != nil {
		return nil, err
	}
	if err := c.Tokens.PutToken(ctx, access.TokenID(token), caller); err != nil {
		return nil, err
	}
	return map[string]string{"access_token": token, "token_type": "Bearer"}, nil
}

// application registers an application.
func (c Config) application(ctx context.Context, r *http.Request) (any, error) {
	const maxKeys = 20
	var application Application
	if err := read(r, &application); err != nil {
		return nil, err
	}
	switch {
	case application.APIKey == "":
		return nil, &badRequest{"apiKey", "is required"}
	case len(application.APIKey) > 100 || len(application.Name) > 200 || len(application.Keys) > maxKeys:
		return nil, &badRequest{"", "apiKey, name or keys too long"}
	}
	return struct{}{}, c.Applications.PutApplication(ctx, application)
}

// patients lists some of the synthetic people.
func (c Config) patients(ctx context.Context, r *http.Request) (any, error) {
	const standard, most = 20, 1000
	n := standard
	if text := r.URL.Query().Get("n"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > most {
			return nil, &badRequest{"n", "is a number from 1 to 1000"}
		}
	}
	people, err := c.People(ctx, n)
	if people == nil {
		people = []Person{} // [] and not null: there are none
	}
	return map[string][]Person{"patients": people}, err
}

// fault makes something go wrong with a node.
func (c Config) fault(ctx context.Context, r *http.Request) (any, error) {
	var request Fault
	if err := read(r, &request); err != nil {
		return nil, err
	}
	if request.Node == "" {
		return nil, &badRequest{"node", "is required"}
	}
	switch request.Kind {
	case "stop", "start", "isolate", "heal", "slow-disk":
		return struct{}{}, c.Fault(ctx, request)
	}
	return nil, &badRequest{"kind", "is stop, start, isolate, heal or slow-disk"}
}
