// Package index turns fields into matches. It is the only package that imports
// bleve, and it knows nothing of FHIR, of storage or of raft.
//
// Two ways of finding live here:
//
//   - Postings. A Profile declares composites; Profile.Postings makes a document's
//     keys, Profile.Plan turns a conjunction into contiguous scans over them. Both
//     are pure: storage keeps the keys and iterates.
//   - The Engine, one per node, for what is open-ended. It is fed in log order,
//     keeps what is not yet searchable in a bounded queue, and never misses a
//     document that was visible when the search began. Append comes before the
//     visible index V is raised, Advance after; a search is Begin, then views,
//     then Reading.Candidates, so that its answer is all of one position.
//
// Both find candidates. Query.Matches, and then Query.Check on the document as it
// is at the visible index, decide; so an answer is the same by whichever way it
// was found, and a stale candidate is never a hit.
//
// Fold, Sound, Nicknames and the similarities are how values are made above the
// log and how the few candidates are scored. All of it but the Engine is without
// state, clock or goroutine and safe for concurrent use.
package index
