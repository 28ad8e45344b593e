// Command generate makes the Go code and the OpenAPI description out of the
// .proto files below the folder api/proto, which it has to be started in. It
// writes into the folder given by -out, api/proto itself by default.
package main
