package settings

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
)

// tomlEntries reads a TOML file.
func tomlEntries(file string, data []byte) ([]entry, error) {
	tree, err := toml.Parser().Unmarshal(data)
	if err != nil {
		return nil, tomlError(err)
	}
	w := &tomlWalk{file: file, lines: tomlLines(string(data))}
	if err := w.table(tree, "", 0); err != nil {
		return nil, err
	}
	return w.found, nil
}

func tomlError(err error) error {
	line := 0
	var placed interface{ Position() (int, int) }
	if errors.As(err, &placed) {
		line, _ = placed.Position()
	}
	return &lineError{line, "is no valid TOML: " + withoutQuotes(err)}
}

type tomlWalk struct {
	file  string
	lines map[string]int
	found []entry
}

func (w *tomlWalk) table(tree map[string]any, path string, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		if path == "" && ignored(key) {
			continue
		}
		if err := w.value(tree[key], join(path, key), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *tomlWalk) value(v any, path string, depth int) error {
	switch v := v.(type) {
	case map[string]any:
		return w.table(v, path, depth+1)
	case []any:
		w.add(path, rawList(v))
	case time.Time:
		w.add(path, raw{text: v.Format(time.RFC3339Nano)})
	default:
		w.add(path, raw{text: fmt.Sprint(v)})
	}
	return nil
}

func (w *tomlWalk) add(path string, r raw) {
	w.found = append(w.found, entry{name: path, raw: r, origin: at(w.file, w.lines[path])})
}

var (
	tomlHeader = regexp.MustCompile(`^\s*\[([^\[\]]+)\]`)
	tomlKey    = regexp.MustCompile(`^\s*([\w."'\s-]+?)\s*=`)
	tomlSpace  = strings.NewReplacer(`"`, "", `'`, "", " ", "", "\t", "")
)

// tomlLines finds the lines of keys, which the parser does not tell. A key in an inline
// table has none.
func tomlLines(text string) map[string]int {
	lines, table, n := map[string]int{}, "", 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if m := tomlHeader.FindStringSubmatch(line); m != nil {
			table = tomlSpace.Replace(m[1])
		} else if m := tomlKey.FindStringSubmatch(line); m != nil {
			lines[join(table, tomlSpace.Replace(m[1]))] = n
		}
	}
	return lines
}
