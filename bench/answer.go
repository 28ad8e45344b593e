package bench

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"github.com/tidwall/gjson"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// answer is what came for one person of a question: a body, or the fault that came
// instead.
type answer struct {
	body  []byte
	fault string
}

// The kinds of fault that are not a status. There are few: they are keys of counts.
const (
	faultTimeout  = "timeout"
	faultNoAnswer = "no answer"
	// faultMissing: the person who must be found is not in the answer.
	faultMissing = "person missing"
	// faultOther: a read was answered with somebody else, or with what is no Patient.
	faultOther = "other answer"
	// faultStale: the person was found in a version before the one that was written.
	faultStale = "older version"
)

// faultOfStatus names an HTTP status that is no success.
func faultOfStatus(code int) string { return "HTTP " + strconv.Itoa(code) }

// faultOf names what kept a call from being answered.
func faultOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return faultTimeout
	}
	s, ok := status.FromError(err)
	switch {
	case !ok || s.Code() == codes.Unknown:
		return faultNoAnswer
	case s.Code() == codes.DeadlineExceeded:
		return faultTimeout
	}
	return "gRPC " + s.Code().String()
}

// verdict is what an answer is worth.
type verdict struct {
	fault   string
	tooMany bool
}

// judge says whether an answer is right for the question.
func (q question) judge(i int, a answer) verdict {
	switch {
	case a.fault != "":
		return verdict{fault: a.fault}
	case q.query != nil:
		return judgeTrace(a.body, q.numbers[i])
	case gjson.GetBytes(a.body, "id").Str != q.numbers[i]:
		return verdict{fault: faultOther}
	}
	return verdict{}
}

func judgeTrace(body []byte, number string) verdict {
	if isTooMany(body) {
		return verdict{tooMany: true}
	}
	if _, ok := foundIn(body, number); !ok {
		return verdict{fault: faultMissing}
	}
	return verdict{}
}

// isTooMany reports the answer that there are more people than may be answered with.
func isTooMany(body []byte) bool {
	return bytes.HasPrefix(body, []byte(`{"resourceType":"OperationOutcome"`)) &&
		gjson.GetBytes(body, "issue.0.details.coding.0.code").Str == "TOO_MANY_MATCHES"
}

// foundIn returns the version in which a searchset holds a person.
func foundIn(body []byte, number string) (version string, ok bool) {
	gjson.GetBytes(body, "entry").ForEach(func(_, entry gjson.Result) bool {
		if ok = entry.Get("resource.id").Str == number; ok {
			version = entry.Get("resource.meta.versionId").Str
		}
		return !ok
	})
	return version, ok
}
