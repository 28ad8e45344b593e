package demographics

import (
	"slices"
	"strings"
	"unicode/utf8"

	"vertebra/index"
)

// How well two names fit that are not the same. The order is what a trace clerk
// would trust; the figures put the samples of contract 1.6.3 into 0.68 to 0.95.
const (
	fitFolded   = 0.95 // but for diacritics, apostrophes, hyphens
	fitNickname = 0.88 // Joe and Joseph
	fitSound    = 0.80 // Smith and Smythe, times how alike they are written
	fitTypo     = 0.76 // Smiht and Smith
	fitInitial  = 0.74 // J and Joseph
	fitMissing  = 0.70 // a further given name that is not recorded
	fitOther    = 0.40 // a further given name that is another

	// fitMiddle and fitTransposed multiply: a middle name asked for as first name, and the
	// family name given as given name and the other way round.
	fitMiddle     = 0.90
	fitTransposed = 0.92
)

// soundsAlikeFrom is how alike (index.Similarity) names that share a phonetic code must
// be written: a Soundex code alone takes Robert for Rupert, which clinicians would not.
const soundsAlikeFrom = 0.65

// sounded is a name of a fuzzy search with all that it is compared by.
type sounded struct {
	plain, fold string
	sounds      []string
	// nicknames are folded; only given names have them.
	nicknames []string
}

func newSounded(name string) sounded {
	return sounded{plain: name, fold: index.Fold(name), sounds: index.Sound(name)}
}

// givenWords splits given names into words, since a fuzzy search takes "Anne
// Marie J" and ["Anne", "Marie", "J"] for the same.
func givenWords(given []string) []sounded {
	var words []sounded
	for _, name := range given {
		for word := range strings.FieldsFuncSeq(name, betweenWords) {
			one := newSounded(word)
			one.nicknames = index.Nicknames(word)
			words = append(words, one)
		}
	}
	return words
}

// betweenWords reports whether r stands between the words of given names.
func betweenWords(r rune) bool { return r == ' ' || r == '-' || r == '\x1f' }

// fits compares the asked name with a recorded one. folded is index.Fold(name).
func (a *sounded) fits(name, folded string) float64 {
	switch {
	case a.plain == name:
		return 1
	case a.fold == "" || folded == "":
		return 0
	case a.fold == folded, strings.ReplaceAll(a.fold, " ", "") == strings.ReplaceAll(folded, " ", ""):
		return fitFolded
	case slices.Contains(a.nicknames, folded):
		return fitNickname
	case a.soundsLike(name, folded):
		return fitSound + (fitNickname-fitSound)*index.Similarity(a.fold, folded)
	case mistyped(a.fold, folded):
		return fitTypo
	}
	return 0
}

func (a *sounded) soundsLike(name, folded string) bool {
	if index.Similarity(a.fold, folded) < soundsAlikeFrom {
		return false
	}
	return slices.ContainsFunc(index.Sound(name), func(code string) bool { return slices.Contains(a.sounds, code) })
}

// mistyped allows one mistake in names of four letters and two in those of eight:
// more would take Jan for Dan and Harris for Ferris.
func mistyped(a, b string) bool {
	switch shorter := min(len(a), len(b)); {
	case shorter >= 8:
		return index.Edits(a, b) <= 2
	case shorter >= 4:
		return index.Edits(a, b) <= 1
	}
	return false
}

// fitsInitial is fits for a given name, where one letter stands for any name that starts so.
func (a *sounded) fitsInitial(name, folded string) float64 {
	fit := a.fits(name, folded)
	if fit == 0 && initialOf(a.fold, folded) {
		return fitInitial
	}
	return fit
}

func initialOf(a, b string) bool {
	short, long := a, b
	if len(b) < len(a) {
		short, long = b, a
	}
	return utf8.RuneCountInString(short) == 1 && strings.HasPrefix(long, short)
}

// fuzzyNames compares names as a fuzzy search does, as they were asked for and
// transposed, and takes the better. The penalty is for recorded given names that
// were not asked for.
func (m *matcher) fuzzyNames(d index.Document, total *score) (penalty float64, ok bool) {
	family, given, extra := m.namesFit(d)
	if m.family != "" && len(m.fuzzyGiven) > 0 {
		f, g := m.transposedFit(d)
		if f*g > 0 && weightFamily*f+weightGiven*g > weightFamily*family+weightGiven*given {
			family, given = f, g
		}
	}
	if m.family != "" {
		total.add(weightFamily, family)
		ok = family > 0
	}
	if len(m.given) > 0 {
		total.add(weightGiven, given)
		ok = given > 0 && (ok || m.family == "")
	}
	return unaskedGiven * float64(extra), ok
}

