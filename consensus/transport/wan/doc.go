// Package wan puts distance between nodes that stand on one machine: connections with
// one-way delay, jitter, a cap on bandwidth and cuts, each direction for itself, all
// changeable while bytes are under way. It is for tests, `vertebra dev` and the bench.
//
// The contract:
//   - A Link is one direction. All connections over it share its bandwidth; bytes of one
//     connection arrive in order.
//   - A connection buffers a bounded number of bytes in each direction, as sockets do;
//     beyond that Write waits.
//   - Nothing is lost but by Drop and Reset.
package wan
