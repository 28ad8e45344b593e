package fhir

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON value.
const (
	KindNull Kind = iota
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// Value is a JSON value that keeps what encoding/json's maps lose: the order of
// members and the text of numbers. What ParseJSON read and nobody changed is
// written back with the same members in the same order.
//
// A Value is a plain tree, changed in place. It is not safe for concurrent change.
type Value struct {
	Kind Kind
	// Text is a string's characters, a number as it was written, or true or false.
	Text string
	// Items are the elements of an array.
	Items []*Value
	// Properties are the members of an object; their names are unique.
	Properties []Property
}

// Property is a member of an object.
type Property struct {
	Name  string
	Value *Value
}

// NewString returns a JSON string.
func NewString(s string) *Value { return &Value{Kind: KindString, Text: s} }

// NewArray returns a JSON array of items.
func NewArray(items ...*Value) *Value { return &Value{Kind: KindArray, Items: items} }

// NewObject returns a JSON object with the given properties.
func NewObject(properties ...Property) *Value {
	return &Value{Kind: KindObject, Properties: properties}
}

// Get returns the member of that name, or nil when v is no object or lacks it.
// It may be called on nil.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Properties {
		if v.Properties[i].Name == name {
			return v.Properties[i].Value
		}
	}
	return nil
}

// At returns the element at index n of an array, or nil. It may be called on nil.
func (v *Value) At(n int) *Value {
	if v == nil || n < 0 || n >= len(v.Items) {
		return nil
	}
	return v.Items[n]
}

// List returns the elements of an array, none for any other value or nil.
func (v *Value) List() []*Value {
	if v == nil {
		return nil
	}
	return v.Items
}

// Str returns the characters of a string, "" for any other value or nil.
func (v *Value) Str() string {
	if v == nil || v.Kind != KindString {
		return ""
	}
	return v.Text
}

// Set gives the object a member, in its old place or at the end.
func (v *Value) Set(name string, value *Value) {
	for i := range v.Properties {
		if v.Properties[i].Name == name {
			v.Properties[i].Value = value
			return
		}
	}
	v.Properties = append(v.Properties, Property{Name: name, Value: value})
}

// SetFirst gives the object a member; a new one comes before all others.
func (v *Value) SetFirst(name string, value *Value) {
	if v.Get(name) != nil {
		v.Set(name, value)
		return
	}
	v.Properties = append([]Property{{Name: name, Value: value}}, v.Properties...)
}

// Delete removes a member and reports whether it was there.
func (v *Value) Delete(name string) bool {
	for i := range v.Properties {
		if v.Properties[i].Name == name {
			v.Properties = append(v.Properties[:i], v.Properties[i+1:]...)
			return true
		}
	}
	return false
}

// Clone returns a copy that shares nothing with v.
func (v *Value) Clone() *Value {
	if v == nil {
		return nil
	}
	c := &Value{Kind: v.Kind, Text: v.Text}
	if v.Items != nil {
		c.Items = make([]*Value, len(v.Items))
		for i, item := range v.Items {
			c.Items[i] = item.Clone()
		}
	}
	if v.Properties != nil {
		c.Properties = make([]Property, len(v.Properties))
		for i, p := range v.Properties {
			c.Properties[i] = Property{Name: p.Name, Value: p.Value.Clone()}
		}
	}
	return c
}

// Equal reports whether a and b say the same: members in any order, numbers by
// their text, and an absent member like an empty array, since FHIR does not know
// empty collections (contract 1.9.2 (7)). A nil value is absent.
func Equal(a, b *Value) bool {
	if a.empty() || b.empty() {
		return a.empty() && b.empty()
	}
	if a.Kind != b.Kind || a.Text != b.Text || len(a.Items) != len(b.Items) {
		return false
	}
	for i := range a.Items {
		if !Equal(a.Items[i], b.Items[i]) {
			return false
		}
	}
	return covers(a, b) && covers(b, a)
}

func (v *Value) empty() bool { return v == nil || v.Kind == KindArray && len(v.Items) == 0 }

func covers(a, b *Value) bool {
	for _, p := range b.Properties {
		if !Equal(a.Get(p.Name), p.Value) {
			return false
		}
	}
	return true
}
