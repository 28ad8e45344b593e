package fhir

import "strings"

// maxPythonBytes bounds what Python writes: it ends up in an error text.
const maxPythonBytes = 1024

// Python returns v as Python's repr writes it, which is how the public services
// quote a list or an object in their error texts. What is over a kilobyte is cut.
func Python(v *Value) string {
	var b strings.Builder
	writePython(&b, v)
	if b.Len() > maxPythonBytes {
		return strings.ToValidUTF8(b.String()[:maxPythonBytes], "") + "..."
	}
	return b.String()
}

func writePython(b *strings.Builder, v *Value) {
	if b.Len() > maxPythonBytes {
		return
	}
	switch {
	case v == nil || v.Kind == KindNull:
		b.WriteString("None")
	case v.Kind == KindString:
		writePythonString(b, v.Text)
	case v.Kind == KindBool:
		b.WriteString(strings.ToUpper(v.Text[:1]) + v.Text[1:])
	case v.Kind == KindNumber:
		b.WriteString(v.Text)
	case v.Kind == KindArray:
		b.WriteByte('[')
		for i, item := range v.Items {
			b.WriteString([]string{"", ", "}[min(i, 1)])
			writePython(b, item)
		}
		b.WriteByte(']')
	case v.Kind == KindObject:
		b.WriteByte('{')
		for i, p := range v.Properties {
			b.WriteString([]string{"", ", "}[min(i, 1)])
			writePythonString(b, p.Name)
			b.WriteString(": ")
			writePython(b, p.Value)
		}
		b.WriteByte('}')
	}
}

// writePythonString quotes with ', or with " where the text has ' and no ".
func writePythonString(b *strings.Builder, s string) {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	escape := strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	b.WriteString(quote)
	b.WriteString(escape.Replace(s))
	b.WriteString(quote)
}

func pythonType(v *Value) string {
	name := "NoneType"
	switch {
	case v == nil:
	case v.Kind == KindString:
		name = "str"
	case v.Kind == KindBool:
		name = "bool"
	case v.Kind == KindNumber:
		name = "int"
	case v.Kind == KindArray:
		name = "list"
	case v.Kind == KindObject:
		name = "dict"
	}
	return "<class '" + name + "'>"
}
