// Package fhir is the vocabulary that the services share: NHS numbers, issues and
// OperationOutcomes, searchset Bundles, ETags, dates, and JSON taken literally:
// strictly checked, with the order of members kept, and found again by offset.
//
// Contract: everything here is a pure function of its arguments, safe for
// concurrent use, without clock, randomness or goroutine. Input from clients may
// be anything: it gives a value or a typed error that names the place, never a
// panic, and work and memory are bounded by the input's size.
//
// The read path never decodes. A stored resource is sent as its bytes; a filtered
// view is spliced from them by an Outline, which was made when it was written.
package fhir
