package avro_test

import (
	"reflect"
	"testing"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

func TestSeveralTypesOfOneTopicHaveSubjectsOfTheirOwn(t *testing.T) {
	t.Parallel()
	type Opened struct{ ID string }
	for by, want := range map[avro.SubjectBy]string{
		"":                        "tickets-com.core.events.Opened",
		avro.SubjectByTopic:       "tickets-com.core.events.Opened",
		avro.SubjectByTopicRecord: "tickets-com.core.events.Opened",
		avro.SubjectByRecord:      "com.core.events.Opened",
	} {
		c, err := avro.New(avro.Config{SubjectBy: by})
		if err != nil {
			t.Fatal(err)
		}
		s := codec.Subject{Topic: "tickets", Type: reflect.TypeFor[Opened](), Several: true}
		if got, err := c.SubjectName(s); got != want || err != nil {
			t.Errorf("by %q: got %q, %v, want %q", by, got, err, want)
		}
	}
}

func TestMessagesTellTheNameOfTheirRecord(t *testing.T) {
	t.Parallel()
	type Opened struct{ ID string }
	c, err := avro.New(avro.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := codec.Subject{Topic: "tickets", Type: reflect.TypeFor[Opened]()}
	data, _, err := c.Encode(t.Context(), nil, s, Opened{"t-1"})
	if err != nil {
		t.Fatal(err)
	}
	own, err := c.NameOf(s)
	if got, inErr := c.NameIn(t.Context(), data, nil); got != own || own != "com.core.events.Opened" || err != nil || inErr != nil {
		t.Errorf("the bytes say %q (%v), the type %q (%v)", got, inErr, own, err)
	}
	if _, err := c.NameIn(t.Context(), []byte(`{"id":1}`), nil); err == nil {
		t.Error("JSON has the name of a record")
	}
}
