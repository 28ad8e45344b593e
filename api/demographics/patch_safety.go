package demographics

import (
	"strconv"
	"strings"

	"vertebra/api/fhir"
)

// The safety rules (contract 1.9.2, 1 to 4) keep a client whose picture of a record
// is old from changing the wrong item. They look at the operations and, for what a
// list holds, at the record before any of them.

// checkSafety reports the first rule that the operations break.
func checkSafety(tree *fhir.Value, operations []fhir.PatchOperation) error {
	for _, rule := range [...]func(*fhir.Value, []fhir.PatchOperation) error{
		checkRoots, checkRemovals, checkAdditions, checkIdentified, checkBounds, checkSuppliedIDs,
	} {
		if err := rule(tree, operations); err != nil {
			return err
		}
	}
	return nil
}

// listKey is the member that tells the items of a base list apart; "" for a member
// that is no such list.
func listKey(member string) string {
	switch member {
	case "name", "address", "telecom", "contact", "generalPractitioner":
		return "id"
	case "extension":
		return "url"
	}
	return ""
}

// checkRoots: only some members can be changed, and a list only by its items.
func checkRoots(_ *fhir.Value, operations []fhir.PatchOperation) error {
	for _, o := range operations {
		root := o.Path[0]
		switch root {
		case "gender", "birthDate", "deceasedDateTime", "multipleBirthInteger":
			continue
		case "resourceType", "id", "identifier", "meta", "managingOrganization":
			if o.Op == fhir.PatchTest {
				continue
			}
		}
		if listKey(root) == "" {
			return InvalidUpdate("Update unsupported for resource - '" + shortened(root) + "'")
		}
		if len(o.Path) == 1 && o.Op != fhir.PatchTest {
			return InvalidUpdate("the list '" + root + "' cannot be changed as a whole")
		}
	}
	return nil
}

// checkRemovals is rule 3: a test of the same item comes right before its removal.
func checkRemovals(_ *fhir.Value, operations []fhir.PatchOperation) error {
	for i, o := range operations {
		if o.Op != fhir.PatchRemove || !isListItem(o.Path) {
			continue
		}
		removal := "removal '" + shortened(o.Path.String()) + "' is not immediately preceded by equivalent test - instead it is "
		if i == 0 {
			return InvalidUpdate(removal + "the first item")
		}
		if before := operations[i-1]; !testsItem(before, o.Path) {
			return InvalidUpdate(removal + "preceded by '" + string(before.Op) + " " + shortened(before.Path.String()) + "'")
		}
	}
	return nil
}

// isListItem reports whether path is an item with an identity: one of a base list,
// or of a list of extensions or contact points within one.
func isListItem(path fhir.Pointer) bool {
	if len(path) < 2 {
		return false
	}
	if _, ok := path.Index(len(path) - 1); !ok {
		return false
	}
	list := path[len(path)-2]
	return len(path) == 2 && listKey(list) != "" || list == "extension" || list == "telecom"
}

// testsItem reports whether o is a test of the item at path: of its id or url, or of
// all of it; for a nested item also of the one that holds it.
func testsItem(o fhir.PatchOperation, path fhir.Pointer) bool {
	if o.Op != fhir.PatchTest {
		return false
	}
	tested := o.Path
	if last := tested[len(tested)-1]; len(tested)%2 == 1 && (last == "id" || last == "url") {
		tested = tested[:len(tested)-1]
	}
	within := len(tested) >= 2 && len(tested) <= len(path) && len(tested)%2 == 0
	return within && tested.String() == path[:len(tested)].String()
}

// checkAdditions is rule 4: the server says where an item goes and what its id is.
func checkAdditions(_ *fhir.Value, operations []fhir.PatchOperation) error {
	for _, o := range operations {
		if o.Op != fhir.PatchAdd || len(o.Path) != 2 || listKey(o.Path[0]) == "" {
			continue
		}
		if o.Path[1] != "-" {
			return InvalidUpdate("add to list '" + o.Path[0] + "' must use '/" + o.Path[0] + "/-'")
		}
		if o.Value.Kind != fhir.KindObject {
			return InvalidValue(valueText(o.Value), o.Path[0])
		}
		if o.Value.Get("id") != nil {
			return InvalidUpdate("an id cannot be supplied when adding to '" + o.Path[0] + "'")
		}
	}
	return nil
}