// namesFit compares family with family and given with given names.
func (m *matcher) namesFit(d index.Document) (family, given float64, extra int) {
	for f, v := range d.All() {
		switch f {
		case fieldFamily, fieldPastFamily:
			family = max(family, m.fuzzyFamily.fits(v, index.Fold(v)))
		case fieldGiven, fieldPastGiven:
			if fit, more := m.givenFit(v); fit > given {
				given, extra = fit, more
			}
		}
	}
	return family, given, extra
}

// givenFit compares the asked given names with those of one name; extra is how many
// recorded ones were not asked for.
func (m *matcher) givenFit(names string) (fit float64, extra int) {
	if len(m.fuzzyGiven) == 0 {
		return 0, 0
	}
	if givenFit(m.given, names) == 1 {
		return 1, max(0, strings.Count(names, givenSeparator)+1-len(m.given))
	}
	recorded := recordedWords(names)
	first := m.firstGivenFit(recorded)
	if first == 0 {
		return 0, 0
	}
	sum := 2 * first
	for i := range m.fuzzyGiven[1:] {
		sum += m.furtherGivenFit(i+1, recorded)
	}
	mean := sum / float64(len(m.fuzzyGiven)+1)
	return min(mean, fitFolded), max(0, len(recorded)-len(m.fuzzyGiven))
}

// recordedWord is a word of a recorded given name.
type recordedWord struct{ plain, fold string }

func recordedWords(names string) []recordedWord {
	var words []recordedWord
	for word := range strings.FieldsFuncSeq(names, betweenWords) {
		words = append(words, recordedWord{word, index.Fold(word)})
	}
	return words
}

// firstGivenFit compares the first asked given name with the first recorded one, with
// later ones for less, and the first two run together (Anne Marie, Annemarie).
func (m *matcher) firstGivenFit(recorded []recordedWord) float64 {
	best := 0.0
	for i, r := range recorded {
		fit := m.fuzzyGiven[0].fitsInitial(r.plain, r.fold)
		if i > 0 {
			fit *= fitMiddle
		}
		best = max(best, fit)
	}
	if best < fitFolded && runTogether(m.fuzzyGiven, recorded) {
		return fitFolded
	}
	return best
}

func runTogether(asked []sounded, recorded []recordedWord) bool {
	if len(recorded) == 0 {
		return false
	}
	two := len(asked) > 1 && asked[0].fold+asked[1].fold == recorded[0].fold
	return two || len(recorded) > 1 && recorded[0].fold+recorded[1].fold == asked[0].fold
}

// furtherGivenFit compares the i-th asked given name with all recorded ones but the first.
func (m *matcher) furtherGivenFit(i int, recorded []recordedWord) float64 {
	if len(recorded) <= i {
		return max(fitMissing, m.anyGivenFit(i, recorded))
	}
	return max(fitOther, m.anyGivenFit(i, recorded))
}

func (m *matcher) anyGivenFit(i int, recorded []recordedWord) float64 {
	best := 0.0
	for _, r := range recorded[min(1, len(recorded)):] {
		best = max(best, m.fuzzyGiven[i].fitsInitial(r.plain, r.fold))
	}
	return best
}

// transposedFit compares the asked family name with recorded first given names, and
// the asked given name with recorded family names.
func (m *matcher) transposedFit(d index.Document) (family, given float64) {
	for f, v := range d.All() {
		switch f {
		case fieldFamily, fieldPastFamily:
			fold := index.Fold(v)
			given = max(given, fitTransposed*m.fuzzyGiven[0].fits(v, fold), fitTransposed*m.fuzzyFirst.fits(v, fold))
		case fieldGiven, fieldPastGiven:
			first, _, _ := strings.Cut(v, givenSeparator)
			family = max(family, fitTransposed*m.fuzzyFamily.fits(first, index.Fold(first)))
		}
	}
	return family, given
}

// fuzzyPlace compares the rest as a fuzzy search does. A wrong postcode only lowers
// the score when family and given name were named; else it is what the search
// stands on. A wrong practice and date of death lower the score (1.6.1, 1.6.3).
func (m *matcher) fuzzyPlace(d index.Document, total *score) bool {
	if m.postcode != "" {
		fit := m.postcodeFit(d)
		if fit == 0 && (m.family == "" || len(m.given) == 0) {
			return false
		}
		total.add(weightPostcode, fit)
	}
	if m.practice != "" {
		total.add(weightPractice, fitWhen(d.First(fieldPractice) == m.practice))
	}
	if m.death.given() {
		total.add(weightDeath, fitWhen(m.death.holds(d.First(fieldDeath))))
	}
	return true
}

func fitWhen(same bool) float64 {
	if same {
		return 1
	}
	return 0
}
