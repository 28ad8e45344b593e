package api

import (
	"errors"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/httpbody"
)

// rawMarshaler passes bodies through as they are: what is stored goes out and
// what a client sent reaches the rules byte for byte, since request ids hash it
// and errors quote it. It knows google.api.HttpBody only.
type rawMarshaler struct{}

// errNotRaw: a route whose body is not google.api.HttpBody.
var errNotRaw = errors.New("api: only google.api.HttpBody can be a body")

// ContentType implements runtime.Marshaler.
func (rawMarshaler) ContentType(v any) string {
	if body, ok := v.(*httpbody.HttpBody); ok {
		return body.GetContentType()
	}
	return contentTypeFHIR
}

// Marshal implements runtime.Marshaler.
func (rawMarshaler) Marshal(v any) ([]byte, error) {
	if body, ok := v.(*httpbody.HttpBody); ok {
		return body.GetData(), nil
	}
	return nil, errNotRaw
}

// Unmarshal implements runtime.Marshaler.
func (rawMarshaler) Unmarshal(data []byte, v any) error {
	body, ok := v.(**httpbody.HttpBody)
	if !ok {
		return errNotRaw
	}
	*body = &httpbody.HttpBody{Data: data}
	return nil
}

// NewEncoder implements runtime.Marshaler.
func (m rawMarshaler) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		data, err := m.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
}

// NewDecoder implements runtime.Marshaler. The gateway's own bodies have been
// read already and are handed over without a copy.
func (m rawMarshaler) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		raw, ok := r.(*rawBody)
		if !ok {
			return io.EOF // no body: grpc-gateway leaves the field empty
		}
		if err := m.Unmarshal(raw.data, v); err != nil {
			return err
		}
		(*v.(**httpbody.HttpBody)).ContentType = raw.contentType
		return nil
	})
}

// rawBody is a request body that has been read. It is passed as the request's
// Body so that grpc-gateway carries it to NewDecoder.
type rawBody struct {
	contentType string
	data        []byte
}

// Read is never called for a body that NewDecoder takes; it says the end to
// whoever drains it.
func (*rawBody) Read([]byte) (int, error) { return 0, io.EOF }

// Close implements io.Closer.
func (*rawBody) Close() error { return nil }
