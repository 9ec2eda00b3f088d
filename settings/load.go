package settings

import (
	"reflect"
	"regexp"
	"slices"
)

const (
	devProfile        = "dev"
	productionProfile = "production"
	profileVariable   = "APP_ENV"
)

// Options say where [Load] looks. The zero value reads the working directory and the
// environment of the process.
type Options struct {
	Dir      string            // where config.{yaml,toml,json}, config.<profile>.* and .env are looked for; empty: the working directory
	File     string            // read instead of config.* and config.<profile>.*; must exist
	Profile  string            // empty: APP_ENV, else dev
	Set      []string          // key=value, wins over everything
	Environ  []string          // nil: the environment of the process
	Defaults []func(*Settings) // defaults of the code: above the built-in ones, below files
	Sections []Section         // the service's own sections
	NoDotEnv bool              // do not read .env
}

// Section is a section of the service's own, read into a struct with tags as in [Settings].
// A method Validate() error of the struct is asked as well.
type Section struct {
	Name string       // lower case with underscores, such as mail
	Type reflect.Type // a struct
}

// Loaded are the settings as [Load] found them.
type Loaded struct {
	Settings Settings
	Profile  string
	Warnings []string // nothing that stops the service, but worth a line in its log

	sections map[string]reflect.Value
	values   []Value
}

// Section gives the service's own section with that name: a value of its Section.Type.
func (l *Loaded) Section(name string) (any, bool) {
	v, ok := l.sections[name]
	if !ok {
		return nil, false
	}
	return v.Interface(), true
}

// Values lists every setting, own sections and configured workers and topics included,
// sorted by key. No value holds a secret.
func (l *Loaded) Values() []Value { return slices.Clone(l.values) }

// Load reads all sources and checks the result. The error is a *[Faults] with every
// fault; Loaded is nil then.
func Load(o Options) (*Loaded, error) {
	l := &load{options: o, origins: map[string]string{}, chains: map[string][]Step{}, faulty: map[string]bool{}}
	l.read()
	l.apply()
	l.check()
	if len(l.faults.Faults) > 0 {
		return nil, &l.faults
	}
	return l.loaded(), nil
}

// load is one run of Load.
type load struct {
	options  Options
	profile  string
	names    *names
	layers   []layer // low to high
	settings Settings
	sections map[string]reflect.Value // pointers to the own sections
	origins  map[string]string        // by key; a missing one is the default
	chains   map[string][]Step
	faulty   map[string]bool // keys with a fault already
	faults   Faults
	warnings []string
}

func (l *load) loaded() *Loaded {
	sections := map[string]reflect.Value{}
	for name, v := range l.sections {
		sections[name] = v.Elem()
	}
	return &Loaded{Settings: l.settings, Profile: l.profile, Warnings: l.warnings, sections: sections, values: l.values()}
}

// read opens every source.
func (l *load) read() {
	env := environ(l.options)
	dotEnv := readDotEnv(l.options, env, &l.faults)
	l.profile = l.chooseProfile(env, dotEnv)
	l.layers = append(fileLayers(l.options, l.profile, &l.faults),
		envLayer(dotEnv, func(string) string { return dotEnvFile }),
		envLayer(env, func(name string) string { return "env " + name }))
	l.layers = append(l.layers, setLayers(l.options.Set, &l.faults)...)
	l.names = newNames(Registry(l.ownSections()...))
}

var profileName = regexp.MustCompile(`^[\w.-]+$`)

func (l *load) chooseProfile(env, dotEnv []variable) string {
	profile, origin := l.options.Profile, "--profile"
	if profile == "" {
		profile, origin = fromEnv(env, dotEnv)
	}
	if !profileName.MatchString(profile) {
		l.faults.add(Fault{"profile", origin, "is no name", "use letters, digits and -, such as dev or production"})
		return devProfile
	}
	if profile == "prod" {
		l.warnings = append(l.warnings, "profile prod has the defaults of dev; only production has its own ["+origin+"]")
	}
	return profile
}

func fromEnv(env, dotEnv []variable) (profile, origin string) {
	if v, _ := lookupIn(env)(profileVariable); v != "" {
		return v, "env " + profileVariable
	}
	if v, _ := lookupIn(dotEnv)(profileVariable); v != "" {
		return v, dotEnvFile
	}
	return devProfile, "default"
}
