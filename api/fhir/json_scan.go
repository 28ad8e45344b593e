package fhir

// The scanner finds the parts of valid JSON without decoding it. What it is given
// was written by AppendJSON or read by ParseJSON before it was stored; on anything
// else it stops with a *SyntaxError or finds fewer parts, and never panics.

// eachMember calls f for every member of the object in raw: its name as written,
// where it starts at the name's quote, where its value starts, and its end.
func eachMember(raw []byte, f func(name []byte, start, value, end int) error) error {
	at := skipSpace(raw, 0)
	if at == len(raw) || raw[at] != '{' {
		return &SyntaxError{Offset: at, Reason: "expected an object"}
	}
	for at = skipSpace(raw, at+1); at < len(raw) && raw[at] != '}'; at = skipComma(raw, at) {
		nameEnd := skipValue(raw, at)
		value := skipSpace(raw, skipSpace(raw, nameEnd)+1)
		if raw[at] != '"' || nameEnd-at < 2 || value >= len(raw) {
			return &SyntaxError{Offset: at, Reason: "expected a member"}
		}
		end := skipValue(raw, value)
		if err := f(raw[at+1:nameEnd-1], at, value, end); err != nil {
			return err
		}
		if end == at {
			break
		}
		at = end
	}
	if at >= len(raw) {
		return &SyntaxError{Offset: at, Reason: "unexpected end"}
	}
	return nil
}

// eachItem calls f for every element of the array in raw, with its start and end.
func eachItem(raw []byte, f func(start, end int) error) error {
	at := skipSpace(raw, 0)
	if at == len(raw) || raw[at] != '[' {
		return &SyntaxError{Offset: at, Reason: "expected an array"}
	}
	for at = skipSpace(raw, at+1); at < len(raw) && raw[at] != ']'; at = skipComma(raw, at) {
		end := skipValue(raw, at)
		if end == at {
			return &SyntaxError{Offset: at, Reason: "expected a value"}
		}
		if err := f(at, end); err != nil {
			return err
		}
		at = end
	}
	if at >= len(raw) {
		return &SyntaxError{Offset: at, Reason: "unexpected end"}
	}
	return nil
}

func skipSpace(raw []byte, at int) int {
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\n' || raw[at] == '\t' || raw[at] == '\r') {
		at++
	}
	return min(at, len(raw))
}

func skipComma(raw []byte, at int) int {
	at = skipSpace(raw, at)
	if at < len(raw) && raw[at] == ',' {
		at = skipSpace(raw, at+1)
	}
	return at
}

// skipValue returns the end of the value that starts at at.
func skipValue(raw []byte, at int) int {
	depth := 0
	for at < len(raw) {
		switch raw[at] {
		case '"':
			at = skipString(raw, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
			at++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return at
			}
			at++
			continue
		default:
			at++
			if depth == 0 && at < len(raw) && !ends(raw[at]) {
				continue
			}
		}
		if depth == 0 {
			return at
		}
	}
	return at
}

func ends(c byte) bool {
	switch c {
	case ',', ':', '}', ']', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

func skipString(raw []byte, at int) int {
	for at++; at < len(raw); at++ {
		switch raw[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(raw)
}

// MemberText returns the text of a string member of the object in raw, as it is
// written, without decoding; "" when there is none. It serves codes and URLs, which
// have no escapes.
func MemberText(raw []byte, name string) string {
	text := ""
	// A damaged object has no such member: there is nobody to tell.
	_ = eachMember(raw, func(have []byte, _, value, end int) error {
		if string(have) == name && raw[value] == '"' && end-value >= 2 {
			text = string(raw[value+1 : end-1])
		}
		return nil
	})
	return text
}
