package demographics

import (
	"fmt"

	"github.com/tidwall/gjson"

	"vertebra/api/fhir"
)

const extensionRemoval = "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration"

// hasInternalRemoval reports whether a Patient says why it was removed from
// registration with a code that ordinary callers are not told (contract 1.8).
func hasInternalRemoval(body []byte) bool {
	internal := false
	each(gjson.GetBytes(body, "extension"), func(e gjson.Result) {
		if e.Get("url").Str != extensionRemoval {
			return
		}
		each(e.Get("extension"), func(part gjson.Result) {
			code := part.Get("valueCodeableConcept.coding.0.code")
			internal = internal || code.Exists() && !publicRemoval(code.Str)
		})
	})
	return internal
}

func publicRemoval(code string) bool {
	switch code {
	case "DEA", "EMB", "SCT", "NIT", "TRA", "ORR":
		return true
	}
	return false
}

// withPublicRemoval returns a Patient with "other reason" in place of an internal
// one. It is the one view that decodes: one person in thousands has such a code, and
// what is stored keeps the real one for those who may see it.
func withPublicRemoval(body []byte) ([]byte, error) {
	tree, err := fhir.ParseJSON(body)
	if err != nil {
		return nil, fmt.Errorf("demographics: stored Patient: %w", err)
	}
	for _, e := range tree.Get("extension").List() {
		if e.Get("url").Str() != extensionRemoval {
			continue
		}
		for _, part := range e.Get("extension").List() {
			coding := part.Get("valueCodeableConcept").Get("coding").At(0)
			if code := coding.Get("code"); code != nil && !publicRemoval(code.Str()) {
				coding.Set("code", fhir.NewString("ORR"))
				coding.Set("display", fhir.NewString("Other Reason"))
			}
		}
	}
	return tree.JSON(), nil
}
