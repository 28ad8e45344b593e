// Package bench measures a running node from outside, as its clients see it: reads
// by NHS number and traces, over the protocols that clients have.
//
// Contract:
//   - Whom it asks for it knows without a list: people of a seed (bench/people) that
//     the node has been loaded with. Which of them is drawn from a seed too, so that
//     two runs ask for the same people in the same order, client by client.
//   - Every answer is checked: the person asked for is in it, or it is counted as a
//     fault. TOO_MANY_MATCHES is a right answer and is counted apart. A run with
//     faults is no measurement; Result has both, so that nobody takes one for the other.
//   - Closed loop: each client asks again when it has its answer. So a node that
//     stalls is asked less, and percentiles are of what clients felt, not of arrivals
//     at a rate. Latencies are those of right answers, from before the request is
//     made to after the answer's last byte.
//   - A workload is a line of a table (Workloads), not code.
//   - Measuring changes nothing that is stored; Fresh does, and puts it back.
//
// Nothing here prints, logs or returns an NHS number or a name in an error.
package bench
