package settings

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// check finds what is wrong with values that could be read.
func (l *load) check() {
	l.finish()
	l.checkTags(reflect.ValueOf(l.settings), "")
	for _, name := range slices.Sorted(maps.Keys(l.sections)) {
		l.checkTags(l.sections[name].Elem(), name)
		l.askSection(name, l.sections[name])
	}
	l.checkKafka()
	l.checkRegistry()
	l.checkRedis()
	l.checkRetry()
	l.checkBrokers()
}

// pythonBackends are names of Python clients, in settings that come from there.
var pythonBackends = []string{"aiokafka", "confluent"}

// finish replaces values that stand for others.
func (l *load) finish() {
	kafka := &l.settings.Kafka
	if backend := fold(pythonBackends, kafka.Backend); backend == pythonBackends[0] || backend == pythonBackends[1] {
		l.warn("kafka.backend", backend+" is a Python client; franz is used instead (set KAFKA_BACKEND to franz or sarama)")
		kafka.Backend = "franz"
	}
	if kafka.ClientID == "" {
		kafka.ClientID = l.settings.Service.Name
	}
	if kafka.Enabled && kafka.FireAndForget {
		l.warn("kafka.fire_and_forget", "is on: a send returns before the broker has the message, and its failure is only counted and logged")
	}
}

func (l *load) warn(key, text string) {
	l.warnings = append(l.warnings, fmt.Sprintf("%s %s [%s]", key, text, l.origin(key)))
}

// wrong reports a fault of a value, unless one of the keys that it is about has a fault
// already: its value is not what the user meant.
func (l *load) wrong(key, problem, remedy string, about ...string) {
	for _, k := range append(about, key) {
		if l.faulty[k] {
			return
		}
	}
	l.fault(key, Fault{key, l.origin(key), problem, remedy})
}

// checkTags runs the validate tags of a struct.
func (l *load) checkTags(v reflect.Value, section string) {
	defer l.badTag(section)
	err := validate().Struct(v.Interface())
	faults, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		return
	}
	before := maps.Clone(l.faulty)
	for _, f := range faults {
		l.tagFault(f, section, before)
	}
}

// badTag turns the panic of the validator about a tag that it does not know into a fault.
func (l *load) badTag(section string) {
	if p := recover(); p != nil {
		l.faults.add(Fault{section, originCode, fmt.Sprintf("has a validate tag that is none: %v", p), "correct the tag"})
	}
}

// tagFault reports what one rule found; every wrong item of a list is a fault of its own.
func (l *load) tagFault(f validator.FieldError, section string, before map[string]bool) {
	key := join(section, keyOf(f.Namespace()))
	if before[key] {
		return
	}
	t, ok := l.names.resolve(key)
	if !ok {
		t = target{Setting: Setting{Key: key, Env: envName(key)}}
	}
	problem, remedy := explain(t, f)
	l.fault(t.Key, Fault{t.Key, l.origin(t.Key), problem, remedy})
}

var (
	listIndex = regexp.MustCompile(`\[\d+\]$`)
	namedKey  = regexp.MustCompile(`^(workers|topics)\[(.*)\]\.`)
)

// keyOf turns Settings.workers[mailer].group into workers.mailer.group.
func keyOf(namespace string) string {
	_, path, _ := strings.Cut(namespace, ".")
	path = listIndex.ReplaceAllString(path, "")
	return namedKey.ReplaceAllString(path, "$1.$2.")
}

// askSection asks a section's own method Validate.
func (l *load) askSection(name string, v reflect.Value) {
	asked, ok := reflect.TypeAssert[interface{ Validate() error }](v)
	if !ok {
		return
	}
	if err := asked.Validate(); err != nil {
		l.faults.add(Fault{name, l.sectionOrigin(name), "is not valid: " + oneLine(err.Error()), "correct the section"})
	}
}

func oneLine(text string) string { return strings.Join(strings.Split(text, "\n"), "; ") }

// sectionOrigin names the sources that set a key of the section.
func (l *load) sectionOrigin(name string) string {
	var origins []string
	for _, t := range l.targets() {
		if origin, ok := l.origins[t.Key]; ok && t.section == name {
			origins = append(origins, origin)
		}
	}
	if len(origins) == 0 {
		return originDefault
	}
	return strings.Join(origins, ", ")
}

// explain says what a rule of the validator means, and how to obey it.
func explain(t target, f validator.FieldError) (problem, remedy string) {
	switch f.Tag() {
	case "required":
		return "is required", "set " + t.Env
	case "oneof":
		return explainEnum(t, f)
	case "min", "gte", "max", "lte", "gt", "lt", "len":
		return explainBound(t, f)
	}
	if rule, ok := ownRules[f.Tag()]; ok {
		return cite(t, f) + " " + rule.problem, rule.remedy
	}
	return cite(t, f) + " breaks the rule " + strings.TrimSuffix(f.Tag()+"="+f.Param(), "="), "correct " + t.Env
}

// cite shows the value at fault: an item of a list, when it is one.
func cite(t target, f validator.FieldError) string {
	v := reflect.ValueOf(f.Value())
	if !v.IsValid() {
		return "the value"
	}
	if v.Kind() == reflect.String {
		return quote(t.Setting, v.String())
	}
	return show(t.Setting, v)
}

func explainEnum(t target, f validator.FieldError) (problem, remedy string) {
	values := strings.Fields(f.Param())
	problem = fmt.Sprintf("%s is none of %s", cite(t, f), strings.Join(values, ", "))
	if near, ok := nearestOf(fmt.Sprint(f.Value()), values, nearEnv); ok && !t.Secret {
		return problem, "did you mean " + near + "?"
	}
	return problem, "set " + t.Env + " to one of them"
}

var bounds = map[string]string{
	"min": "at least ", "gte": "at least ", "max": "at most ", "lte": "at most ", "gt": "more than ", "lt": "less than ", "len": "exactly ",
}

func explainBound(t target, f validator.FieldError) (problem, remedy string) {
	bound := bounds[f.Tag()] + f.Param()
	switch {
	case f.Kind() == reflect.Slice:
		return "has the wrong number of entries", "give " + bound + ", by comma in " + t.Env
	case f.Kind() == reflect.String && f.Value() == "":
		return "is empty", "give a text, or remove it"
	case f.Kind() == reflect.String:
		return cite(t, f) + " has the wrong length", "give " + bound + " characters"
	}
	return cite(t, f) + " is out of bounds", "give " + bound
}

var validate = sync.OnceValue(newValidator)

// newValidator knows our rules, and fields by their keys.
func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(fieldName)
	for name, rule := range ownRules {
		_ = v.RegisterValidation(name, func(f validator.FieldLevel) bool { return rule.holds(f.Field().String()) })
	}
	return v
}
