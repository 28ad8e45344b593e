package access_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"vertebra/api/access"
)

// known is an access.Tokens with one token.
type known struct {
	token string
	fails error
}

func (known) PutToken(context.Context, string, access.Caller) error { return nil }

func (k known) Token(_ context.Context, id string) (access.Caller, bool, error) {
	return access.Caller{Mode: access.Application, Application: "known"}, id == access.TokenID(k.token), k.fails
}

func headers(pairs ...string) access.Headers {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return func(name string) (string, bool) {
		values, ok := h[http.CanonicalHeaderKey(name)]
		return strings.Join(values, ""), ok
	}
}

// TestSandbox: who calls by the rules of the public sandbox, and the five ways of
// being nobody (contract 1.2).
func TestSandbox(t *testing.T) {
	sandbox := access.Sandbox{Tokens: known{token: "given-out"}}
	for _, c := range []struct{ authorization, mode, refusal string }{
		{"Bearer given-out", "application-restricted", ""},
		{"bearer  given-out ", "application-restricted", ""},
		{"Bearer abc1", "user-restricted", ""},
		{"Bearer 1abc_2def", "user-restricted", ""},
		{"Bearer abc_1", "user-restricted", ""},
		{"", "", "Empty Authorization header"},
		{"  ", "", "Empty Authorization header"},
		{"Bearer", "", "Missing access token"},
		{"Bearer ", "", "Missing access token"},
		{"Basic abc1", "", "Invalid token type 'Basic', must be 'Bearer'"},
		{"abcdefghijklmnopqrstuvwxyz1", "", "Invalid token type 'abcdefghijklmnop...', must be 'Bearer'"},
		{"Bearer abc", "", "Invalid Access Token"},
		{"Bearer 123", "", "Invalid Access Token"},
		{"Bearer a1_b_c", "", "Invalid Access Token"},
		{"Bearer a1_", "", "Invalid Access Token"},
		{"Bearer a-1", "", "Invalid Access Token"},
		{"Bearer " + strings.Repeat("a1", 200), "", "Invalid Access Token"},
	} {
		caller, err := sandbox.Identify(t.Context(), headers("Authorization", c.authorization))
		check(t, c.authorization, caller, err, c.mode, c.refusal)
	}
	caller, err := sandbox.Identify(t.Context(), headers())
	check(t, "no header", caller, err, "user-restricted", "")
	if strings.Join(caller.Roles, ",") != "R8000" {
		t.Error(caller.Roles)
	}
	broken := errors.New("store broken")
	if _, err := (access.Sandbox{Tokens: known{fails: broken}}).Identify(t.Context(), headers("Authorization", "Bearer abc1")); !errors.Is(err, broken) {
		t.Error("a store that fails must not let anybody in:", err)
	}
}

// TestGateway: the caller is what the gateway says, whole or not at all.
func TestGateway(t *testing.T) {
	for _, c := range []struct {
		headers       []string
		mode, refusal string
	}{
		{[]string{}, "", "Missing Authorization header"},
		{[]string{"NHSD-Access-Mode", "user-restricted"}, "", "Invalid Access Token"},
		{[]string{"NHSD-Access-Mode", "king", "NHSD-Application-ID", "a"}, "", "Invalid Access Token"},
		{[]string{"NHSD-Access-Mode", "patient-access", "NHSD-Application-ID", "a"}, "", "Invalid Access Token"},
		{[]string{"NHSD-Access-Mode", "patient-access", "NHSD-Application-ID", "a", "NHSD-NHS-Number", "9000000009"}, "patient-access", ""},
		{[]string{"NHSD-Access-Mode", "user-restricted", "NHSD-Application-ID", "a", "NHSD-User-Role-IDs", "1, 2,,3"}, "user-restricted", ""},
		{[]string{"Authorization", "Bearer abc1"}, "", "Missing Authorization header"},
	} {
		caller, err := access.Gateway{}.Identify(t.Context(), headers(c.headers...))
		check(t, strings.Join(c.headers, " "), caller, err, c.mode, c.refusal)
		if c.mode == "user-restricted" && len(caller.RoleIDs) != 3 {
			t.Error(caller.RoleIDs)
		}
	}
}

func check(t *testing.T, what string, caller access.Caller, err error, mode, refusal string) {
	t.Helper()
	var refused *access.Refusal
	switch {
	case refusal == "":
		if err != nil || string(caller.Mode) != mode {
			t.Errorf("%s: %v, %v", what, caller.Mode, err)
		}
	case !errors.As(err, &refused) || refused.Reason != refusal:
		t.Errorf("%s: %v", what, err)
	case caller.Mode != "":
		t.Errorf("%s: refused, and yet a caller", what)
	}
}

// TestPersonas: every persona of the sandbox's table, and no other word.
func TestPersonas(t *testing.T) {
	for persona, mode := range map[string]access.Mode{
		"healthcare-worker": access.HealthcareWorker, "user:clinician": access.HealthcareWorker, "user:prescriber": access.HealthcareWorker,
		"user:dispenser": access.HealthcareWorker, "user:ndop": access.HealthcareWorker,
		"application-restricted": access.Application, "app": access.Application, "app:dispensing": access.Application,
		"app:mns": access.Application, "app:mns2": access.Application, "app:publisher": access.Application,
		"app:deid": access.Application, "app:reid": access.Application, "la:E08000035": access.Application, "nems:A83008": access.Application,
		"privileged-application-restricted": access.PrivilegedApplication,
		"patient-access":                    access.Patient, "patient-access:9000000025": access.Patient,
	} {
		caller, ok := access.PersonaCaller(persona)
		if !ok || caller.Mode != mode || caller.Application == "" {
			t.Errorf("%s: %+v %v", persona, caller, ok)
		}
	}
	mns, _ := access.PersonaCaller("app:mns")
	other, _ := access.PersonaCaller("app:mns2")
	if mns.Application == other.Application {
		t.Error("app:mns2 is another owner")
	}
	if c, _ := access.PersonaCaller("patient-access:9000000025"); c.Patient != "9000000025" {
		t.Error(c.Patient)
	}
	for _, word := range []string{"", "king", "app:", "la:", "patient-access:", "user:", ":"} {
		if caller, ok := access.PersonaCaller(word); ok {
			t.Errorf("%q: %+v", word, caller)
		}
	}
}

// TestNewToken: tokens differ, and what is kept is not the token.
func TestNewToken(t *testing.T) {
	a, err := access.NewToken(strings.NewReader(strings.Repeat("x", 24)))
	if err != nil || len(a) != 32 || access.TokenID(a) == a {
		t.Error(a, err)
	}
	if _, err := access.NewToken(strings.NewReader("short")); err == nil {
		t.Error("a source that ends must be an error")
	}
}
