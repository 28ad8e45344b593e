package index

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ExampleFold() {
	fmt.Println(Fold("O’Brien-SMYTHE"), "|", Fold("ATTSÖN"), "|", FoldPattern("O'B?ie*"))
	// Output: obrien smythe | attson | ob*ie*
}

func ExampleSound() {
	fmt.Println(Sound("Smith"), Sound("Smythe"))
	// Output: [sm0 xmt s530] [sm0 xmt s530]
}

func ExampleMetrics() {
	fmt.Print(Metrics{Documents: 3, Segments: 1, DiskBytes: 4096, Batches: 2, Persisted: 1, Indexed: 5})
	// Output:
	// documents 3 in 1 segments, 4 KiB on disk
	// queue 0, oldest 0s
	// batches 2 (1 on disk) of 5 documents in 0s, 0 failures
	// searches 0; writers held up 0, refused 0
}
