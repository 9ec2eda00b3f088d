package router

import (
	"testing"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// alike is a codec that only looks like JSON.
type alike struct{ codec.Codec }

func TestWhatMayBePassedByPointer(t *testing.T) {
	t.Parallel()
	r := New(memory.New(), Codec("alike", alike{codec.JSON}))
	of := func(f topics.Format, cases ...any) *topics.Spec {
		s := topics.Event[any]{Name: "t", Format: f, Cases: cases}.Spec()
		return &s
	}
	for name, c := range map[string]struct{ got, want bool }{
		"a struct as JSON":                       {passesPointers[plainValue](r, of(topics.JSON)), true},
		"with tags, which are checked":           {passesPointers[taggedPart](r, of(topics.JSON)), false},
		"with Validate of the value":             {passesPointers[byValue](r, of(topics.JSON)), false},
		"with Validate, which may change it":     {passesPointers[byPointer](r, of(topics.JSON)), false},
		"a pointer already":                      {passesPointers[*plainValue](r, of(topics.JSON)), false},
		"bytes":                                  {passesPointers[[]byte](r, of(topics.JSON)), false},
		"an interface":                           {passesPointers[any](r, of(topics.JSON)), false},
		"one of several types":                   {passesPointers[plainValue](r, of(topics.JSON, plainValue{})), false},
		"another codec, which may want a struct": {passesPointers[plainValue](r, of("alike")), false},
		"bytes as they are":                      {passesPointers[plainValue](r, of(topics.Raw)), false},
		"a format without a codec":               {passesPointers[plainValue](r, of(topics.Avro)), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}
