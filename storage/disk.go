package storage

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DiskUsage says how full a disk is, in bytes. Available is what this process may
// still write.
type DiskUsage struct{ Available, Total uint64 }

// DiskUsage asks Options.DiskUsage about the disk that the store is on. A watchdog
// asks it now and then: a log that cannot be written stops the process, so a node must
// stop taking writes before that.
func (s *Store) DiskUsage() (DiskUsage, error) {
	u, err := s.diskUsage(s.dir)
	if err != nil {
		return u, fmt.Errorf("storage: disk usage: %w", err)
	}
	return u, nil
}

// statDisk asks the file system that the store is on.
func statDisk(fs FS) func(dir string) (DiskUsage, error) {
	return func(dir string) (DiskUsage, error) {
		u, err := fs.GetDiskUsage(dir)
		return DiskUsage{Available: u.AvailBytes, Total: u.TotalBytes}, err
	}
}

// noSpace marks the errors of a full disk as ErrNoSpace, and leaves others alone.
func noSpace(err error) error {
	if err == nil || errors.Is(err, ErrNoSpace) || !vfs.IsNoSpaceError(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNoSpace, err)
}

func sortedKeys(m map[string][]byte) []string { return slices.Sorted(maps.Keys(m)) }
