package demographics

import "vertebra/index"

// The fields of a person's search document. The numbers are on disk: never
// reused, never renumbered. Values are as plain makes them unless said otherwise.
const (
	// fieldOf is the NHS number that a hit stands for: the retained one when this record
	// was superseded.
	fieldOf index.Field = 1
	// fieldBirth is the birth date, YYYYMMDD. A partial date is shorter and so sorts
	// before its first day. Former birth dates are in no field: they never match (1.6.3).
	fieldBirth index.Field = 2
	// fieldFamily holds usual, nickname and temp names; fieldPastFamily old and maiden
	// ones and those of the register's history.
	fieldFamily     index.Field = 3
	fieldPastFamily index.Field = 4
	// fieldGiven holds one value a name: its given names in order, givenSeparator between.
	fieldGiven     index.Field = 5
	fieldPastGiven index.Field = 6
	// fieldGender is one letter.
	fieldGender     index.Field = 7
	fieldPastGender index.Field = 8
	// fieldDeath is the date of death, as fieldBirth.
	fieldDeath index.Field = 9
	// fieldPostcode holds those of all current addresses, without spaces.
	fieldPostcode     index.Field = 10
	fieldPastPostcode index.Field = 11
	fieldPhone        index.Field = 12
	fieldPastPhone    index.Field = 13
	fieldEmail        index.Field = 14
	fieldPastEmail    index.Field = 15
	// fieldPractice is the GP practice's ODS code.
	fieldPractice index.Field = 16
	// fieldSecurity is r or v; absent for everybody else.
	fieldSecurity index.Field = 17
	// fieldFamilySound holds phonetic codes of all family names, past ones too, since a
	// fuzzy search always includes history; fieldGivenSound of all first given names.
	fieldFamilySound index.Field = 18
	fieldGivenSound  index.Field = 19
	// fieldPharmacy is the nominated pharmacy's ODS code.
	fieldPharmacy index.Field = 20
	// fieldOrganisation is the managing organisation's ODS code; de-registered people have one.
	fieldOrganisation index.Field = 21
)

// givenSeparator stands between the given names of one name: no name holds it.
const givenSeparator = "\x1f"

// start is how many first characters of a family name a posting carries: the two
// that a wildcard may not stand in (1.6.1).
const start = 2

// Profile declares what people are found by.
//
// A posting costs about 2.7 µs of load and 20-40 bytes of disk a person, so each
// says here which search it is for. Every search names a birth date (1.6.1), so
// the composites of names end in it: at 90 million people a day of birth has
// 2,500, and one with a name has a handful.
func Profile() *index.Profile {
	return &index.Profile{
		Number: 1,
		Name:   "people",
		Composites: []index.Composite{
			// Every search without wildcard, and the search for duplicates before a create.
			named(1, whole(fieldFamily), whole(fieldBirth)),
			// The same with _history.
			named(2, whole(fieldPastFamily), whole(fieldBirth)),
			// Wildcards, whose first two characters are literal; mistyped names. The name stands
			// behind the date so that the rest of a pattern is tested on the key: without it
			// Sm*t* read a document for every Sm.
			named(3, index.Part{Field: fieldFamily, First: start}, whole(fieldBirth), whole(fieldFamily)),
			named(4, index.Part{Field: fieldPastFamily, First: start}, whole(fieldBirth), whole(fieldPastFamily)),
			// Fuzzy: homophones, diacritics, given and family name transposed.
			named(5, whole(fieldFamilySound), whole(fieldBirth)),
			// Fuzzy without a family or a given name; any search over years of birth that has
			// one: a postcode has 40 people, a Smith a million namesakes.
			named(6, whole(fieldPostcode), whole(fieldBirth)),
			// As narrow as a search gets, for those over years of birth.
			named(7, whole(fieldPhone)),
			named(8, whole(fieldEmail)),
			// Whom a practice or pharmacy has: practice searches, and the lists of the services
			// that come (events, prescriptions).
			named(9, whole(fieldPractice), whole(fieldBirth)),
			named(10, whole(fieldPharmacy)),
		},
		// What postings do not name in advance: a mistyped family name beside a given name
		// that sounds right. Terms cost bleve forty times a posting, hence only these.
		Terms: []index.Term{
			{Field: fieldGivenSound, Kind: index.TermExact},
			{Field: fieldFamilySound, Kind: index.TermExact},
			{Field: fieldBirth, Kind: index.TermDate},
		},
	}
}

func named(number uint16, parts ...index.Part) index.Composite {
	return index.Composite{Number: number, Parts: parts}
}

func whole(f index.Field) index.Part { return index.Part{Field: f} }