// checkIdentified is rule 1: a change within an item says which item it means.
func checkIdentified(_ *fhir.Value, operations []fhir.PatchOperation) error {
	named := map[string]bool{}
	for _, o := range operations {
		if _, ok := suppliedID(o); ok {
			named[o.Path[:2].String()] = true
		}
	}
	for _, o := range operations {
		if !touchesItem(o) || o.Op == fhir.PatchTest || o.Op == fhir.PatchRemove && len(o.Path) == 2 {
			continue
		}
		if root := o.Path[:2].String(); !named[root] {
			return InvalidUpdate("no id or url found for path with root " + shortened(root))
		}
	}
	return nil
}

// touchesItem reports whether o is about an item of a base list, by its index.
func touchesItem(o fhir.PatchOperation) bool {
	if len(o.Path) < 2 || listKey(o.Path[0]) == "" {
		return false
	}
	return o.Path[1] != "-"
}

// suppliedID returns the id or url by which an operation names the item it is about.
func suppliedID(o fhir.PatchOperation) (*fhir.Value, bool) {
	if !touchesItem(o) || o.Op == fhir.PatchRemove {
		return nil, false
	}
	key := listKey(o.Path[0])
	switch {
	case len(o.Path) == 2:
		id := o.Value.Get(key)
		return id, id != nil
	case len(o.Path) == 3 && o.Path[2] == key:
		return o.Value, true
	}
	return nil, false
}

// checkBounds follows the lengths of the base lists through the operations and
// reports an index that is past the end when its turn comes. It comes before
// checkSuppliedIDs: contract 1.9.2 (5).
func checkBounds(tree *fhir.Value, operations []fhir.PatchOperation) error {
	lengths := map[string]int{}
	for _, o := range operations {
		if len(o.Path) < 2 || listKey(o.Path[0]) == "" {
			continue
		}
		list := o.Path[0]
		length, seen := lengths[list]
		if !seen {
			length = len(tree.Get(list).List())
		}
		n, ok := o.Path.Index(1)
		switch {
		case o.Path[1] == "-" && o.Op == fhir.PatchAdd && len(o.Path) == 2:
			length++
		case !ok:
			return invalidPatch("'" + shortened(o.Path[1]) + "' is not a valid sequence index")
		case n >= length:
			return invalidPatch("index '" + strconv.Itoa(n) + "' is out of bounds")
		case o.Op == fhir.PatchRemove && len(o.Path) == 2:
			length--
		}
		lengths[list] = length
	}
	return nil
}

// checkSuppliedIDs is rule 2: an item that is named exists. That it stands where the
// operation says is looked at when its turn comes.
func checkSuppliedIDs(tree *fhir.Value, operations []fhir.PatchOperation) error {
	for _, o := range operations {
		id, ok := suppliedID(o)
		list := o.Path[0]
		if !ok || list == "extension" && o.Op == fhir.PatchTest || itemWithKey(tree.Get(list), listKey(list), valueText(id)) != nil {
			continue
		}
		if member := replacedArray(operations, o.Path); member != "" {
			return invalidPatch("can't replace non-existent object '" + shortened(member) + "'")
		}
		return unknownItem(list, valueText(id))
	}
	return nil
}

// replacedArray returns the member of the item at path that an operation replaces by
// an array. Live and sandbox answer that, under an id that does not exist, as if the
// member did not (contract 1.9.2 (5), a quirk that a test asserts).
func replacedArray(operations []fhir.PatchOperation, path fhir.Pointer) string {
	for _, o := range operations {
		if o.Op == fhir.PatchReplace && len(o.Path) == 3 && o.Value.Kind == fhir.KindArray &&
			o.Path[0] == path[0] && o.Path[1] == path[1] {
			return o.Path[2]
		}
	}
	return ""
}

func itemWithKey(list *fhir.Value, key, value string) *fhir.Value {
	for _, item := range list.List() {
		if have := item.Get(key); have != nil && have.Str() == value {
			return item
		}
	}
	return nil
}

func unknownItem(list, id string) error {
	what := "object id"
	if list == "extension" {
		what = "url"
	}
	return InvalidUpdate("no '" + list + "' resources with " + what + " '" + shortened(id) + "'")
}

func invalidPatch(reason string) error {
	return InvalidUpdate("Invalid patch - " + strings.TrimSpace(reason))
}
