package chaos

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Log is a file of events. Each event is one write at its end, so what was written survives a kill of the
// process. It may be used concurrently.
type Log struct {
	file *os.File
	pid  int

	mu   sync.Mutex
	line []byte
}

// OpenLog appends to the log at path.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the parent chose it
	if err != nil {
		return nil, err
	}
	return &Log{file: f, pid: os.Getpid()}, nil
}

// Add writes events of this process, as of now.
func (l *Log) Add(es ...Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = l.line[:0]
	for _, e := range es {
		e.Time = time.Now().UnixNano()
		if e.PID == 0 && e.Kind != Silenced {
			e.PID = l.pid
		}
		l.line = e.append(l.line)
	}
	_, err := l.file.Write(l.line)
	return err
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// tail reads logs as they grow.
type tail struct {
	dir  string
	read map[string]int64
}

func newTail(dir string) *tail { return &tail{dir, map[string]int64{}} }

// each hands over every event that was written since the last call. A line without its end waits for it.
func (t *tail) each(f func(Event)) error {
	paths, err := filepath.Glob(filepath.Join(t.dir, "*.log"))
	if err != nil {
		return err
	}
	for _, p := range paths {
		if err := t.file(p, f); err != nil {
			return err
		}
	}
	return nil
}

func (t *tail) file(path string, f func(Event)) error {
	file, err := os.Open(path) //nolint:gosec // our own log
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	data, err := io.ReadAll(io.NewSectionReader(file, t.read[path], 1<<62))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return nil
		}
		e, err := parseEvent(string(line))
		if err != nil {
			return err
		}
		f(e)
		t.read[path] += int64(len(line)) + 1
		data = rest
	}
}
