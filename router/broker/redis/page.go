package redis

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// page is the answer to a read as the server sent it. It is parsed in place: the generic
// replies of the client cost an allocation or two for each word of an entry.
type page struct {
	bytes.Buffer
	fields [][]byte // of the entry at hand
}

// pages that were read. Their memory serves the next reads.
var pages = sync.Pool{New: func() any { return &page{} }}

// keptPage is the largest page whose memory is kept.
const keptPage = 1 << 20

func newPage() *page {
	p := pages.Get().(*page) //nolint:forcetypeassert // nothing else is put there
	p.Reset()
	return p
}

// free gives the memory back: nothing of the page may be used any more.
func (p *page) free() {
	if p.Cap() <= keptPage {
		pages.Put(p)
	}
}

var errReply = errors.New("unexpected answer of the server")

// failed reports whether the server answered with an error.
func (p *page) failed() bool { return p.Len() == 0 || p.Bytes()[0] == '-' }

// number returns the answer if it is one.
func (p *page) number() (int, bool) {
	r := reply{p.Bytes()}
	kind, n, err := r.head()
	return n, err == nil && kind == ':'
}

// unwrap leaves the entries of the one stream in an answer that has a list of streams, or
// the error.
func (p *page) unwrap() error {
	if p.failed() {
		return nil
	}
	r := reply{p.Bytes()}
	streams, err := r.list()
	if err != nil || streams < 1 {
		p.Reset()
		_, _ = p.WriteString("*0\r\n") // never fails
		return err
	}
	if _, err := r.list(); err != nil {
		return err
	}
	_, err = r.text()
	p.Next(p.Len() - len(r.b))
	return err
}

// each hands over all entries, in order. An entry is valid until f returns.
func (p *page) each(f func(*entry)) error {
	r := reply{p.Bytes()}
	n, err := r.list()
	for range n {
		var en entry
		if err == nil {
			en, err = p.entry(&r)
		}
		if err != nil {
			return err
		}
		f(&en)
	}
	return err
}

// entry reads a pair of an id and fields and values in turns.
func (p *page) entry(r *reply) (en entry, err error) {
	pair, err := r.list()
	if err != nil {
		return en, err
	}
	if en.id, err = r.text(); err != nil || pair < 2 {
		return en, err
	}
	n, err := r.list()
	if err != nil || n < 0 {
		return en, err
	}
	p.fields = p.fields[:0]
	for range n {
		f, err := r.text()
		if err != nil {
			return en, err
		}
		p.fields = append(p.fields, f)
	}
	en.fields = p.fields[:n:n]
	return en, nil
}

// reply is what is left of an answer in the protocol of Redis.
type reply struct{ b []byte }

// head reads the line that a value begins with: its kind, and its number, which is the
// length of a string or a list, -1 for none.
func (r *reply) head() (kind byte, n int, err error) {
	end := bytes.IndexByte(r.b, '\n')
	if end < 3 {
		return 0, 0, errReply
	}
	kind = r.b[0]
	n, err = strconv.Atoi(string(r.b[1 : end-1]))
	r.b = r.b[end+1:]
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", errReply, err)
	}
	return kind, n, nil
}

// list reads the length of a list, -1 for none.
func (r *reply) list() (int, error) {
	kind, n, err := r.head()
	if err == nil && kind != '*' {
		err = fmt.Errorf("%w: %q in the place of a list", errReply, kind)
	}
	return n, err
}

// text reads a string, as a part of the answer.
func (r *reply) text() ([]byte, error) {
	kind, n, err := r.head()
	switch {
	case err != nil:
		return nil, err
	case kind != '$' || n < 0 || n > len(r.b)-2:
		return nil, fmt.Errorf("%w: %q of length %d in the place of a string", errReply, kind, n)
	}
	s := r.b[:n:n]
	r.b = r.b[n+2:]
	return s, nil
}
