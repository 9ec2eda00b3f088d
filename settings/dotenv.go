package settings

import (
	"regexp"
	"strings"
)

// variable is one NAME=value of an environment.
type variable struct{ name, value string }

// parseDotEnv reads a .env file as python-dotenv does: an optional export in front,
// comments behind white space, values plain, in single quotes (taken as they are) or in
// double quotes (with \n and the like), and ${NAME} or ${NAME:-default} outside single
// quotes. A lone $ stays, so that a password with one survives. lookup gives variables
// that are set outside the file; they win.
func parseDotEnv(text string, lookup func(string) (string, bool)) ([]variable, []*lineError) {
	p := &dotEnv{rest: strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), line: 1, lookup: lookup, set: map[string]string{}}
	for p.rest != "" {
		p.statement()
	}
	return p.found, p.faults
}

type dotEnv struct {
	rest   string
	line   int
	lookup func(string) (string, bool)
	set    map[string]string
	found  []variable
	faults []*lineError
}

var (
	assignment = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*`)
	noise      = regexp.MustCompile(`^[ \t]*(?:#.*|(?:export[ \t]+)?[A-Za-z_][\w.-]*[ \t]*)?$`)
	comment    = regexp.MustCompile(`[ \t]#.*$`)
	tail       = regexp.MustCompile(`^[ \t]*(?:#.*)?$`)
)

func (p *dotEnv) statement() {
	m := assignment.FindStringSubmatch(p.rest)
	if m == nil {
		p.skip()
		return
	}
	p.rest = p.rest[len(m[0]):]
	if p.rest != "" && strings.ContainsRune(`'"`, rune(p.rest[0])) {
		p.quoted(m[1])
		return
	}
	line := p.nextLine()
	p.add(m[1], p.expand(strings.TrimRight(comment.ReplaceAllString(line, ""), " \t")))
}

// skip passes a line without assignment: nothing, a comment, a name alone.
func (p *dotEnv) skip() {
	at := p.line
	if !noise.MatchString(p.nextLine()) {
		p.fault(at, "is no NAME=value")
	}
}

func (p *dotEnv) fault(line int, text string) {
	p.faults = append(p.faults, &lineError{line, text})
}

func (p *dotEnv) nextLine() string {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	p.line++
	return line
}

func (p *dotEnv) quoted(name string) {
	at, quote := p.line, p.rest[0]
	end := closing(p.rest[1:], quote)
	if end < 0 {
		p.fault(at, "has a value without its closing quote")
		p.nextLine()
		return
	}
	inner := p.rest[1 : 1+end]
	p.line += strings.Count(inner, "\n")
	p.rest = p.rest[end+2:]
	if !tail.MatchString(p.nextLine()) {
		p.fault(at, "has text behind the closing quote")
		return
	}
	p.add(name, p.unquote(inner, quote))
}

// closing finds the quote that ends a text, or -1.
func closing(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

var (
	inSingle  = strings.NewReplacer(`\\`, `\`, `\'`, `'`)
	escapes   = map[byte]string{'\\': "\\", '"': `"`, '$': "$", 'n': "\n", 'r': "\r", 't': "\t"}
	inDouble  = regexp.MustCompile(`(?s)\\.|` + reference.String())
	reference = regexp.MustCompile(`\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}`)
)

func (p *dotEnv) unquote(text string, quote byte) string {
	if quote == '\'' {
		return inSingle.Replace(text)
	}
	return inDouble.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] != '\\' {
			return p.value(found)
		}
		if escaped, ok := escapes[found[1]]; ok {
			return escaped
		}
		return found
	})
}

func (p *dotEnv) expand(text string) string { return reference.ReplaceAllStringFunc(text, p.value) }

// value is what a reference stands for: nothing, when it is set nowhere and has no default.
func (p *dotEnv) value(ref string) string {
	m := reference.FindStringSubmatch(ref)
	if value, ok := p.lookup(m[1]); ok {
		return value
	}
	if value, ok := p.set[m[1]]; ok {
		return value
	}
	return m[2]
}

func (p *dotEnv) add(name, value string) {
	p.set[name] = value
	p.found = append(p.found, variable{name, value})
}
