package storage

import (
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is the file system that a store lives on. It is pebble's, named here so that
// only this package imports pebble.
type FS = vfs.FS

// CrashableFS is a file system in memory that remembers what was synced.
type CrashableFS = vfs.MemFS

func defaultFS() FS { return vfs.Default }

// NewMemFS makes an empty file system in memory.
func NewMemFS() FS { return vfs.NewMem() }

// NewCrashableMemFS makes an empty file system in memory that CrashClone can
// pull the plug on. It is slower than NewMemFS.
func NewCrashableMemFS() *CrashableFS { return vfs.NewCrashableMem() }

// CrashClone is the file system as it would be found after a loss of power now:
// everything that was synced, and each piece of the rest with the given
// probability, decided by the seed. The original goes on unharmed.
func CrashClone(fs *CrashableFS, unsyncedPercent int, seed uint64) *CrashableFS {
	return fs.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: unsyncedPercent,
		RNG:                 rand.New(rand.NewPCG(seed, seed)),
	})
}
