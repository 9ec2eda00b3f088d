package settings

import (
	"slices"
	"strings"
)

const (
	nearFile = 3 // a key in a file is meant for us, so guess generously
	nearEnv  = 2
)

// suggest gives the remedy for an unknown key: the nearest key, or keys of that name in
// other sections.
func (n *names) suggest(path string) string {
	if p, ok := n.splitNamed(path); ok {
		return n.suggestField(p)
	}
	if n.isSection(path) {
		return "write its keys below it, such as " + n.firstBelow(path)
	}
	if guess := n.guess(path); guess != "" {
		return "did you mean " + guess + "?"
	}
	return "remove it; the sections are " + strings.Join(n.sections(), ", ") + ", and those that the service declares"
}

// guess trusts a slip of the pen more than a wrong section, and that more than a wild spelling.
func (n *names) guess(path string) string {
	if near, ok := n.nearest(path, nearEnv); ok {
		return near
	}
	if same := n.sameLeaf(path); len(same) > 0 {
		return strings.Join(same, " or ")
	}
	near, _ := n.nearest(path, nearFile)
	return near
}

func (n *names) suggestField(p namedParts) string {
	if p.name == "" {
		return "write " + p.key("<name>", "<key>")
	}
	if near, ok := nearestOf(p.field, mapKeys(n.fields[p.section]), nearFile); ok {
		return "did you mean " + p.key(p.name, near) + "?"
	}
	return "its keys are " + strings.Join(n.plainFields(p.section), ", ")
}

// key writes a key in the spelling that was used.
func (p namedParts) key(name, field string) string {
	key := strings.Join([]string{p.section, name, field}, p.sep)
	if p.sep == "__" {
		return strings.ToUpper(key)
	}
	return key
}

func (n *names) plainFields(section string) []string {
	var fields []string
	for field, t := range n.fields[section] {
		if t.spelling == plain {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	return fields
}

// nearest compares in the spelling that was used: paths with paths, flat names with flat ones.
func (n *names) nearest(path string, most int) (string, bool) {
	var candidates []string
	for name := range n.known {
		if strings.Contains(name, ".") {
			candidates = append(candidates, name)
		}
	}
	if strings.Contains(path, ".") {
		return nearestOf(path, candidates, most)
	}
	near, ok := n.nearestEnv(path, most)
	return strings.ToLower(near), ok
}

func (n *names) nearestEnv(name string, most int) (string, bool) {
	var candidates []string
	for known := range n.known {
		if !strings.Contains(known, ".") {
			candidates = append(candidates, known)
		}
	}
	return nearestOf(strings.ToUpper(name), candidates, most)
}

// nearestOf gives the candidate with the least distance; of two, the one that begins alike.
func nearestOf(name string, candidates []string, most int) (string, bool) {
	slices.Sort(candidates)
	best, least := "", most+1
	for _, c := range candidates {
		if max(len(c)-len(name), len(name)-len(c)) > most {
			continue
		}
		d := distance(name, c)
		if d < least || d == least && d <= most && alike(name, c) > alike(name, best) {
			best, least = c, d
		}
	}
	return best, least <= most
}

// alike counts the bytes that two texts have in common at their beginning.
func alike(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

const mostSuggestions = 3

// sameLeaf finds keys of the same name in other sections.
func (n *names) sameLeaf(path string) []string {
	leaf := path[strings.LastIndexByte(path, '.')+1:]
	var same []string
	for key, t := range n.known {
		if t.spelling != inFile && strings.HasSuffix(key, "."+leaf) {
			same = append(same, key)
		}
	}
	slices.Sort(same)
	return same[:min(len(same), mostSuggestions)]
}

func (n *names) isSection(path string) bool { return n.firstBelow(path) != "" }

func (n *names) firstBelow(path string) string {
	for _, s := range n.settings {
		if strings.HasPrefix(s.Key, path+".") {
			return s.Key
		}
	}
	return ""
}

func (n *names) sections() []string {
	var found []string
	for _, s := range n.settings {
		section, _, _ := strings.Cut(s.Key, ".")
		found = append(found, section)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func mapKeys(m map[string]target) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}
