package storage

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fullDisk is a file system on which nothing can be written to some files while it is full.
func fullDisk(full *atomic.Bool, on func(path string) bool) FS {
	return errorfs.Wrap(NewMemFS(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && isWrite(op) && on(op.Path) {
			return syscall.ENOSPC
		}
		return nil
	}))
}

// TestFullDiskStopsFlush: a flush that finds the disk full is reported as such, and
// goes on when there is room again.
func TestFullDiskStopsFlush(t *testing.T) {
	var full atomic.Bool
	told := make(chan error, 64)
	s, err := Open("data", Options{
		FS: fullDisk(&full, func(path string) bool { return strings.HasSuffix(path, ".sst") }),
		Events: Events{BackgroundError: func(err error) {
			full.Store(false)
			select {
			case told <- err:
			default:
			}
		}},
	})
	must(t, err)
	shard, err := s.Shard(1, 0, 4095)
	must(t, err)
	_, err = shard.ApplyBatch(changes(1, 20))
	must(t, err)
	full.Store(true)
	must(t, shard.Flush())
	if err := <-told; !errors.Is(err, ErrNoSpace) {
		t.Fatalf("told of %v", err)
	}
	must(t, s.Close())
}

// TestFullDiskStopsLog: an append that finds the disk full is fatal, and says why.
func TestFullDiskStopsLog(t *testing.T) {
	var full atomic.Bool
	told := make(chan error, 1)
	s, err := Open("data", Options{
		FS: fullDisk(&full, func(path string) bool { return strings.Contains(path, "log/") }),
		Events: Events{Fatal: func(err error) {
			select {
			case told <- err:
			default:
			}
			select {} // see TestLogFaultIsFatal
		}},
	})
	must(t, err)
	full.Store(true)
	acknowledged := make(chan error, 1)
	go func() { acknowledged <- s.Log(1).Append(1, entriesFor(1, 1, 1)) }()
	select {
	case err = <-told:
	case err = <-acknowledged:
	}
	if !errors.Is(err, ErrNoSpace) {
		t.Fatalf("told of %v", err)
	}
}

// TestFullDiskStopsImport: a part that does not fit is refused as such, and taken when
// there is room.
func TestFullDiskStopsImport(t *testing.T) {
	_, snapshot, _ := filled(t)
	var full atomic.Bool
	s, err := Open("data", Options{FS: fullDisk(&full, func(path string) bool { return strings.Contains(path, "import") })})
	must(t, err)
	i := begin(t, snapshot, s)
	part, err := snapshot.Part(0)
	must(t, err)
	full.Store(true)
	if err := i.Add(0, part); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("added: %v", err)
	}
	full.Store(false)
	must(t, i.Add(0, part))
	transfer(t, snapshot, s)
	must(t, s.Close())
}

func TestDiskUsage(t *testing.T) {
	want := DiskUsage{Available: 3, Total: 7}
	s, err := Open("data", Options{FS: NewMemFS(), DiskUsage: func(dir string) (DiskUsage, error) {
		if dir != "data" {
			return DiskUsage{}, errors.New("another folder")
		}
		return want, nil
	}})
	must(t, err)
	if got, err := s.DiskUsage(); err != nil || got != want {
		t.Fatalf("%v, %v", got, err)
	}
	must(t, s.Close())
	s, err = Open(t.TempDir(), Options{})
	must(t, err)
	if got, err := s.DiskUsage(); err != nil || got.Total == 0 || got.Available > got.Total {
		t.Fatalf("this disk: %v, %v", got, err)
	}
	must(t, s.Close())
}
