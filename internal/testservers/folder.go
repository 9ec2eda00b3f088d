package testservers

import (
	"fmt"
	"os"
)

// folder is where a server keeps its data.
type folder struct {
	path      string
	temporary bool
}

// openFolder creates the wanted folder, or a temporary one when wanted is empty.
func openFolder(wanted, kind string) (folder, error) {
	if wanted != "" {
		if err := os.MkdirAll(wanted, 0o700); err != nil {
			return folder{}, fmt.Errorf("data folder of %s: %w", kind, err)
		}
		return folder{path: wanted}, nil
	}
	path, err := os.MkdirTemp("", "leat-"+kind+"-*")
	if err != nil {
		return folder{}, fmt.Errorf("data folder of %s: %w", kind, err)
	}
	return folder{path: path, temporary: true}, nil
}

// release removes the folder if it was temporary.
func (f folder) release() error {
	if !f.temporary {
		return nil
	}
	return os.RemoveAll(f.path)
}

// readOrWrite returns the content of a file, which is created with the given text when it does not exist.
func readOrWrite(path, text string) (string, error) {
	b, err := os.ReadFile(path) //nolint:gosec // a file in our own folder
	if err == nil {
		return string(b), nil
	}
	return text, os.WriteFile(path, []byte(text), 0o600)
}
