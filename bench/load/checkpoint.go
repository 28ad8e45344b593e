package load

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrOtherInput is returned when a checkpoint was made for another input.
var ErrOtherInput = errors.New("load: the checkpoint is of another input")

// headBytes is how much of the beginning of an input tells it from others.
const headBytes = 4096

// checkpointFormat is refused when it is not ours.
const checkpointFormat = 1

// Checkpoint says how far a Run came: all lines up to Line, which ends at Offset,
// are answered. The zero value is the beginning.
type Checkpoint struct {
	Format int `json:"format"`
	// Offset counts bytes, Line lines from 1.
	Offset int64 `json:"offset"`
	Line   int64 `json:"line"`
	// Loaded and Bad count the lines up to here.
	Loaded int64 `json:"loaded"`
	Bad    int64 `json:"bad"`
	// HeadBytes and Head, a SHA-256, tell the input.
	HeadBytes int    `json:"headBytes"`
	Head      string `json:"head"`
}

// ReadCheckpoint reads the checkpoint at path; one that does not exist is the
// beginning.
func ReadCheckpoint(path string) (Checkpoint, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("load: checkpoint: %w", err)
	}
	var c Checkpoint
	if err := json.Unmarshal(text, &c); err != nil {
		return Checkpoint{}, fmt.Errorf("load: checkpoint %s: %w", path, err)
	}
	if c.Format != checkpointFormat || c.Offset < 0 || c.Line < 0 || c.HeadBytes < 0 || c.HeadBytes > headBytes {
		return Checkpoint{}, fmt.Errorf("load: checkpoint %s: not one of this build", path)
	}
	return c, nil
}

// write puts the checkpoint at path, whole or not at all. It is not synced: an older
// one after a power loss only sends some lines again.
func (c Checkpoint) write(path string) error {
	c.Format = checkpointFormat
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("load: checkpoint: %w", err)
	}
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("load: checkpoint: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("load: checkpoint: %w", err)
	}
	return nil
}

// inputFrom returns the input behind the checkpoint, and the checkpoint with the head
// of this input. A checkpoint of another input is ErrOtherInput: to begin anew without
// being told could load a file that nobody meant.
func inputFrom(r io.Reader, from Checkpoint) (*bufio.Reader, Checkpoint, error) {
	input := bufio.NewReaderSize(r, 1<<18)
	head, err := input.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, from, fmt.Errorf("load: input: %w", err)
	}
	if from.Offset > 0 && (len(head) < from.HeadBytes || hashOf(head[:from.HeadBytes]) != from.Head) {
		return nil, from, ErrOtherInput
	}
	from.HeadBytes, from.Head = len(head), hashOf(head)
	n, err := io.CopyN(io.Discard, input, from.Offset)
	if errors.Is(err, io.EOF) && n < from.Offset {
		return nil, from, ErrOtherInput
	}
	if err != nil {
		return nil, from, fmt.Errorf("load: input: %w", err)
	}
	return input, from, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
