package api

import (
	"net/url"
	"slices"

	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// queryParser fills a request message from a query string without losing
// anything: FHIR's rules name the parameters that are not known and refuse those
// that came twice, where grpc-gateway's own parser would refuse with its own words
// or keep the last.
type queryParser struct{}

// Parse implements runtime.QueryParameterParser. A parameter goes to the field
// whose JSON name it has; what has no field, and further values of a field that
// holds one, go to `further` when the message has it and are ignored otherwise.
func (queryParser) Parse(message proto.Message, values url.Values, _ *utilities.DoubleArray) error {
	m := message.ProtoReflect()
	fields := m.Descriptor().Fields()
	further := fields.ByName("further")
	for _, name := range sortedNames(values) {
		rest := values[name]
		if field := fields.ByJSONName(name); field != nil && field != further && field.Kind() == protoreflect.StringKind {
			rest = setText(m, field, rest)
		}
		if further == nil {
			continue
		}
		list := m.Mutable(further).List()
		for _, value := range rest {
			list.Append(protoreflect.ValueOfMessage((&vertebrav1.Parameter{Name: name, Value: value}).ProtoReflect()))
		}
	}
	return nil
}

// sortedNames gives messages that name several parameters one order.
func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// setText sets a text field and returns the values that it has no room for.
func setText(m protoreflect.Message, field protoreflect.FieldDescriptor, values []string) []string {
	if field.IsList() {
		list := m.Mutable(field).List()
		for _, value := range values {
			list.Append(protoreflect.ValueOfString(value))
		}
		return nil
	}
	if len(values) > 0 {
		m.Set(field, protoreflect.ValueOfString(values[0]))
		values = values[1:]
	}
	return values
}

// parameters is the opposite of queryParser: the request's parameters by FHIR
// name, with the values in the order in which the client wrote them. It serves
// HTTP and native gRPC alike.
func parameters(message proto.Message) map[string][]string {
	values := map[string][]string{}
	message.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := field.JSONName()
		switch {
		case field.Name() == "further":
			// Added below: Range has no order, and these come behind the first value.
		case field.IsList():
			for i := range v.List().Len() {
				values[name] = append(values[name], v.List().Get(i).String())
			}
		default:
			values[name] = append(values[name], v.String())
		}
		return true
	})
	if m, ok := message.(interface {
		GetFurther() []*vertebrav1.Parameter
	}); ok {
		for _, p := range m.GetFurther() {
			values[p.GetName()] = append(values[p.GetName()], p.GetValue())
		}
	}
	return values
}
