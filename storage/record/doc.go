// Package record holds the nouns that the whole of Vertebra shares: whom a
// record is about (Subject), where it hashes to (Slot), how it is named (Key),
// what it is (Record) and how it changes (Mutation).
//
// It is a leaf: it imports nothing of the project and no database, so that the
// rules of a service (api/...) can speak of records without dragging a store
// behind them, and so that the store can apply a decision without knowing who
// took it. Upspin's package of nouns is the model.
//
// The contract of the codec in this package: what AppendBinary writes,
// DecodeCommand reads back equal; bytes that AppendBinary did not write give
// ErrCorrupt, never a panic; decoding the same bytes gives the same value in
// every build that knows the format byte.
package record
