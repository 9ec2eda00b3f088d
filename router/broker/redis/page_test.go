package redis

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pageOf is a page that the client wrote: a line, or a string that it copies.
func pageOf(t *testing.T, text string) *page {
	t.Helper()
	p := newPage()
	if _, err := io.CopyN(p, bytes.NewReader([]byte(text)), int64(len(text))); err != nil {
		t.Fatal(err)
	}
	return p
}

type plainEntry struct {
	ID     string
	Fields []string
}

func entriesOf(p *page) (es []plainEntry, err error) {
	err = p.each(func(en *entry) {
		e := plainEntry{ID: string(en.id)}
		for _, f := range en.fields {
			e.Fields = append(e.Fields, string(f))
		}
		es = append(es, e)
	})
	return es, err
}

func TestPageHoldsEntries(t *testing.T) {
	t.Parallel()
	p := pageOf(t, "*3\r\n"+
		"*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\na\r\n$2\r\n\r\n\r\n$1\r\nb\r\n$0\r\n\r\n"+
		"*2\r\n$3\r\n1-2\r\n*-1\r\n"+
		"*1\r\n$3\r\n1-3\r\n")
	got, err := entriesOf(p)
	want := []plainEntry{{"1-1", []string{"a", "\r\n", "b", ""}}, {ID: "1-2"}, {ID: "1-3"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestPageTellsOtherAnswers(t *testing.T) {
	t.Parallel()
	if n, ok := pageOf(t, ":-2\r\n").number(); !ok || n != vanished {
		t.Errorf("got %d, %v", n, ok)
	}
	if _, ok := pageOf(t, "*0\r\n").number(); ok {
		t.Error("a list is a number")
	}
	if !pageOf(t, "-NOGROUP no such group\r\n").failed() || pageOf(t, "*0\r\n").failed() {
		t.Error("errors are not told from entries")
	}
}

// FuzzPage cuts and changes answers: a page may refuse them, and never more.
func FuzzPage(f *testing.F) {
	f.Add([]byte("*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"))
	f.Add([]byte("*2\r\n*2\r\n$3\r\n1-1\r\n*-1\r\n*-1\r\n"))
	f.Add([]byte("*1\r\n*2\r\n$9223372036854775807\r\n1-1\r\n"))
	f.Add([]byte("*9999999999\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return
		}
		if _, err := entriesOf(pageOf(t, string(text))); err != nil && !errors.Is(err, errReply) {
			t.Errorf("unexpected error: %v", err)
		}
	})
}
