package demographics

import (
	"strconv"
	"time"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// History renders the kept versions of a person for an operator: a FHIR Bundle of
// type history, in the order given, newest first by convention. It is not part of
// the public interface, and the Patients are unfiltered: who may see it is the
// operators' access, never a caller's.
func History(versions []record.Record) []byte {
	b := append([]byte(nil), `{"resourceType":"Bundle","type":"history","total":`...)
	b = strconv.AppendInt(b, int64(len(versions)), 10)
	for i := range versions {
		b = append(b, []string{`,"entry":[`, `,`}[min(i, 1)]...)
		b = appendVersion(b, &versions[i])
	}
	if len(versions) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendVersion(b []byte, rec *record.Record) []byte {
	b = append(b, `{"fullUrl":`...)
	b = fhir.AppendString(b, publicBase+"/Patient/"+string(rec.Key.Subject))
	status := "204" // a version that deleted the record has no resource
	if len(rec.Body) > 0 {
		b = append(append(b, `,"resource":`...), rec.Body...)
		status = "200"
	}
	b = append(b, `,"response":{"status":"`+status+`","etag":`...)
	b = fhir.AppendString(b, fhir.ETag(rec.Version))
	b = append(b, `,"lastModified":"`...)
	b = fhir.AppendTimestamp(b, time.UnixMicro(rec.Time))
	return append(b, `"}}`...)
}
