package demographics

import (
	"errors"
	"strconv"
	"strings"

	"vertebra/api/fhir"
)

// The bounds of one PATCH. A Patient has some thirty parts that can be changed.
const (
	maxPatchBytes      = 256 << 10
	maxPatchOperations = 100
)

// parsePatches takes the envelope apart: {"patches":[...]} (contract 1.9.1).
func parsePatches(body []byte) ([]*fhir.Value, error) {
	if len(body) > maxPatchBytes {
		return nil, InvalidUpdate("the request is too large")
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil, InvalidUpdate("No patches found")
	}
	envelope, err := fhir.ParseJSON(body)
	if err != nil {
		var syntax *fhir.SyntaxError
		errors.As(err, &syntax)
		return nil, InvalidUpdate("the request is not valid JSON - " + shortened(syntax.Error()))
	}
	patches := envelope.Get("patches").List()
	switch {
	case len(patches) == 0:
		return nil, InvalidUpdate("No patches found")
	case len(patches) > maxPatchOperations:
		return nil, InvalidUpdate("more than " + strconv.Itoa(maxPatchOperations) + " patches")
	}
	return patches, nil
}

// parseOperations reads the operations. The op of every one is looked at before
// any path (contract 1.9.1).
func parseOperations(patches []*fhir.Value) ([]fhir.PatchOperation, error) {
	for i, p := range patches {
		if err := checkOp(p, strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	operations := make([]fhir.PatchOperation, len(patches))
	for i, p := range patches {
		o, err := parseOperation(p, strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		operations[i] = o
	}
	return operations, nil
}

func checkOp(p *fhir.Value, at string) error {
	if p.Kind != fhir.KindObject {
		return InvalidValue(pythonValue(p), at)
	}
	op := p.Get("op")
	if op == nil {
		return MissingValue(at + "/op")
	}
	switch fhir.PatchOp(op.Str()) {
	case fhir.PatchAdd, fhir.PatchReplace, fhir.PatchRemove, fhir.PatchTest:
		return nil
	}
	return InvalidValue(valueText(op), at+"/op")
}

func parseOperation(p *fhir.Value, at string) (fhir.PatchOperation, error) {
	o := fhir.PatchOperation{Op: fhir.PatchOp(p.Get("op").Str())}
	path := p.Get("path")
	if path == nil {
		return o, MissingValue(at + "/path")
	}
	var ok bool
	if o.Path, ok = fhir.ParsePointer(path.Str()); !ok || len(o.Path) == 0 {
		return o, InvalidValue(valueText(path), at+"/path")
	}
	if o.Op == fhir.PatchRemove {
		return o, nil
	}
	if o.Value = p.Get("value"); o.Value == nil {
		return o, MissingValue(at + "/value")
	}
	if hasNull(o.Value) {
		return o, InvalidValue("null", at+"/value")
	}
	canonicalURLs(o.Value)
	o.Value.Text = canonicalURL(o.Value.Text)
	return o, nil
}

// hasNull: FHIR has no null; a member is taken away by removing it.
func hasNull(v *fhir.Value) bool {
	if v.Kind == fhir.KindNull {
		return true
	}
	for _, item := range v.Items {
		if hasNull(item) {
			return true
		}
	}
	for _, p := range v.Properties {
		if hasNull(p.Value) {
			return true
		}
	}
	return false
}

// canonicalURLs gives extensions in v the URLs by which they are known now: older
// clients still send an older prefix (contract 1.8, URL note).
func canonicalURLs(v *fhir.Value) {
	for _, item := range v.Items {
		canonicalURLs(item)
	}
	for _, p := range v.Properties {
		if p.Name == "url" {
			p.Value.Text = canonicalURL(p.Value.Text)
		}
		canonicalURLs(p.Value)
	}
}

const ukCore = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"

func canonicalURL(url string) string {
	if rest, ok := strings.CutPrefix(url, "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-"); ok {
		return ukCore + rest
	}
	return url
}
