package settings

import "strings"

// spelling is how a source names a setting.
type spelling int

const (
	plain  spelling = iota // kafka.linger
	millis                 // kafka.linger_ms
	inFile                 // kafka.linger_file: the value is in the file of that name
)

// target is the setting that a name in a source means.
type target struct {
	Setting
	name     string // canonical, for named things
	spelling spelling
}

// names finds the setting for every spelling of its name.
type names struct {
	settings []Setting
	known    map[string]target            // by key and by environment name
	fields   map[string]map[string]target // workers, topics: by field
}

func newNames(settings []Setting) *names {
	n := &names{settings: settings, known: map[string]target{}, fields: map[string]map[string]target{}}
	for _, spelling := range []spelling{plain, millis, inFile} {
		for _, s := range settings {
			n.learn(s, spelling)
		}
	}
	return n
}

var suffixes = map[spelling]string{plain: "", millis: "_ms", inFile: "_file"}

// learn adds one spelling. A name that is known already stays what it is: the key
// tls.key_file of an own section is itself and not the file of tls.key.
func (n *names) learn(s Setting, spelling spelling) {
	if spelling == millis && !s.isDuration() {
		return
	}
	t, suffix := target{Setting: s, spelling: spelling}, suffixes[spelling]
	if s.named != "" {
		field := s.Key[strings.LastIndexByte(s.Key, '.')+1:]
		remember(n.fieldsOf(s.named), field+suffix, t)
		return
	}
	remember(n.known, s.Key+suffix, t)
	remember(n.known, s.Env+strings.ToUpper(suffix), t)
}

func (n *names) fieldsOf(named string) map[string]target {
	if n.fields[named] == nil {
		n.fields[named] = map[string]target{}
	}
	return n.fields[named]
}

func remember(m map[string]target, name string, t target) {
	if _, ok := m[name]; !ok {
		m[name] = t
	}
}

// resolve finds the setting for a path (kafka.linger), a flat name in any case
// (kafka_linger, KAFKA_LINGER), or one of a named thing (workers.mailer.group,
// WORKERS__MAILER__GROUP).
func (n *names) resolve(name string) (target, bool) {
	if t, ok := n.known[name]; ok {
		return t, true
	}
	if t, ok := n.known[strings.ToUpper(name)]; ok {
		return t, true
	}
	parts, ok := n.splitNamed(name)
	if !ok || parts.name == "" {
		return target{}, false
	}
	t, ok := n.fields[parts.section][parts.field]
	t.name = canonicalName(parts.name)
	t.Key = parts.section + "." + t.name + strings.TrimPrefix(t.Key, parts.section+".<name>")
	t.Env = envName(t.Key)
	return t, ok
}

// namedParts are the parts of workers.mailer.welcome.group: the name may hold dots.
type namedParts struct{ section, name, field, sep string }

func (n *names) splitNamed(path string) (namedParts, bool) {
	for section := range n.fields {
		for _, sep := range []string{".", "__"} {
			if p, ok := splitBy(path, section, sep); ok {
				return p, true
			}
		}
	}
	return namedParts{}, false
}

func splitBy(path, section, sep string) (namedParts, bool) {
	start := len(section) + len(sep)
	end := strings.LastIndex(path, sep)
	if len(path) < start || !strings.EqualFold(path[:start], section+sep) {
		return namedParts{}, false
	}
	if end < start {
		return namedParts{section: section, field: strings.ToLower(path[start:]), sep: sep}, true
	}
	return namedParts{section, path[start:end], strings.ToLower(path[end+len(sep):]), sep}, true
}
