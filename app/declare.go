package app

import (
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
)

// kind tells declarations apart by when their part is built.
type kind int

const (
	aside      kind = iota // has no part
	middleware             // before the handlers
	handling
	task   // after the handlers, with the whole service only
	server // after the tasks, so that it stops before them
)

// decl is what a verb leaves in the container. It depends on nothing, so that a service can
// be described without building any part of it.
type decl struct {
	seq      int64
	kind     kind
	name     string               // of the function, for messages
	part     string               // fx name of the part
	declare  func(*router.Router) // registers without dependencies
	fault    error
	value    *value
	section  *settings.Section
	defaults func(*settings.Settings)
	option   router.RouterOption
	schema   *given
	avro     func(avro.Config) (codec.Codec, error)

	info *router.HandlerInfo // filled by the description; nil for a disabled handler
}

// part is what fx builds of a declaration: it makes it real.
type part func(*assembly)

// assembly is what parts are added to.
type assembly struct {
	router    *router.Router
	lifecycle fx.Lifecycle
	log       *slog.Logger
	patience  time.Duration // for requests and tasks to end on a stop
	fail      func(error)   // ends the service
}

// sequence keeps the order of the source: fx shuffles value groups.
var sequence atomic.Int64

const declGroup = `group:"leat.decl"`

func declare(d decl) fx.Option {
	d.seq = sequence.Add(1)
	return fx.Supply(fx.Annotate(d, fx.ResultTags(declGroup)))
}

// register leaves a declaration and, under a name of its own, the constructor of its part.
func register[D any](d decl, build func(D) part) fx.Option {
	d.part = "leat " + d.name + "#" + strconv.FormatInt(sequence.Add(1), 10)
	d.fault = receiverFault[D](d.name)
	return fx.Options(declare(d), fx.Provide(fx.Annotate(constructor(build), fx.ResultTags(named(d.part)))))
}

// constructor is build, or build without dependencies when D has nothing to fill.
func constructor[D any](build func(D) part) any {
	if t := reflect.TypeFor[D](); t.Kind() == reflect.Struct && t.NumField() == 0 {
		return func() part {
			var d D
			return build(d)
		}
	}
	if receiverFault[D]("") != nil {
		return func() (p part) { return p }
	}
	return build
}

func receiverFault[D any](name string) error {
	t := reflect.TypeFor[D]()
	if t.Kind() != reflect.Pointer || !embedsIn(t.Elem()) {
		return nil
	}
	return fmt.Errorf("%s: %s embeds fx.In: give its methods value receivers, or drop fx.In and provide a constructor", name, t.Elem())
}

func embedsIn(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName("In")
	return ok && f.Anonymous && f.Type == reflect.TypeFor[fx.In]()
}

func named(name string) string { return "name:" + strconv.Quote(name) }
