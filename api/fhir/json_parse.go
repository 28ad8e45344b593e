package fhir

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds how deep JSON from a client may nest. The deepest resource of
// the contracts has eleven levels.
const MaxDepth = 32

// MaxMembers bounds the members of one object from a client. Names are compared
// with each other to find duplicates, so it also bounds the work.
const MaxMembers = 256

// SyntaxError says what is wrong with JSON, and where.
type SyntaxError struct {
	// Path names the member, as issues do: name/0/given. Empty at the top.
	Path string
	// Offset is the byte at which reading stopped.
	Offset int
	// Reason is for the client and repeats nothing that the client sent.
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
	}
	return fmt.Sprintf("%s at byte %d in '%s'", e.Reason, e.Offset, e.Path)
}

// ParseJSON reads exactly one JSON value, strictly: no member twice, valid UTF-8
// and surrogate pairs, nothing behind it, at most MaxDepth deep. The error is a
// *SyntaxError. Bounding the size of body is the caller's.
//
// It is our own because a duplicated member is how two readers of one document
// are made to see two documents; encoding/json takes the last and says nothing.
func ParseJSON(body []byte) (*Value, error) {
	p := parser{body: body}
	v, err := p.value(0)
	if err == nil {
		p.space()
		if p.at < len(body) {
			err = p.fail("unexpected data behind the value")
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

type parser struct {
	body []byte
	at   int
	// spare are Values allocated together: one by one they were 500 of the 1,300
	// allocations of a large Patient.
	spare []Value
}

func (p *parser) newValue() *Value {
	if len(p.spare) == 0 {
		p.spare = make([]Value, 32)
	}
	v := &p.spare[0]
	p.spare = p.spare[1:]
	return v
}

// fail returns a *SyntaxError as error; parents complete its path on the way up,
// so that nothing is kept for the path of what is right.
func (p *parser) fail(reason string) *SyntaxError {
	return &SyntaxError{Offset: p.at, Reason: reason}
}

func under(step string, e *SyntaxError) *SyntaxError {
	if e.Path != "" {
		step += "/" + e.Path
	}
	e.Path = step
	return e
}

func (p *parser) space() {
	for p.at < len(p.body) {
		switch p.body[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next skips space and returns the byte there, 0 at the end.
func (p *parser) next() byte {
	p.space()
	if p.at == len(p.body) {
		return 0
	}
	return p.body[p.at]
}

func (p *parser) value(depth int) (*Value, error) {
	v := p.newValue()
	if e := p.into(v, depth); e != nil {
		return nil, e
	}
	return v, nil
}

func (p *parser) into(v *Value, depth int) *SyntaxError {
	c := p.next()
	switch {
	case depth >= MaxDepth && (c == '{' || c == '['):
		return p.fail("nested too deep")
	case c == '{':
		return p.object(v, depth)
	case c == '[':
		return p.array(v, depth)
	case c == '"':
		v.Kind = KindString
		var e *SyntaxError
		v.Text, e = p.string()
		return e
	case c == '-' || c >= '0' && c <= '9':
		return p.number(v)
	}
	return p.literal(v)
}

func (p *parser) literal(v *Value) *SyntaxError {
	for _, known := range [...]struct {
		text string
		kind Kind
	}{{"true", KindBool}, {"false", KindBool}, {"null", KindNull}} {
		end := p.at + len(known.text)
		if end <= len(p.body) && string(p.body[p.at:end]) == known.text {
			p.at = end
			v.Kind = known.kind
			if known.kind == KindBool {
				v.Text = known.text
			}
			return nil
		}
	}
	if p.at == len(p.body) {
		return p.fail("unexpected end")
	}
	return p.fail("not a JSON value")
}

func (p *parser) object(v *Value, depth int) *SyntaxError {
	v.Kind = KindObject
	p.at++
	if p.next() == '}' {
		p.at++
		return nil
	}
	v.Properties = make([]Property, 0, 4)
	for {
		if p.next() != '"' {
			return p.fail("expected a member name")
		}
		name, e := p.string()
		if e != nil {
			return e
		}
		if v.Get(name) != nil {
			return under(name, p.fail("duplicate member"))
		}
		if len(v.Properties) == MaxMembers {
			return p.fail("too many members")
		}
		if p.next() != ':' {
			return under(name, p.fail("expected ':'"))
		}
		p.at++
		child := p.newValue()
		if e := p.into(child, depth+1); e != nil {
			return under(name, e)
		}
		v.Properties = append(v.Properties, Property{Name: name, Value: child})
		if done, e := p.more('}'); done || e != nil {
			return e
		}
	}
}

func (p *parser) array(v *Value, depth int) *SyntaxError {
	v.Kind = KindArray
	p.at++
	if p.next() == ']' {
		p.at++
		return nil
	}
	for {
		child := p.newValue()
		if e := p.into(child, depth+1); e != nil {
			return under(strconv.Itoa(len(v.Items)), e)
		}
		v.Items = append(v.Items, child)
		if done, e := p.more(']'); done || e != nil {
			return e
		}
	}
}

// more reads a comma, or what closes the object or array.
func (p *parser) more(closer byte) (done bool, e *SyntaxError) {
	switch p.next() {
	case closer:
		p.at++
		return true, nil
	case ',':
		p.at++
		return false, nil
	}
	return false, p.fail("expected ',' or '" + string(closer) + "'")
}

func (p *parser) number(v *Value) *SyntaxError {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if !p.digits() {
		return p.fail("bad number")
	}
	if p.peek() == '.' {
		p.at++
		if !p.digits() {
			return p.fail("bad number")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return p.fail("bad number")
		}
	}
	v.Kind, v.Text = KindNumber, string(p.body[start:p.at])
	return nil
}

func (p *parser) peek() byte {
	if p.at == len(p.body) {
		return 0
	}
	return p.body[p.at]
}

func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

// string reads a string; p.at is at its opening quote.
func (p *parser) string() (string, *SyntaxError) {
	p.at++
	start := p.at
	for p.at < len(p.body) {
		switch c := p.body[p.at]; {
		case c == '"':
			text := p.body[start:p.at]
			p.at++
			return string(text), nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("control character in a string")
		case c < utf8.RuneSelf:
			p.at++
		default:
			if e := p.rune(); e != nil {
				return "", e
			}
		}
	}
	return "", p.fail("unexpected end")
}

func (p *parser) rune() *SyntaxError {
	r, size := utf8.DecodeRune(p.body[p.at:])
	if r == utf8.RuneError && size == 1 {
		return p.fail("invalid UTF-8")
	}
	p.at += size
	return nil
}

// escaped reads the rest of a string from its first backslash on.
func (p *parser) escaped(start int) (string, *SyntaxError) {
	text := append([]byte(nil), p.body[start:p.at]...)
	for p.at < len(p.body) {
		switch c := p.body[p.at]; {
		case c == '"':
			p.at++
			return string(text), nil
		case c == '\\':
			r, e := p.escape()
			if e != nil {
				return "", e
			}
			text = utf8.AppendRune(text, r)
		case c < ' ':
			return "", p.fail("control character in a string")
		default:
			from := p.at
			if e := p.rune(); e != nil {
				return "", e
			}
			text = append(text, p.body[from:p.at]...)
		}
	}
	return "", p.fail("unexpected end")
}

func (p *parser) escape() (rune, *SyntaxError) {
	p.at++
	c := p.peek()
	p.at = min(p.at+1, len(p.body))
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicode()
	}
	return 0, p.fail("bad escape")
}

// unicode reads the four digits of \u, and the second half of a surrogate pair.
// Half a pair is refused: it has no UTF-8 form, so it could not be sent again.
func (p *parser) unicode() (rune, *SyntaxError) {
	r, ok := p.hex4()
	if ok && utf16.IsSurrogate(r) {
		var low rune
		if ok = p.at+2 <= len(p.body) && p.body[p.at] == '\\' && p.body[p.at+1] == 'u'; ok {
			p.at += 2
			low, ok = p.hex4()
		}
		r = utf16.DecodeRune(r, low)
		ok = ok && r != utf8.RuneError
	}
	if !ok {
		return 0, p.fail("bad \\u escape")
	}
	return r, nil
}

func (p *parser) hex4() (rune, bool) {
	if p.at+4 > len(p.body) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.body[p.at:p.at+4]), 16, 16)
	p.at += 4
	return rune(n), err == nil
}
