package settings

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var takenByKubernetes = regexp.MustCompile(`_SERVICE_(HOST|PORT)`)

var sectionName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)

// ownSections are the declared sections without those that are at fault. The same
// section declared twice is one.
func (l *load) ownSections() []Section {
	l.sections = map[string]reflect.Value{}
	var good []Section
	for _, s := range l.options.Sections {
		if slices.Contains(good, s) {
			continue
		}
		if problem, remedy := sectionProblem(s, good); problem != "" {
			l.faults.add(Fault{s.Name, "code", problem, remedy})
			continue
		}
		good = append(good, s)
		l.sections[s.Name] = reflect.New(s.Type)
	}
	l.checkNames(Registry(good...))
	return good
}

func sectionProblem(s Section, good []Section) (problem, remedy string) {
	switch {
	case !sectionName.MatchString(s.Name):
		return "is no name for a section", "use lower case letters, digits and underscores"
	case !isStruct(s.Type):
		return "is not declared with a struct", "declare the section with a struct type, not a pointer"
	case isBuiltIn(s.Name):
		return "is a section of leat", "choose another name"
	case slices.ContainsFunc(good, func(g Section) bool { return g.Name == s.Name }):
		return "is declared with two types", "declare it once"
	}
	return "", ""
}

func isBuiltIn(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	_, found := reflect.TypeFor[Settings]().FieldByNameFunc(func(field string) bool {
		return snake(field) == first
	})
	return found
}

// checkNames finds keys that no source could tell apart, and fields that nothing can be
// read into.
func (l *load) checkNames(all []Setting) {
	byEnv := map[string]string{}
	for _, s := range all {
		if other, ok := byEnv[s.Env]; ok {
			l.fault(s.Key, Fault{s.Key, "code", "has the environment name of " + other + ", " + s.Env, "rename one of them"})
		}
		byEnv[s.Env] = s.Key
		if s.section != "" && takenByKubernetes.MatchString(s.Env) {
			l.fault(s.Key, Fault{s.Key, "code", "has the environment name " + s.Env + ", which Kubernetes gives to services", "rename it"})
		}
		if s.Type == "" {
			l.fault(s.Key, Fault{s.Key, "code", "has the type " + s.goType.String() + ", which settings cannot hold", `choose another type, or leave it out with koanf:"-"`})
		}
	}
}
