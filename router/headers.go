package router

import "github.com/leat-go/leat/router/broker"

// headerList collects headers whose values share one piece of memory.
type headerList struct {
	hs   broker.Headers
	text []byte
}

// newHeaderList has room for n headers with size bytes of values; it grows when asked for more.
func newHeaderList(n, size int) *headerList {
	return &headerList{make(broker.Headers, 0, n), make([]byte, 0, size)}
}

// add leaves out what is empty.
func (l *headerList) add(key, value string) { addHeader(l, key, value) }

func addHeader[V string | []byte](l *headerList, key string, value V) {
	if len(value) == 0 {
		return
	}
	from := len(l.text)
	l.text = append(l.text, value...)
	l.hs = append(l.hs, broker.Header{Key: key, Value: l.text[from:len(l.text):len(l.text)]})
}

// headers pairs names and values, leaving out what is empty.
func headers(pairs ...string) broker.Headers {
	l := newHeaderList(len(pairs)/2, 0)
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		l.add(pairs[0], pairs[1])
	}
	return l.hs
}
