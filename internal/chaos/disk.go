package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/leat-go/leat/internal/testservers"
)

// disk is a small file system of its own that can be filled.
type disk struct{ dir string }

// newDisk mounts one at dir. An error that is [testservers.ErrUnavailable] tells that this machine does not
// let us.
func newDisk(ctx context.Context, dir, size string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput() //nolint:gosec // our own folder
	if err != nil {
		return nil, fmt.Errorf("mount a small file system: %w: %s (%w)", err, out, testservers.ErrUnavailable)
	}
	return &disk{dir}, nil
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no room.
func (d *disk) fill() error {
	f, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // the error is what we are after
	for chunk := make([]byte, 1<<20); len(chunk) > 0; chunk = chunk[:len(chunk)/2] {
		for err = nil; err == nil; {
			_, err = f.Write(chunk)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	return nil
}

// empty makes room again.
func (d *disk) empty() error { return os.Remove(d.filler()) }

// close unmounts, also when somebody still has a file open.
func (d *disk) close() error {
	return exec.Command("umount", "-l", d.dir).Run() //nolint:gosec,noctx // our own folder; at the very end
}
