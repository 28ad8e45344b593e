package demographics

import (
	"errors"
	"fmt"
	"time"

	"vertebra/api/fhir"
)

// update is one PATCH at work on a decoded Patient.
type update struct {
	req        PatchRequest
	today      time.Time
	operations []fhir.PatchOperation
	// tree is changed in place; before is as it was.
	tree, before *fhir.Value
	// origins tells for the items and the lines of addresses that tree began with what
	// they were: what is not in it came with the request, whole.
	origins map[*fhir.Value]*fhir.Value
	changes []change
}

// change is one item of a base list that the request added, changed or removed.
type change struct {
	list string
	// path is the item's place in the record after the change, as issues name it.
	path string
	// before is nil for an added item, after for a removed one.
	before, after *fhir.Value
	// whole: after came with the request as a whole.
	whole bool
}

// touched reports whether the request gave the member another value. Rules bind
// what a request changes and nothing else (contract 1.9.3).
func (c *change) touched(member string) bool {
	return !fhir.Equal(c.before.Get(member), c.after.Get(member))
}

func (c *change) at(member string) string { return c.path + "/" + member }

func newUpdate(tree *fhir.Value, operations []fhir.PatchOperation, req PatchRequest) *update {
	u := &update{
		req: req, today: req.Now.UTC().Truncate(24 * time.Hour), operations: operations,
		tree: tree, before: tree.Clone(), origins: map[*fhir.Value]*fhir.Value{},
	}
	for _, list := range baseLists() {
		was := u.before.Get(list).List()
		for i, item := range tree.Get(list).List() {
			u.origins[item] = was[i]
			if lines := item.Get("line"); lines != nil {
				u.origins[lines] = was[i].Get("line")
			}
		}
	}
	return u
}

func baseLists() [6]string {
	return [...]string{"name", "address", "telecom", "contact", "generalPractitioner", "extension"}
}

// run checks, applies, checks what came of it, and tidies up.
func (u *update) run() error {
	if err := u.checkPatientMay(); err != nil {
		return err
	}
	if err := checkSafety(u.tree, u.operations); err != nil {
		return err
	}
	for i := range u.operations {
		if err := u.apply(&u.operations[i]); err != nil {
			return err
		}
	}
	u.findChanges()
	if err := u.checkPatientChanges(); err != nil {
		return err
	}
	if err := u.checkRules(); err != nil {
		return err
	}
	if err := u.nameItems(); err != nil {
		return err
	}
	u.dropEmptyLists()
	return nil
}

// apply applies one operation. An id or url is never changed: an operation that
// supplies one asks whether it is the one there.
func (u *update) apply(o *fhir.PatchOperation) error {
	list := o.Path[0]
	key := listKey(list)
	if id, ok := suppliedID(*o); ok && o.Op != fhir.PatchTest {
		n, _ := o.Path.Index(1)
		if have := u.tree.Get(list).At(n).Get(key); !fhir.Equal(have, id) {
			return unknownItem(list, valueText(id))
		}
		if len(o.Path) == 3 {
			return nil
		}
	}
	if len(o.Path) == 3 && o.Path[2] == key && key != "" && o.Op == fhir.PatchRemove {
		return InvalidUpdate(key + " cannot be removed from '" + list + "'")
	}
	if o.Op == fhir.PatchAdd && len(o.Path) == 2 && key != "" && u.tree.Get(list) == nil {
		u.tree.Set(list, fhir.NewArray())
	}
	err := o.Apply(u.tree)
	var failed *fhir.PatchError
	if errors.As(err, &failed) {
		return invalidPatch(failed.Reason)
	}
	return err
}

// findChanges compares the lists with what they were.
func (u *update) findChanges() {
	for _, list := range baseLists() {
		items := u.tree.Get(list).List()
		kept := map[*fhir.Value]bool{}
		for _, item := range items {
			if was := u.origins[item]; was != nil {
				kept[was] = true
			}
		}
		for i, item := range items {
			was, original := u.origins[item]
			if !original {
				was = u.replacedBy(list, item, kept)
			}
			if !fhir.Equal(was, item) {
				u.changes = append(u.changes, change{
					list: list, path: indexed(list, i), before: was, after: item, whole: !original,
				})
			}
		}
		for i, was := range u.before.Get(list).List() {
			if !kept[was] {
				u.changes = append(u.changes, change{list: list, path: indexed(list, i), before: was})
			}
		}
	}
}

// replacedBy returns the item for which the request supplied another whole one, and
// adds it to kept: nil for an item that is new.
func (u *update) replacedBy(list string, item *fhir.Value, kept map[*fhir.Value]bool) *fhir.Value {
	key := item.Get(listKey(list)).Str()
	was := itemWithKey(u.before.Get(list), listKey(list), key)
	if key == "" || was == nil || kept[was] {
		return nil
	}
	kept[was] = true
	return was
}

// maxNewIDs bounds how often NewID is asked for one id.
const maxNewIDs = 100

// nameItems gives added items an id that no other item of the patient has.
func (u *update) nameItems() error {
	taken := map[string]bool{}
	for _, list := range baseLists() {
		for _, item := range u.tree.Get(list).List() {
			taken[item.Get("id").Str()] = true
		}
		for _, item := range u.before.Get(list).List() {
			taken[item.Get("id").Str()] = true
		}
	}
	for _, c := range u.changes {
		if c.before != nil || listKey(c.list) != "id" {
			continue
		}
		id, err := freeID(u.req.NewID, taken)
		if err != nil {
			return err
		}
		taken[id] = true
		c.after.SetFirst("id", fhir.NewString(id))
	}
	return nil
}

func freeID(newID func() string, taken map[string]bool) (string, error) {
	for range maxNewIDs {
		if id := newID(); id != "" && !taken[id] {
			return id, nil
		}
	}
	return "", fmt.Errorf("demographics: no free object id in %d tries", maxNewIDs)
}

// dropEmptyLists: FHIR knows no empty collections (contract 1.8).
func (u *update) dropEmptyLists() {
	for _, list := range baseLists() {
		if v := u.tree.Get(list); v != nil && len(v.Items) == 0 {
			u.tree.Delete(list)
		}
	}
}
