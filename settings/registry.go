package settings

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Setting describes one setting, as its tags say.
type Setting struct {
	Key        string   // kafka.linger; workers.<name>.group for the settings of named things
	Env        string   // KAFKA_LINGER; WORKERS__<NAME>__GROUP
	Type       string   // string, bool, integer, number, duration, size, url, file, secret, or "list of" one of them
	Default    string   // as it would be written in .env
	Production string   // the default of the profile production, where it differs
	Doc        string   // one or more sentences
	Enum       []string // the values it may have, when they are few
	Secret     bool     // its value is never printed

	goType  reflect.Type
	index   []int  // of the field in its root
	section string // the own section that is its root; empty: Settings
	named   string // workers or topics: the root is one element of that map

	tagDefault, tagProduction string // as the tags have them; never printed, they may be secret
}

// Registry describes every setting: those of [Settings] in the order of their
// declaration, then those of the service's own sections. Tags of a field: koanf (its
// name; default: the field's name in snake case; "-" leaves it out), default, production
// (the default in that profile), doc, validate (go-playground/validator) and secret.
func Registry(sections ...Section) []Setting {
	var found []Setting
	collect(reflect.TypeFor[Settings](), Setting{}, &found)
	for _, s := range sections {
		if isStruct(s.Type) {
			collect(s.Type, Setting{Key: s.Name, section: s.Name}, &found)
		}
	}
	return found
}

func isStruct(t reflect.Type) bool { return t != nil && t.Kind() == reflect.Struct }

// collect adds the settings below t; at is where t stands.
func collect(t reflect.Type, at Setting, found *[]Setting) {
	for i := range t.NumField() {
		field := t.Field(i)
		name := fieldName(field)
		if !field.IsExported() || name == "-" {
			continue
		}
		s := at
		s.Key = join(at.Key, name)
		s.index = append(slices.Clone(at.index), i)
		collectField(field, s, found)
	}
}

func collectField(field reflect.StructField, s Setting, found *[]Setting) {
	switch t := field.Type; {
	case t.Kind() == reflect.Map && s.section == "" && isStruct(t.Elem()):
		collect(t.Elem(), Setting{Key: s.Key + ".<name>", named: s.Key}, found)
	case isStruct(t) && !isText(t):
		collect(t, s, found)
	default:
		*found = append(*found, describe(field, s))
	}
}

func describe(field reflect.StructField, s Setting) Setting {
	s.goType = field.Type
	s.Env = envName(s.Key)
	s.Secret = isSecret(field)
	s.Type = typeName(field.Type)
	s.Doc = field.Tag.Get("doc")
	s.Enum = enumOf(field.Tag.Get("validate"))
	s.tagDefault, s.tagProduction = field.Tag.Get("default"), field.Tag.Get("production")
	s.Default, s.Production = canonicalText(s, s.tagDefault), canonicalText(s, s.tagProduction)
	return s
}

// canonicalText writes a default as the value would be printed; a wrong one stays as it is.
func canonicalText(s Setting, text string) string {
	if text == "" {
		return ""
	}
	v, err := decode(s, raw{text: text})
	switch {
	case err == nil:
		return show(s, v)
	case s.Secret:
		return masked
	}
	return text
}

// defaultFor gives the default of a profile as it is printed and as the tag has it.
func (s Setting) defaultFor(profile string) (shown, tag string) {
	if profile == productionProfile && s.tagProduction != "" {
		return s.Production, s.tagProduction
	}
	return s.Default, s.tagDefault
}

func (s Setting) isDuration() bool { return elem(s.goType) == durationType }

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	urlType      = reflect.TypeFor[URL]()
	fileType     = reflect.TypeFor[File]()
	secretType   = reflect.TypeFor[Secret]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// elem is the type of the value itself, behind a pointer that says whether it was set.
func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func isSecret(field reflect.StructField) bool {
	t := elem(field.Type)
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t == secretType || field.Tag.Get("secret") == "true"
}

// typeName is empty for a type that no text can be decoded into.
func typeName(t reflect.Type) string {
	t = elem(t)
	if name, ok := ownTypeName(t); ok {
		return name
	}
	if t.Kind() != reflect.Slice {
		return kindName(t.Kind())
	}
	if inner := typeName(t.Elem()); inner != "" && t.Elem().Kind() != reflect.Slice {
		return "list of " + inner
	}
	return ""
}

func ownTypeName(t reflect.Type) (string, bool) {
	names := map[reflect.Type]string{
		durationType: "duration", sizeType: "size", urlType: "url", fileType: "file", secretType: "secret",
	}
	if name, ok := names[t]; ok {
		return name, true
	}
	return "string", isText(t)
}

func kindName(k reflect.Kind) string {
	switch {
	case k == reflect.String:
		return "string"
	case k == reflect.Bool:
		return "bool"
	case k >= reflect.Int && k <= reflect.Uint64:
		return "integer"
	case k == reflect.Float32 || k == reflect.Float64:
		return "number"
	}
	return ""
}

func enumOf(validate string) []string {
	for rule := range strings.SplitSeq(validate, ",") {
		if values, ok := strings.CutPrefix(rule, "oneof="); ok {
			return strings.Fields(values)
		}
	}
	return nil
}

func fieldName(field reflect.StructField) string {
	if name, _, _ := strings.Cut(field.Tag.Get("koanf"), ","); name != "" {
		return name
	}
	if field.Anonymous && isStruct(field.Type) {
		return ""
	}
	return snake(field.Name)
}

// snake turns SMTPHost into smtp_host.
func snake(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// envName is the key in upper case with underscores. Named things have two of them
// around the name, because a name may hold one.
func envName(key string) string {
	sep := "_"
	if strings.HasPrefix(key, "workers.") || strings.HasPrefix(key, "topics.") {
		sep = "__"
	}
	return strings.ToUpper(strings.NewReplacer(".", sep, "-", "_").Replace(key))
}
