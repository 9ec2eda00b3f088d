package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

const (
	originDefault = "default"
	originCode    = "code"
)

func defaultsFor(profile string) Settings {
	s := Settings{Workers: map[string]Worker{}, Topics: map[string]Topic{}}
	root := reflect.ValueOf(&s).Elem()
	for _, setting := range Registry() {
		_ = setDefault(root, setting, profile)
	}
	return s
}

// setDefault writes the default of one setting. Those of named things have none.
func setDefault(root reflect.Value, s Setting, profile string) error {
	_, text := s.defaultFor(profile)
	if text == "" || s.named != "" {
		return nil
	}
	v, err := decode(s, raw{text: text})
	if err == nil {
		root.FieldByIndex(s.index).Set(v)
	}
	return err
}

// apply fills the settings from defaults, code and sources.
func (l *load) apply() {
	l.settings = defaultsFor(l.profile)
	l.sectionDefaults()
	l.code()
	l.applyLayers()
}

func (l *load) sectionDefaults() {
	for _, s := range l.names.settings {
		if s.section == "" || s.Type == "" {
			continue
		}
		if err := setDefault(l.sections[s.section].Elem(), s, l.profile); err != nil {
			l.fault(s.Key, faultOf(s, originDefault, err))
		}
	}
}

// code runs the functions that change defaults, and notes which they changed.
func (l *load) code() {
	before := defaultsFor(l.profile)
	for _, f := range l.options.Defaults {
		f(&l.settings)
	}
	l.settings.Workers = l.canonical("workers", l.settings.Workers).(map[string]Worker)
	l.settings.Topics = l.canonical("topics", l.settings.Topics).(map[string]Topic)
	for _, t := range l.targets() {
		if t.section == "" && !reflect.DeepEqual(l.get(t).Interface(), valueIn(before, t)) {
			l.origins[t.Key] = originCode
			l.chains[t.Key] = []Step{{originCode, show(t.Setting, l.get(t))}}
		}
	}
}

// valueIn is the value of a setting in other settings; nil for one of a named thing.
func valueIn(s Settings, t target) any {
	if t.named != "" {
		return nil
	}
	return reflect.ValueOf(s).FieldByIndex(t.index).Interface()
}

// canonical gives the map with canonical names. Two names that are equal are a fault.
func (l *load) canonical(section string, named any) any {
	from := reflect.ValueOf(named)
	to := reflect.MakeMap(from.Type())
	for _, key := range from.MapKeys() {
		name := reflect.ValueOf(canonicalName(key.String()))
		if to.MapIndex(name).IsValid() {
			key := section + "." + name.String()
			l.fault(key, Fault{key, originCode, "is there in two spellings, which are equal", "keep one of them"})
		}
		to.SetMapIndex(name, from.MapIndex(key))
	}
	return to.Interface()
}

// targets are all settings there are now: those of named things once per name, where set.
func (l *load) targets() []target {
	var all []target
	for _, s := range l.names.settings {
		if s.named == "" {
			all = append(all, target{Setting: s})
			continue
		}
		all = append(all, l.namedTargets(s)...)
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.Key, b.Key) })
	return all
}

func (l *load) namedTargets(s Setting) []target {
	var all []target
	things := reflect.ValueOf(l.things(s.named))
	for _, key := range things.MapKeys() {
		t, ok := l.names.resolve(strings.Replace(s.Key, "<name>", key.String(), 1))
		if ok && !things.MapIndex(key).FieldByIndex(s.index).IsNil() {
			all = append(all, t)
		}
	}
	return all
}

func (l *load) things(named string) any {
	if named == "topics" {
		return l.settings.Topics
	}
	return l.settings.Workers
}

func (l *load) get(t target) reflect.Value {
	switch {
	case t.named != "":
		return reflect.ValueOf(l.things(t.named)).MapIndex(reflect.ValueOf(t.name)).FieldByIndex(t.index)
	case t.section != "":
		return l.sections[t.section].Elem().FieldByIndex(t.index)
	}
	return reflect.ValueOf(l.settings).FieldByIndex(t.index)
}

func (l *load) set(t target, v reflect.Value) {
	switch {
	case t.named != "":
		l.setNamed(t, v)
	case t.section != "":
		l.sections[t.section].Elem().FieldByIndex(t.index).Set(v)
	default:
		reflect.ValueOf(&l.settings).Elem().FieldByIndex(t.index).Set(v)
	}
}

