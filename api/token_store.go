package api

import (
	"context"
	"encoding/json"

	"vertebra/api/access"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// TokenStore keeps access tokens in the control group, so that every node knows a
// token as soon as it was given out.
type TokenStore struct{ Cluster Cluster }

var _ access.Tokens = TokenStore{}

func tokenKey(id string) record.Key {
	return record.Key{Subject: record.Subject(record.ControlPrefix + "token/" + id), Table: record.Tokens}
}

// PutToken implements access.Tokens.
func (t TokenStore) PutToken(ctx context.Context, id string, caller access.Caller) error {
	body, err := json.Marshal(caller)
	if err != nil {
		return err
	}
	key := tokenKey(id)
	_, err = t.Cluster.Decide(ctx, key.Subject, record.RequestID{}, func(v View) (record.Mutation, error) {
		old, _, err := v.Get(key)
		return record.Mutation{
			Reads:  []record.Read{{Key: key, Version: old.Version}},
			Writes: []record.Write{{Key: key, Version: old.Version + 1, Body: body}},
		}, err
	})
	return err
}

// Token implements access.Tokens.
func (t TokenStore) Token(ctx context.Context, id string) (access.Caller, bool, error) {
	key := tokenKey(id)
	view, err := t.Cluster.View(ctx, key.Subject, cluster.Freshness{})
	if err != nil {
		return access.Caller{}, false, err
	}
	defer view.Close()
	found, ok, err := view.Get(key)
	if err != nil || !ok {
		return access.Caller{}, false, err
	}
	var caller access.Caller
	err = json.Unmarshal(found.Body, &caller)
	return caller, err == nil, err
}
