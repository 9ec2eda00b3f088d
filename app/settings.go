package app

import (
	"fmt"
	"reflect"
	"slices"

	"go.uber.org/fx"

	"github.com/leat-go/leat/settings"
)

// Settings declares a section of the service's own and provides it as S: unnamed, and under
// the section's name. It is loaded, checked and documented like the built-in sections; see
// settings.Section.
func Settings[S any](section string) fx.Option {
	return declare(decl{
		section: &settings.Section{Name: section, Type: reflect.TypeFor[S]()},
		value: newValue[S](section, func(l *settings.Loaded) (s S, err error) {
			v, _ := l.Section(section)
			s, ok := v.(S)
			if !ok {
				return s, fmt.Errorf("settings section %s is a %T, not a %s", section, v, reflect.TypeFor[S]())
			}
			return s, nil
		}),
	})
}

// Defaults lets code change defaults: files and environment still win.
func Defaults(f func(*settings.Settings)) fx.Option { return declare(decl{defaults: f}) }

// load reads the settings with what the service declares.
func load(o settings.Options, decls []decl) (*settings.Loaded, error) {
	o.Sections = slices.Concat(o.Sections, sections(decls))
	o.Defaults = slices.Clone(o.Defaults)
	for _, d := range decls {
		if d.defaults != nil {
			o.Defaults = append(o.Defaults, d.defaults)
		}
	}
	return settings.Load(o)
}

func sections(decls []decl) (own []settings.Section) {
	for _, d := range decls {
		if d.section != nil && !slices.Contains(own, *d.section) {
			own = append(own, *d.section)
		}
	}
	return own
}
