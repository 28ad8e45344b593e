package fhir

import "encoding/binary"

// Class says what a part of a stored resource is, as far as a filtered view cares.
// A service declares its own, 0 to 31; they are on disk and never renumbered.
type Class uint8

// Classes is a set of classes: what a view shows.
type Classes uint32

// ClassesOf returns the set of the given classes.
func ClassesOf(classes ...Class) Classes {
	var s Classes
	for _, c := range classes {
		s |= 1 << c
	}
	return s
}

// Has reports whether c is in the set.
func (s Classes) Has(c Class) bool { return s&(1<<c) != 0 }

// Classify says the class of a top-level member. Where itemised is true, the
// member is an array whose elements have classes of their own: it is called again
// with each of them as item.
type Classify func(member string, item []byte) (c Class, itemised bool)

// AppendOutline appends the outline of a resource: where its top-level members
// stand and of which class they are. Splice cuts views out of the resource by it,
// so that a read decodes no JSON; a 6 KB Patient's outline is about 60 bytes. body
// is valid JSON; for anything that is not an object the error is a *SyntaxError.
//
// Per member: class, bytes since the end of the last one, length; for an itemised
// one itemisedClass, gap, length, number of items, then the same for each item.
func AppendOutline(dst, body []byte, classify Classify) ([]byte, error) {
	last := 0
	err := eachMember(body, func(raw []byte, start, value, end int) error {
		name := string(raw)
		class, itemised := classify(name, nil)
		if !itemised || body[value] != '[' {
			dst = appendPart(dst, byte(class), start-last, end-start)
			last = end
			return nil
		}
		dst = appendPart(dst, itemisedClass, start-last, end-start)
		var err error
		dst, err = appendItems(dst, body[start:end], value-start, name, classify)
		last = end
		return err
	})
	return dst, err
}

// itemisedClass stands for the class of a member whose items have their own.
const itemisedClass = 0xff

func appendPart(dst []byte, class byte, gap, length int) []byte {
	dst = append(dst, class)
	dst = binary.AppendUvarint(dst, uint64(gap))
	return binary.AppendUvarint(dst, uint64(length))
}

// appendItems appends the items of the array at raw[array:].
func appendItems(dst, raw []byte, array int, name string, classify Classify) ([]byte, error) {
	var parts []byte
	count, last := 0, 0
	err := eachItem(raw[array:], func(start, end int) error {
		start, end = start+array, end+array
		class, _ := classify(name, raw[start:end])
		parts = appendPart(parts, byte(class), start-last, end-start)
		last = end
		count++
		return nil
	})
	dst = binary.AppendUvarint(dst, uint64(count))
	return append(dst, parts...), err
}

// Splice appends to dst the resource body with only what is of the classes shown.
// An array of which nothing is left is left out, as FHIR knows no empty ones. ok is
// false when outline is not an outline of body; dst is then returned as it was.
//
// It copies byte ranges: nothing is decoded and nothing allocated but dst's growth.
func Splice(dst, body, outline []byte, shown Classes) (spliced []byte, ok bool) {
	s := splicer{out: append(dst, '{'), first: len(dst) + 1, shown: shown}
	r := outlineReader{rest: outline}
	for len(r.rest) > 0 {
		class, start, end := r.part()
		if r.bad || end > len(body) {
			return dst, false
		}
		member := body[start:end]
		if class == itemisedClass {
			s.items(&r, member)
		} else if shown.Has(Class(class)) {
			s.member(member)
		}
		if r.bad {
			return dst, false
		}
	}
	return append(s.out, '}'), true
}

// splicer is a view in the making.
type splicer struct {
	out []byte
	// first is where the first member goes: no comma comes before that one.
	first int
	shown Classes
}

func (s *splicer) member(part []byte) {
	if len(s.out) > s.first {
		s.out = append(s.out, ',')
	}
	s.out = append(s.out, part...)
}

// items appends those items of an array member that are shown, or all of the member
// as it stands, or nothing.
func (s *splicer) items(r *outlineReader, member []byte) {
	before, kept, all := len(s.out), 0, true
	count := r.uvarint()
	items := outlineReader{rest: r.rest}
	for range count {
		class, start, end := items.part()
		if items.bad || end > len(member) {
			r.bad = true
			return
		}
		if !s.shown.Has(Class(class)) {
			all = false
			continue
		}
		if kept++; kept == 1 {
			s.member(arrayStart(member))
		} else {
			s.out = append(s.out, ',')
		}
		s.out = append(s.out, member[start:end]...)
	}
	r.rest = items.rest
	switch {
	case all:
		s.out = s.out[:before]
		s.member(member)
	case kept > 0:
		s.out = append(s.out, ']')
	}
}

// arrayStart is a member's name up to and with its array's bracket.
func arrayStart(member []byte) []byte {
	name := skipString(member, 0)
	for end := name; end < len(member); end++ {
		if member[end] == '[' {
			return member[:end+1]
		}
	}
	return member
}

type outlineReader struct {
	rest []byte
	last int
	bad  bool
}

func (r *outlineReader) uvarint() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<30 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

// part reads class, gap and length.
func (r *outlineReader) part() (class byte, start, end int) {
	if len(r.rest) == 0 {
		r.bad = true
		return 0, 0, 0
	}
	class, r.rest = r.rest[0], r.rest[1:]
	start = r.last + r.uvarint()
	r.last = start + r.uvarint()
	return class, start, r.last
}
