package settings

import "strings"

// Value is one setting as it was found.
type Value struct {
	Key     string
	Env     string // its environment name
	Value   string // ****** for a secret that is set
	Default string
	Origin  string // default, code, config.yaml:4, .env, env KAFKA_LINGER, --set
	Doc     string
	Secret  bool
	Chain   []Step // every source that has the setting, the one that is used last
}

// Step is what one source says about a setting.
type Step struct {
	Origin string
	Value  string // as it is written there; ****** for a secret
}

func (l *load) values() []Value {
	var all []Value
	for _, t := range l.targets() {
		all = append(all, l.value(t))
	}
	return all
}

func (l *load) value(t target) Value {
	byDefault, _ := t.defaultFor(l.profile)
	return Value{
		Key: t.Key, Env: t.Env, Doc: t.Doc, Secret: t.Secret, Default: byDefault,
		Value: show(t.Setting, l.get(t)), Origin: l.origin(t.Key), Chain: l.chain(t, byDefault),
	}
}

func (l *load) origin(key string) string {
	if origin, ok := l.origins[key]; ok {
		return origin
	}
	return originDefault
}

// chain begins with the default; named things have none.
func (l *load) chain(t target, byDefault string) []Step {
	if t.named != "" {
		return l.chains[t.Key]
	}
	return append([]Step{{originDefault, byDefault}}, l.chains[t.Key]...)
}

// note keeps what a source says for the chain.
func (l *load) note(values []given) {
	for _, g := range values {
		l.chains[g.Key] = append(l.chains[g.Key], Step{g.origin, g.shown()})
	}
}

func (g given) shown() string {
	switch {
	case g.Secret:
		return masked
	case g.spelling == inFile:
		return "(in the file " + g.raw.text + ")"
	case g.spelling == millis:
		return g.raw.text + " ms"
	case g.raw.isList:
		return redact(strings.Join(g.raw.list, ","))
	}
	return redact(File(g.raw.text).String())
}
