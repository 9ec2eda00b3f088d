package settings

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// yamlEntries reads a YAML file. It walks the nodes itself, because they know their line
// and still have the text as it was written: a password 0123 stays 0123.
func yamlEntries(file string, data []byte) ([]entry, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, yamlError(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &lineError{more.Line, "holds a second document, which would be ignored"}
	}
	w := &yamlWalk{file: file}
	return w.document(&doc)
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

func yamlError(err error) error {
	line := 0
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return &lineError{line, "is no valid YAML: " + withoutQuotes(err)}
}

type yamlWalk struct {
	file  string
	count int
}

func (w *yamlWalk) document(doc *yaml.Node) ([]entry, error) {
	root := doc.Content[0]
	if isNull(root) {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, errNoMapping
	}
	return w.mapping(root, "", 0)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// mapping gives the entries of a mapping. What comes by merge keys (<<) gives way to
// what the mapping says itself.
func (w *yamlWalk) mapping(n *yaml.Node, path string, depth int) ([]entry, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	var own, merged []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		found, err := w.pair(n.Content[i], n.Content[i+1], path, depth)
		if err != nil {
			return nil, err
		}
		if n.Content[i].ShortTag() == "!!merge" {
			merged = append(found, merged...)
		} else {
			own = append(own, found...)
		}
	}
	return addMissing(own, merged), nil
}

func addMissing(own, merged []entry) []entry {
	has := map[string]bool{}
	for _, e := range own {
		has[e.name] = true
	}
	for _, e := range merged {
		if !has[e.name] {
			has[e.name] = true
			own = append(own, e)
		}
	}
	return own
}

func (w *yamlWalk) pair(key, value *yaml.Node, path string, depth int) ([]entry, error) {
	if w.count++; w.count > maxEntries {
		return nil, errTooMany
	}
	if key.ShortTag() == "!!merge" {
		return w.merge(value, path, depth)
	}
	if path == "" && ignored(key.Value) {
		return nil, nil
	}
	return w.value(value, join(path, key.Value), key.Line, depth)
}

func (w *yamlWalk) merge(n *yaml.Node, path string, depth int) ([]entry, error) {
	n = follow(n)
	if n.Kind == yaml.MappingNode {
		return w.mapping(n, path, depth+1)
	}
	var all []entry
	for _, item := range n.Content {
		found, err := w.merge(item, path, depth+1)
		if err != nil {
			return nil, err
		}
		all = addMissing(all, found)
	}
	return all, nil
}

func (w *yamlWalk) value(n *yaml.Node, path string, line, depth int) ([]entry, error) {
	n = follow(n)
	switch {
	case isNull(n):
		return nil, nil
	case n.Kind == yaml.MappingNode:
		return w.mapping(n, path, depth+1)
	}
	return []entry{{name: path, raw: yamlRaw(n), origin: at(w.file, line)}}, nil
}

func yamlRaw(n *yaml.Node) raw {
	if n.Kind != yaml.SequenceNode {
		return raw{text: n.Value}
	}
	r := raw{isList: true, list: make([]string, 0, len(n.Content))}
	for _, item := range n.Content {
		item = follow(item)
		r.nested = r.nested || item.Kind != yaml.ScalarNode
		r.list = append(r.list, scalarText(item))
	}
	return r
}

func scalarText(n *yaml.Node) string {
	if isNull(n) {
		return ""
	}
	return n.Value
}

func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
