// Command vertebra is the one binary: a node (serve), a sandbox (dev), and the
// tools around them (generate, load, check).
//
// The contract of this package:
//   - Settings come from flags, then VERTEBRA_* variables, then the file of
//     --config, then defaults; the first that says anything wins. Everything wrong
//     with them is reported at once, each fault by the setting's name.
//   - SIGTERM and SIGINT end a node in order, with status 0, in under five seconds.
//     A second one ends it at once.
//   - Exit status: 0 done, 1 failed, 2 wrong use, 3 done but with lines left out
//     (load) or findings (check).
//   - Standard output carries what was asked for; logs and progress go to standard
//     error. Neither ever carries an NHS number except where the sandbox prints the
//     made-up people to try.
//
// Commands are thin. Loading is package bench/load, people are bench/people, and
// what a node is made of is wired in one function, startNode, that dev, serve and
// every test use.
package main
