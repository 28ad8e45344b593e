package demographics

import (
	"strings"

	"vertebra/api/fhir"
)

func (u *update) checkName(c *change) error {
	if c.before != nil && c.touched("use") {
		return InvalidUpdate("use of an existing name cannot be changed")
	}
	if err := c.missing("use", "family"); err != nil {
		return err
	}
	if err := c.checkCode("use", "usual", "temp", "nickname", "old", "maiden"); err != nil {
		return err
	}
	if c.touched("prefix") {
		tidyPrefixes(c.after.Get("prefix"))
	}
	for _, member := range [...]string{"given", "prefix", "suffix"} {
		if c.touched(member) {
			tidyTexts(c.after, member)
		}
	}
	if given := c.after.Get("given"); c.touched("given") && len(given.List()) > maxGivenNames {
		return TooManyValues(pythonValue(given), c.at("given"))
	}
	if err := c.checkNameTexts(); err != nil {
		return err
	}
	return u.checkPeriod(c, true)
}

func (c *change) checkNameTexts() error {
	if family := c.after.Get("family"); c.touched("family") && !nameText(family) {
		return InvalidValue(valueText(family), c.at("family"))
	}
	for _, member := range [...]string{"given", "prefix", "suffix"} {
		if !c.touched(member) {
			continue
		}
		for _, text := range c.after.Get(member).List() {
			if !nameText(text) || member == "suffix" && !startsWithCapital(text.Text) {
				return InvalidValue(text.Text, c.at(member))
			}
		}
	}
	return nil
}

func startsWithCapital(s string) bool { return s[0] >= 'A' && s[0] <= 'Z' }

// tidyTexts drops what is blank from a list of texts, and a list of which nothing
// is left.
func tidyTexts(item *fhir.Value, member string) {
	list := item.Get(member)
	if list == nil {
		return
	}
	kept := list.Items[:0]
	for _, text := range list.Items {
		if !isString(text) || strings.TrimSpace(text.Text) != "" {
			kept = append(kept, text)
		}
	}
	if list.Items = kept; len(kept) == 0 {
		item.Delete(member)
	}
}

// tidyPrefixes writes the titles that everybody knows in the one way, and drops the
// full stop of an abbreviated one.
func tidyPrefixes(list *fhir.Value) {
	for _, prefix := range list.List() {
		title := strings.TrimSuffix(prefix.Text, ".")
		for _, known := range [...]string{"Mr", "Mrs", "Ms", "Dr", "Rev", "Sir", "Lady", "Lord"} {
			if strings.EqualFold(title, known) {
				title = known
			}
		}
		prefix.Text = title
	}
}
