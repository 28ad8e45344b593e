package api

import (
	"strconv"
	"strings"
	"time"

	"vertebra/cluster"
)

// maxAgeMost is the oldest answer that can be asked for; more means this.
const maxAgeMost = 24 * time.Hour

// freshnessOf reads what the client asks for in the standard headers:
//
//   - nothing, or Cache-Control: no-cache: linearizable;
//   - Cache-Control: max-age=5: any replica no older than five seconds; 0 is linearizable;
//   - Vertebra-Position alone: at least that position, of any age. Reading one's own
//     write is what a client gives it back for, and a linearizable read needs no position;
//   - both: both hold.
//
// Directives that it does not know, or cannot read, leave the read linearizable:
// the safe side.
func freshnessOf(x *exchange) (cluster.Freshness, error) {
	position, err := cluster.ParsePosition(x.header(headerPosition))
	if err != nil {
		return cluster.Freshness{}, err
	}
	f := cluster.Freshness{Position: position}
	control := x.header(headerCacheControl)
	switch age := maxAge(control); {
	case age > 0:
		f.Level, f.MaxAge = cluster.Bounded, age
	case control == "" && !position.IsZero():
		f.Level = cluster.Positioned
	}
	return f, nil
}

// maxAge returns the max-age that a Cache-Control header asks for, 0 when it asks
// for none or for no-cache.
func maxAge(control string) time.Duration {
	var age time.Duration
	for directive := range strings.SplitSeq(control, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-cache", "no-store":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			age = min(time.Duration(seconds)*time.Second, maxAgeMost)
		}
	}
	return age
}

// ageSeconds is the Age header: whole seconds, rounded up, since an answer must
// not claim to be younger than it may be.
func ageSeconds(age time.Duration) string {
	return strconv.FormatInt(int64((age+time.Second-1)/time.Second), 10)
}
