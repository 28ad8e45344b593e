// Package proto is the root of Vertebra's protocol buffers. The .proto files and
// the code generated from them stand side by side in the folders below it.
//
// `go generate ./api/proto` makes the generated code again, with Go alone: the
// compiler is protocompile, the google/api files come out of the descriptors
// linked into the generator, and the plugins are the module's pinned tools. So
// nobody needs protoc or buf, and two people generate the same bytes.
// TestGeneratedIsCurrent fails when a .proto file and its code have come apart.
package proto

//go:generate go run ./internal/generate
