package storage

import (
	"fmt"
	"testing"

	"vertebra/storage/record"
)

// TestAbsentReadsNoData: a record that is not there is not looked for in data blocks,
// on whatever level the table is that might hold it, and
// the filters are in the cache.
func TestAbsentReadsNoData(t *testing.T) {
	const asked = 1000
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	_, err := r.shard.ApplyBatch(changes(1, 200))
	must(t, err)
	r.flush(t)
	for _, level := range []string{"as flushed", "lowest"} {
		before := r.store.state.Metrics()
		v, err := r.shard.View(200)
		must(t, err)
		for i := range asked {
			k := record.Key{Subject: record.Subject(fmt.Sprint("p", i%5)), Table: record.Demographics, Rest: fmt.Sprint("absent ", i)}
			if _, found, err := v.Get(k); err != nil || found {
				t.Fatal(found, err)
			}
		}
		v.Close()
		after := r.store.state.Metrics()
		filtered, read := after.Filter.Hits-before.Filter.Hits, after.Filter.Misses-before.Filter.Misses
		if filtered < asked*9/10 || read > asked/20 {
			t.Errorf("%s: %d of %d absent records were filtered, %d were looked for", level, filtered, asked, read)
		}
		if missed := after.BlockCache.Misses - before.BlockCache.Misses; missed > asked/20 {
			t.Errorf("%s: %d blocks were not in the cache", level, missed)
		}
		must(t, r.store.state.Compact(t.Context(), []byte{0}, []byte{0xff}, false))
	}
}
