package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonEntries reads a JSON file token by token, which tells the line of every key.
func jsonEntries(file string, data []byte) ([]entry, error) {
	w := &jsonWalk{file: file, data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	w.decoder.UseNumber()
	err := w.document()
	if err != nil {
		return nil, w.explain(err)
	}
	return w.found, nil
}

type jsonWalk struct {
	file    string
	data    []byte
	decoder *json.Decoder
	found   []entry
}

// explain says where the file is wrong without citing it.
func (w *jsonWalk) explain(err error) error {
	if errors.Is(err, errNoMapping) || errors.Is(err, errTooDeep) || errors.Is(err, errTooMany) {
		return err
	}
	offset := w.decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	return &lineError{w.line(offset), "is no valid JSON: " + withoutQuotes(err)}
}

func (w *jsonWalk) line(offset int64) int {
	offset = min(max(offset, 0), int64(len(w.data)))
	return 1 + bytes.Count(w.data[:offset], []byte("\n"))
}

func (w *jsonWalk) document() error {
	token, err := w.decoder.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case token != json.Delim('{'):
		return errNoMapping
	}
	if err := w.object("", 0); err != nil {
		return err
	}
	if _, err := w.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the end")
	}
	return nil
}

func (w *jsonWalk) object(path string, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	for w.decoder.More() {
		key, err := w.decoder.Token()
		if err != nil {
			return err
		}
		if err := w.member(path, fmt.Sprint(key), depth); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

func (w *jsonWalk) member(path, key string, depth int) error {
	if len(w.found) > maxEntries {
		return errTooMany
	}
	line, before := w.line(w.decoder.InputOffset()), len(w.found)
	err := w.value(join(path, key), line, depth)
	if path == "" && ignored(key) {
		w.found = w.found[:before]
	}
	return err
}

func (w *jsonWalk) value(path string, line, depth int) error {
	token, err := w.decoder.Token()
	switch {
	case err != nil:
		return err
	case token == json.Delim('{'):
		return w.object(path, depth+1)
	case token == json.Delim('['):
		return w.array(path, line)
	case token != nil:
		w.add(path, line, raw{text: fmt.Sprint(token)})
	}
	return nil
}

func (w *jsonWalk) add(path string, line int, r raw) {
	w.found = append(w.found, entry{name: path, raw: r, origin: at(w.file, line)})
}

func (w *jsonWalk) array(path string, line int) error {
	var items []any
	for w.decoder.More() {
		var item any
		if err := w.decoder.Decode(&item); err != nil {
			return err
		}
		items = append(items, item)
	}
	w.add(path, line, rawList(items))
	_, err := w.decoder.Token()
	return err
}

func rawList(items []any) raw {
	r := raw{isList: true, list: make([]string, 0, len(items))}
	for _, item := range items {
		switch item.(type) {
		case map[string]any, []any:
			r.nested = true
		case nil:
			r.list = append(r.list, "")
			continue
		}
		r.list = append(r.list, fmt.Sprint(item))
	}
	return r
}
