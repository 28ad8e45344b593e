package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// object is a JSON object of the description.
type object = map[string]any

// describe completes the OpenAPI description with what holds for every route and
// which annotations would have to repeat at each: headers, media types, the shape
// of errors. A body is FHIR JSON and not the google.api.HttpBody that carries it.
func describe(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var document object
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	document["info"] = object{"title": "Vertebra", "version": "v1",
		"description": "FHIR R4 services of a Vertebra node. The same services answer over gRPC."}
	document["consumes"] = []string{"application/fhir+json", "application/json", "application/json-patch+json"}
	document["produces"] = []string{"application/fhir+json"}
	document["definitions"] = object{
		"Resource":         object{"type": "object", "description": "A FHIR R4 resource."},
		"OperationOutcome": object{"type": "object", "description": "A FHIR R4 OperationOutcome with one issue."},
	}
	paths, _ := document["paths"].(object)
	for _, methods := range paths {
		for method, operation := range methods.(object) {
			describeOperation(method, operation.(object))
		}
	}
	out, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(out, '\n'), 0o644)
}

func describeOperation(method string, operation object) {
	resource := object{"$ref": "#/definitions/Resource"}
	var parameters []any
	given, _ := operation["parameters"].([]any)
	for _, p := range given {
		parameter := p.(object)
		if parameter["in"] == "body" {
			parameter["schema"] = resource
		}
		parameters = append(parameters, parameter)
	}
	operation["parameters"] = append(parameters, headers(method, operation)...)
	good := "200"
	if id, _ := operation["operationId"].(string); strings.HasSuffix(id, "_ReplaceCoverage") || strings.HasSuffix(id, "_CreatePatient") || strings.HasSuffix(id, "_ProcessBirthDetails") {
		good = "201"
	}
	operation["responses"] = object{
		good:      object{"description": "The resource. X-Request-ID and X-Correlation-ID are repeated; Vertebra-Position says what was seen.", "schema": resource},
		"default": object{"description": "What is wrong.", "schema": object{"$ref": "#/definitions/OperationOutcome"}},
	}
}

// headers are the request headers of an operation.
func headers(method string, operation object) []any {
	header := func(name, description string, required bool) any {
		return object{"name": name, "in": "header", "type": "string", "required": required, "description": description}
	}
	all := []any{
		header("X-Request-ID", "A UUID. A retry with the same one, and the same body, gets the first answer again.", true),
		header("X-Correlation-ID", "Repeated in the answer.", false),
		header("Authorization", "Bearer and a token.", false),
		header("NHSD-Session-URID", "The user's role, for users with several.", false),
		header("X-Sync-Wait", "Seconds to wait, 0.25 to 29; 10 otherwise.", false),
	}
	if method == "get" {
		return append(all,
			header("Cache-Control", "max-age=5: any replica no older than five seconds. Nothing or no-cache: linearizable.", false),
			header("Vertebra-Position", "At least this position: of an earlier answer.", false))
	}
	if id, _ := operation["operationId"].(string); method == "patch" || strings.HasSuffix(id, "_ReplaceCoverage") {
		all = append(all, header("If-Match", "The version that is changed, as its ETag.", true))
	}
	return all
}
