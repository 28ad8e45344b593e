package access

import (
	"context"
	"strings"
)

// Tokens is where access tokens are kept. It is safe for concurrent use. Tokens
// are kept by TokenID, never as themselves.
type Tokens interface {
	// PutToken keeps the caller of a token. When it returns nil, Token finds it on every node.
	PutToken(ctx context.Context, id string, caller Caller) error
	// Token returns the caller of a token, or false when there is no such token.
	Token(ctx context.Context, id string) (Caller, bool, error)
}

// bearer reads the token out of an Authorization header. The texts are those of
// demographics contract 1.2.
func bearer(authorization string) (string, error) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	token = strings.TrimSpace(token)
	switch {
	case scheme == "":
		return "", &Refusal{"Empty Authorization header"}
	case !strings.EqualFold(scheme, "Bearer"):
		return "", &Refusal{"Invalid token type '" + shortened(scheme) + "', must be 'Bearer'"}
	case token == "":
		return "", &Refusal{"Missing access token"}
	}
	return token, nil
}

// maxSchemeBytes bounds what a refusal repeats of a header. A client that forgets
// the scheme sends its token in that place: so much of it does not open anything.
const maxSchemeBytes = 16

func shortened(scheme string) string {
	if len(scheme) <= maxSchemeBytes {
		return scheme
	}
	return strings.ToValidUTF8(scheme[:maxSchemeBytes], "") + "..."
}

// Sandbox identifies callers by the rules of the public sandbox: without an
// Authorization header the caller is a healthcare worker; with one it must be a
// token that was given out, or a word with a letter and a digit.
type Sandbox struct {
	Tokens Tokens
}

// Identify implements Authenticator.
func (s Sandbox) Identify(ctx context.Context, header Headers) (Caller, error) {
	authorization, sent := header("Authorization")
	if !sent {
		return healthcareWorker(), nil
	}
	token, err := bearer(authorization)
	if err != nil {
		return Caller{}, err
	}
	caller, ok, err := s.Tokens.Token(ctx, TokenID(token))
	switch {
	case err != nil:
		return Caller{}, err
	case ok:
		return caller, nil
	case sandboxWord(token):
		return healthcareWorker(), nil
	}
	return Caller{}, &Refusal{"Invalid Access Token"}
}

// sandboxWord reports whether the public sandbox takes the word for a token:
// letters and digits, one of each at least, and at most one group behind an
// underscore.
func sandboxWord(token string) bool {
	const longest = 256
	if len(token) > longest {
		return false
	}
	words := strings.Split(token, "_")
	letter, digit := false, false
	for _, word := range words {
		if word == "" {
			return false
		}
		for _, c := range []byte(word) {
			switch {
			case c >= '0' && c <= '9':
				digit = true
			case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
				letter = true
			default:
				return false
			}
		}
	}
	return len(words) <= 2 && letter && digit
}
