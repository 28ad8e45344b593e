// Package sandbox is the HTTP interface under /sandbox/v1 with which a sandbox is
// filled, emptied, moved in time and given tokens. It exists on nodes started with
// `vertebra dev` only: whoever makes the handler decides that.
//
// The contract:
//   - JSON in and out, strictly: a member that is not known, or is there twice, is
//     an error, since a test that misspells one has to find out.
//   - An error is {"error":"..."} and names the member at fault; 400 when the
//     request is wrong, 503 when the cluster cannot do it now.
//   - POST /seed answers when all of it is readable and searchable on every node.
//   - What is loaded goes through the rules of the service that it belongs to. What
//     belongs to services that are not here yet is checked for its shape and handed
//     to Config.Keep.
//   - Nothing is logged.
package sandbox
