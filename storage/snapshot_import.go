package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxManifestBytes bounds the manifest that is kept beside parts: a million records
// make about a hundred parts.
const maxManifestBytes = 16 << 20

// Importer takes the parts of a snapshot, in any order, and makes them the state of a
// shard all at once. What it was given is on disk when the call returns, so that a
// transfer goes on after a crash where it was. It is safe for concurrent use.
type Importer struct {
	store    *Store
	manifest Manifest
	dir      string

	mu   sync.Mutex
	have []bool
}

// Import begins an import, or goes on with one of the same manifest. One of another
// manifest is forgotten first. Nothing of the shard changes until Commit.
//
// ErrOutOfOrder when the shard has applied more than the snapshot, ErrShardRange when
// it has other slots or one of its slots is another open shard's.
func (s *Store) Import(m Manifest) (*Importer, error) {
	if err := errors.Join(m.check(), s.admits(&m)); err != nil {
		return nil, err
	}
	i := &Importer{store: s, manifest: m, dir: s.importDir(m.Shard), have: make([]bool, len(m.Parts))}
	if err := i.open(); err != nil {
		return nil, fmt.Errorf("storage: import: %w", noSpace(err))
	}
	return i, nil
}

// admits holds a manifest against what the store has.
func (s *Store) admits(m *Manifest) error {
	kept, found, err := s.keptOf(m.Shard)
	if err != nil {
		return err
	}
	if found && (kept.low != m.Low || kept.high != m.High) {
		return fmt.Errorf("%w: shard %d has %d to %d on disk", ErrShardRange, m.Shard, kept.low, kept.high)
	}
	if found && kept.index > m.Index {
		return fmt.Errorf("%w: snapshot at %d, applied %d", ErrOutOfOrder, m.Index, kept.index)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.shards {
		if other.id != m.Shard && m.Low <= other.high && other.low <= m.High {
			return fmt.Errorf("%w: shard %d has %d to %d", ErrShardRange, other.id, other.low, other.high)
		}
		if other.id == m.Shard && (other.low != m.Low || other.high != m.High) {
			return fmt.Errorf("%w: shard %d is open with %d to %d", ErrShardRange, m.Shard, other.low, other.high)
		}
	}
	return nil
}

// open finds the parts of an earlier try, or empties the folder.
func (i *Importer) open() error {
	fs := i.store.fs
	want := i.manifest.AppendBinary(nil)
	kept, err := readFile(fs, i.manifestPath())
	if err == nil && bytes.Equal(kept, want) {
		for n := range i.have {
			_, err := fs.Stat(i.partPath(n))
			i.have[n] = err == nil
		}
		return nil
	}
	if err := fs.RemoveAll(i.dir); err != nil {
		return err
	}
	if err := fs.MkdirAll(i.dir, 0o700); err != nil {
		return err
	}
	// The folder's own entry, and its parent's, must outlive a crash as the parts do.
	err = errors.Join(syncDir(fs, i.store.dir), syncDir(fs, fs.PathDir(i.dir)))
	return errors.Join(err, i.keep(i.manifestPath(), want))
}

func (i *Importer) manifestPath() string { return i.store.fs.PathJoin(i.dir, "manifest") }

func (i *Importer) partPath(n int) string {
	return i.store.fs.PathJoin(i.dir, fmt.Sprintf("part-%06d.sst", n))
}

// keep writes a file under its name only when it is whole and on disk.
func (i *Importer) keep(path string, content []byte) error {
	fs := i.store.fs
	if err := writeFile(fs, path+".tmp", content); err != nil {
		return err
	}
	if err := fs.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(fs, i.dir)
}

// Missing lists the parts that are still wanted.
func (i *Importer) Missing() (parts []int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, have := range i.have {
		if !have {
			parts = append(parts, n)
		}
	}
	return parts
}

// Add takes one part. ErrPart when it is not what the manifest names under that
// number; it is then to be pulled again. A part that is there already is not written
// again.
func (i *Importer) Add(number int, part []byte) error {
	if number < 0 || number >= len(i.manifest.Parts) {
		return fmt.Errorf("%w: %d of %d", ErrPart, number, len(i.manifest.Parts))
	}
	table, err := unseal(part)
	if err != nil {
		return err
	}
	if err := checkTable(i.store, table, &i.manifest, &i.manifest.Parts[number]); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.have[number] {
		return nil
	}
	if err := i.keep(i.partPath(number), table); err != nil {
		return fmt.Errorf("storage: import: %w", noSpace(err))
	}
	i.have[number] = true
	return nil
}

// Abort forgets the import and what it has on disk.
func (i *Importer) Abort() error { return i.store.fs.RemoveAll(i.dir) }

// Commit makes the parts the state of the shard, in one step and durably, and returns
// the shard. The index queue is empty afterwards, and the node's notes are exactly the
// ones given: what they said of the old state is gone in the same step, and the
// caller can leave word there that its search index is to be rebuilt.
//
// It counts as applying: nothing else may be applied meanwhile. A shard that is open
// goes on at the manifest's index. Views of it made before go on seeing the old state;
// whoever made them closes them. After a crash the shard is found as it was or as it
// became, and Import goes on with the parts that are there.
func (i *Importer) Commit(notes map[string][]byte) (*Shard, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, have := range i.have {
		if !have {
			return nil, fmt.Errorf("%w: %d is missing", ErrPart, n)
		}
	}
	if err := i.store.admits(&i.manifest); err != nil {
		return nil, err
	}
	tables, err := i.tables(notes)
	if err != nil {
		return nil, fmt.Errorf("storage: import: %w", noSpace(err))
	}
	if err := i.ingest(tables); err != nil {
		return nil, fmt.Errorf("storage: import: %w", noSpace(err))
	}
	shard, err := i.store.Shard(i.manifest.Shard, i.manifest.Low, i.manifest.High)
	if err != nil {
		return nil, err
	}
	shard.replaced(i.manifest.bookkeeping())
	i.store.fs.RemoveAll(i.dir) // what this leaves the next Open removes
	return shard, nil
}

func (m *Manifest) bookkeeping() bookkeeping {
	return bookkeeping{low: m.Low, high: m.High, index: m.Index, term: m.Term, time: m.Time, floor: m.Floor}
}

// tables are links to the parts, since ingestion removes what it was given before it
// is durable, and the tables that replace what is the node's own.
func (i *Importer) tables(notes map[string][]byte) (paths []string, err error) {
	fs := i.store.fs
	for n := range i.have {
		path := i.partPath(n) + ".link"
		if err := fs.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if err := fs.Link(i.partPath(n), path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	for n, own := range ownSpans(i.manifest.Shard) {
		w := newTableWriter(i.store, own)
		if n == 0 {
			if err := i.writeNotes(w, notes); err != nil {
				return nil, err
			}
		}
		table, err := w.close()
		if err != nil {
			return nil, err
		}
		path := fs.PathJoin(i.dir, fmt.Sprintf("own-%d.sst", n))
		if err := writeFile(fs, path, table); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (i *Importer) writeNotes(w *tableWriter, notes map[string][]byte) error {
	for _, name := range sortedKeys(notes) {
		key := append(appendSpace(nil, spaceLocal, i.manifest.Shard), name...)
		if err := w.set(key, notes[name]); err != nil {
			return err
		}
	}
	return nil
}

// ingest returns when the new state is in place and on disk. Without a log of the
// database's own, an ingestion over what is in a memtable waits to be flushed like it.
func (i *Importer) ingest(tables []string) error {
	s := i.store
	s.mu.Lock()
	open := s.shards[i.manifest.Shard]
	s.mu.Unlock()
	if open == nil {
		return errors.Join(s.state.Ingest(context.Background(), tables), s.state.Flush())
	}
	// As apply does: a view that sees the new state must see its floor too.
	floor := open.Floor()
	open.floor.Store(max(floor, i.manifest.Floor))
	if err := s.state.Ingest(context.Background(), tables); err != nil {
		open.floor.Store(floor)
		return err
	}
	open.failed = s.state.Flush() // what was ingested and is not on disk is nothing to go on from
	return open.failed
}

// replaced shows readers the state that has taken the place of the old one.
func (s *Shard) replaced(k bookkeeping) {
	s.failed = nil
	s.queued.Store(0)
	s.publish(k)
}

// importDir is the folder of one shard's import.
func (s *Store) importDir(id ShardID) string {
	return s.fs.PathJoin(s.dir, "import", fmt.Sprintf("shard-%d", id))
}

// sweepImports removes what is left of imports that were made the state, or that no
// manifest says anything of.
func (s *Store) sweepImports() error {
	root := s.fs.PathJoin(s.dir, "import")
	names, err := s.fs.List(root)
	if err != nil {
		return nil // there never was one
	}
	for _, name := range names {
		dir := s.fs.PathJoin(root, name)
		if s.importWaits(dir) {
			continue
		}
		if err := s.fs.RemoveAll(dir); err != nil {
			return fmt.Errorf("storage: import: %w", err)
		}
	}
	return nil
}

func (s *Store) importWaits(dir string) bool {
	b, err := readFile(s.fs, s.fs.PathJoin(dir, "manifest"))
	if err != nil {
		return false
	}
	m, err := DecodeManifest(b)
	if err != nil {
		return false
	}
	kept, found, err := s.keptOf(m.Shard)
	return err == nil && (!found || kept.index < m.Index)
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxManifestBytes))
	return b, errors.Join(err, f.Close())
}

func writeFile(fs vfs.FS, path string, content []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(fs vfs.FS, path string) error {
	d, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
