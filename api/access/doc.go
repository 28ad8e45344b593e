// Package access says who calls: the Caller, the ways of identifying one
// (Authenticator), and the tokens that the sandbox gives out.
//
// It decides nothing about records: what a caller may do is in each service's
// rules. It keeps nothing either; where tokens live is the interface Tokens.
// Nothing here logs, and no error carries a token.
package access
