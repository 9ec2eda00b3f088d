package avro

import (
	"strings"
)

// findings collects what is found about places, in the order in which they are met.
type findings struct {
	order  []string
	places map[string]*finding
}

type finding struct{ what, backward, forward []string }

func newFindings() *findings { return &findings{places: map[string]*finding{}} }

func (f *findings) at(path string) *finding {
	if f.places[path] == nil {
		f.places[path] = &finding{}
		f.order = append(f.order, path)
	}
	return f.places[path]
}

func (f *findings) note(path, what string) {
	p := f.at(path)
	p.what = append(p.what, what)
}

func (f *findings) difference() *Difference {
	d := &Difference{}
	for _, path := range f.order {
		p := f.places[path]
		if len(p.what) == 0 {
			p.what = []string{"changed"} // what it refers to did, and is listed there
		}
		d.Changes = append(d.Changes, Change{path, joined(p.what), joined(p.backward), joined(p.forward)})
	}
	return d
}

func joined(texts []string) string { return strings.Join(texts, "; ") }
