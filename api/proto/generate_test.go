package proto

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedIsCurrent generates into an empty folder and compares: a .proto
// file that was changed without its code is found here.
func TestGeneratedIsCurrent(t *testing.T) {
	out := t.TempDir()
	command := exec.Command("go", "run", "./internal/generate", "-out", out)
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("generate: %v\n%s", err, text)
	}
	made := files(t, out)
	if len(made) == 0 {
		t.Fatal("the generator wrote nothing")
	}
	for name, want := range made {
		if have, err := os.ReadFile(name); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what its .proto files say: run go generate ./api/proto", name)
		}
	}
	for name := range files(t, "vertebra") {
		generated := strings.HasSuffix(name, ".pb.go") || strings.HasSuffix(name, ".pb.gw.go") || strings.HasSuffix(name, ".swagger.json")
		if _, ok := made[filepath.Join("vertebra", name)]; generated && !ok {
			t.Errorf("%s is no longer generated: delete it", name)
		}
	}
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found[filepath.FromSlash(path)], err = os.ReadFile(filepath.Join(dir, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
