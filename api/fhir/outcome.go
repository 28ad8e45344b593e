package fhir

// OutcomeJSON returns the OperationOutcome that says i and nothing else. Members
// that are empty are left out.
func OutcomeJSON(i *Issue) []byte { return OutcomesJSON(i) }

// OutcomesJSON returns the OperationOutcome that says issues in their order, for
// the services that report several at once.
func OutcomesJSON(issues ...*Issue) []byte {
	b := make([]byte, 0, 512*len(issues))
	b = append(b, `{"resourceType":"OperationOutcome","issue":[`...)
	for n, i := range issues {
		if n > 0 {
			b = append(b, ',')
		}
		b = i.appendJSON(b)
	}
	return append(b, ']', '}')
}

func (i *Issue) appendJSON(b []byte) []byte {
	b = append(b, '{')
	b = appendText(b, "severity", i.Severity)
	b = appendText(b, "code", i.Type)
	b = i.appendDetails(b)
	b = appendText(b, "diagnostics", i.Diagnostics)
	if len(i.Expression) > 0 {
		b = appendName(b, "expression")
		for n, e := range i.Expression {
			b = append(b, "[,"[min(n, 1)])
			b = AppendString(b, e)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (i *Issue) appendDetails(b []byte) []byte {
	if i.Coding == (Coding{}) && i.Text == "" {
		return b
	}
	b = append(appendName(b, "details"), '{')
	if c := i.Coding; c != (Coding{}) {
		b = append(appendName(b, "coding"), '[', '{')
		b = appendText(b, "system", c.System)
		b = appendText(b, "version", c.Version)
		b = appendText(b, "code", c.Code)
		b = appendText(b, "display", c.Display)
		b = append(b, '}', ']')
	}
	b = appendText(b, "text", i.Text)
	return append(b, '}')
}

// appendName appends a member's name and colon, with a comma unless it is the
// first of its object.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(AppendString(b, name), ':')
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return AppendString(appendName(b, name), text)
}