func (l *load) setNamed(t target, v reflect.Value) {
	things, name := reflect.ValueOf(l.things(t.named)), reflect.ValueOf(t.name)
	thing := reflect.New(things.Type().Elem()).Elem()
	if old := things.MapIndex(name); old.IsValid() {
		thing.Set(old)
	}
	thing.FieldByIndex(t.index).Set(v)
	things.SetMapIndex(name, thing)
}

// given is one value for a setting.
type given struct {
	target
	entry
}

// applyLayers takes every setting from the highest source that has it. What that source
// overrides is not even read, so it cannot be at fault.
func (l *load) applyLayers() {
	winners := map[string][]given{}
	for _, layer := range l.layers {
		for key, values := range l.layerValues(layer) {
			winners[key] = values
			l.note(values)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(winners)) {
		l.take(winners[key])
	}
}

func (l *load) layerValues(layer layer) map[string][]given {
	found := map[string][]given{}
	for _, e := range layer.entries {
		t, ok := l.names.resolve(e.name)
		if !ok {
			l.unknown(layer, e)
			continue
		}
		e.raw.millis = t.spelling == millis
		found[t.Key] = append(found[t.Key], given{t, e})
	}
	return found
}

func (l *load) unknown(layer layer, e entry) {
	switch {
	case layer.strict:
		l.fault(e.name, Fault{e.name, e.origin, "is no setting", l.names.suggest(e.name)})
	case layer.env:
		l.warnUnknown(e)
	}
}

// warnUnknown tells of names that are nearly ours; all others are somebody else's.
func (l *load) warnUnknown(e entry) {
	hint := ""
	if near, ok := l.names.nearestEnv(e.name, nearEnv); ok {
		hint = "did you mean " + near + "?"
	}
	if parts, ok := l.names.splitNamed(e.name); ok && strings.Contains(e.name, "__") {
		hint = l.names.suggestField(parts)
	}
	if hint != "" {
		l.warnings = append(l.warnings, fmt.Sprintf("%s is no setting and is ignored (%s) [%s]", e.name, hint, e.origin))
	}
}

// take sets a setting to what one source says about it, perhaps in several spellings.
func (l *load) take(values []given) {
	first, err := l.decode(values[0])
	if err != nil {
		l.fault(values[0].Key, faultOf(values[0].Setting, values[0].origin, err))
		return
	}
	for _, other := range values[1:] {
		if v, err := l.decode(other); err != nil || !same(first, v) {
			l.fault(other.Key, conflict(values[0], other))
			return
		}
	}
	l.set(values[0].target, first)
	l.origins[values[0].Key] = values[0].origin
}

func same(a, b reflect.Value) bool { return reflect.DeepEqual(a.Interface(), b.Interface()) }

func conflict(a, b given) Fault {
	problem := fmt.Sprintf("is given twice with different values, as %s [%s] and as %s", a.entry.name, a.origin, b.entry.name)
	return Fault{a.Key, b.origin, problem, "keep one of them"}
}

func (l *load) decode(g given) (reflect.Value, error) {
	if g.spelling != inFile {
		return decode(g.Setting, g.raw)
	}
	text, err := readValue(g)
	if err != nil {
		return reflect.Value{}, err
	}
	return decode(g.Setting, raw{text: text})
}

const largestValue = 1 << 20

// readValue reads the file that holds a value, without the newline that editors add.
func readValue(g given) (string, error) {
	data, err := readAtMost(strings.TrimSpace(g.raw.text), largestValue)
	if err != nil {
		return "", &decodeError{fmt.Sprintf("cannot be read from the file in %s: %s", g.entry.name, cause(err)), "give the path of a readable file"}
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	return string(bytes.TrimSuffix(data, []byte("\r"))), nil
}

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("larger than %s", Size(most))
	}
	return data, err
}

// fault reports a fault and notes the key, so that nothing else is said about it.
func (l *load) fault(key string, f Fault) {
	l.faulty[key] = true
	l.faults.add(f)
}

func faultOf(s Setting, origin string, err error) Fault {
	if e, ok := errors.AsType[*decodeError](err); ok {
		return Fault{s.Key, origin, e.problem, e.remedy}
	}
	return Fault{s.Key, origin, err.Error(), "correct it"}
}
