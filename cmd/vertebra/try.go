package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
)

// demographicsPath is where the FHIR services about people answer.
const demographicsPath = "/personal-demographics/FHIR/R4"

// errNobodyToTry: none of the first made-up people could be read and corrected.
var errNobodyToTry = errors.New("none of the first people can be shown")

// maxTryCandidates bounds how many people are looked at for one to show. Few are
// restricted, dead or merged, so that the first is mostly the one.
const maxTryCandidates = 50

// example is a person whose read, trace and correction are printed. The values are read
// back from the node, not from the generator: what is printed has been seen to work.
type example struct {
	number, etag              string
	family, birthDate, gender string
}

// printTry prints where the sandbox answers and three lines to try.
func (p *program) printTry(ctx context.Context, s settings, node *running, admin *adminServer) error {
	base := "http://" + node.httpAddress
	lines := seedLines(base)
	if s.Patients > 0 {
		person, err := p.findExample(ctx, base, s)
		if err != nil {
			return fmt.Errorf("what to try: %w", err)
		}
		lines = person.lines(base)
	}
	fmt.Fprintf(p.stdout, `vertebra: a sandbox of %s, %d made-up people, data %s

  FHIR      %s%s
  gRPC      %s
  docs      %s/docs
  sandbox   %s/sandbox/v1
  metrics   http://%s/metrics

Try

%s
`, s.nodeWords(), s.Patients, s.dataWords(), base, demographicsPath, node.grpcAddress, base, base, admin.address(), strings.Join(lines, "\n\n"))
	return nil
}

// findExample returns the first made-up person who is alive, unrestricted and current.
func (p *program) findExample(ctx context.Context, base string, s settings) (example, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	person := p.people(s.Seed)
	for i := range min(s.Patients, maxTryCandidates) {
		found, ok, err := readExample(ctx, base, numberOf(person(i, nil)))
		if ok || err != nil {
			return found, err
		}
	}
	return example{}, errNobodyToTry
}

// numberOf returns the NHS number of a line of the load form.
func numberOf(line []byte) string {
	if id := gjson.GetBytes(line, "resource.id"); id.Exists() {
		return id.String()
	}
	return gjson.GetBytes(line, "id").String()
}

// maxPatientBytes bounds what is read of an answer.
const maxPatientBytes = 1 << 20

// readExample reads one person; ok is false when it is not one to show.
func readExample(ctx context.Context, base, number string) (e example, ok bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+demographicsPath+"/Patient/"+url.PathEscape(number), nil)
	if err != nil {
		return e, false, err
	}
	request.Header.Set("X-Request-ID", uuid.NewString())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return e, false, errors.Unwrap(err) // without the URL, which holds the number
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPatientBytes))
	if err != nil || response.StatusCode != http.StatusOK {
		return e, false, err
	}
	e = exampleOf(body, response.Header.Get("ETag"))
	return e, e.fits(number, body), nil
}

func exampleOf(patient []byte, etag string) example {
	get := func(path string) string { return gjson.GetBytes(patient, path).String() }
	return example{
		number: get("id"), etag: etag,
		family:    get(`name.#(use=="usual").family`),
		birthDate: get("birthDate"), gender: get("gender"),
	}
}

// fits reports whether the person read is the one asked for (a merged number answers
// with another), can be traced, and can be given the address that is tried.
func (e example) fits(number string, patient []byte) bool {
	temporaryEmail := gjson.GetBytes(patient, `telecom.#(use=="temp")`).Exists()
	return e.number == number && e.etag != "" && e.family != "" && len(e.birthDate) == len("2006-01-02") && e.gender != "" &&
		gjson.GetBytes(patient, "meta.security.0.code").String() == "U" &&
		!gjson.GetBytes(patient, "deceasedDateTime").Exists() && !temporaryEmail
}

// lines are the three requests: a read by NHS number, a trace, a correction.
func (e example) lines(base string) []string {
	trace := url.Values{"family": {e.family}, "gender": {e.gender}, "birthdate": {"eq" + e.birthDate}}
	patch := `{"patches":[{"op":"add","path":"/telecom/-","value":{"system":"email","use":"temp","value":"try.me@example.com"}}]}`
	person := base + demographicsPath + "/Patient/" + e.number
	return []string{
		curl(person),
		curl(base + demographicsPath + "/Patient?" + trace.Encode()),
		curl(person, "-X PATCH", header("If-Match: "+e.etag), header("Content-Type: application/json-patch+json"), "-d "+quote(patch)),
	}
}

// seedNumber is a valid NHS number of the 999 range, for a sandbox without people.
const seedNumber = "9990000018"

// seedLines are what to try where nobody is yet: make one person up, then read it and
// see what the sandbox holds.
func seedLines(base string) []string {
	seed := `{"seed":{"patients":["` + seedNumber + `"]}}`
	return []string{
		curl(base+"/sandbox/v1/seed", header("Content-Type: application/json"), "-d "+quote(seed)),
		curl(base + demographicsPath + "/Patient/" + seedNumber),
		curl(base + "/sandbox/v1/patients?n=5"),
	}
}

// curl is a command line for a POSIX shell. Each has a request id of its own, since a
// repeated one is answered from memory.
func curl(target string, options ...string) string {
	line := "curl -i " + header("X-Request-ID: "+uuid.NewString())
	for _, o := range options {
		line += " " + o
	}
	return line + " " + quote(target)
}

func header(h string) string { return "-H " + quote(h) }

// quote makes s one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// nodeWords says how many nodes there are, and where the others answer.
func (s settings) nodeWords() string {
	if s.Nodes == 1 {
		return "one node"
	}
	return fmt.Sprintf("%d nodes (the others listen at these ports plus 1 to %d)", s.Nodes, s.Nodes-1)
}
