package app

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.uber.org/fx"
)

// value is something that fx provides under a name, and under its type alone when no other
// value has that type.
type value struct {
	typ    reflect.Type
	name   string
	named  fx.Option
	single fx.Option
	clash  func(names []string) fx.Option
}

func newValue[V any](name string, constructor any) *value {
	return &value{
		typ: reflect.TypeFor[V](), name: name,
		named:  fx.Provide(fx.Annotate(constructor, fx.ResultTags(named(name)))),
		single: fx.Provide(constructor),
		clash: func(names []string) fx.Option {
			return fx.Provide(func() (v V, err error) {
				return v, fmt.Errorf("%s is there more than once, as %s: take one of them with the tag `name:%q`",
					reflect.TypeFor[V](), strings.Join(names, ", "), names[0])
			})
		},
	}
}

// values provides the values of all declarations; the same twice is one.
func values(decls []decl) (opts []fx.Option) {
	var types []reflect.Type
	byType := map[reflect.Type][]*value{}
	for _, d := range decls {
		if v := d.value; v != nil && !slices.ContainsFunc(byType[v.typ], func(o *value) bool { return o.name == v.name }) {
			if byType[v.typ] == nil {
				types = append(types, v.typ)
			}
			byType[v.typ] = append(byType[v.typ], v)
			opts = append(opts, v.named)
		}
	}
	for _, t := range types {
		opts = append(opts, unnamed(byType[t]))
	}
	return opts
}

func unnamed(vs []*value) fx.Option {
	if len(vs) == 1 {
		return vs[0].single
	}
	names := make([]string, len(vs))
	for i, v := range vs {
		names[i] = v.name
	}
	return vs[0].clash(names)
}
