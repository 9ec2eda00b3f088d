package app_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/topics"
)

func TestGivenSchemasAreThoseOfTheService(t *testing.T) {
	t.Parallel()
	a := app.New(app.Schema[*Transfer](transferSchema), app.Publish(Transfers)).In(quiet)
	c, err := a.Avro()
	if err != nil {
		t.Fatal(err)
	}
	spec := Transfers.Spec()
	text, err := c.Schema(codec.Subject{Topic: spec.Name, Type: spec.Type})
	if err != nil || !strings.Contains(text, "com.bank") || !strings.Contains(text, "What was moved.") {
		t.Errorf("the command line has %s, %v", text, err)
	}
}

// other is a codec of Avro that is not leat's own.
type other struct {
	*avro.Codec
	cfg avro.Config
}

func TestAnotherCodecOfAvroHasTheSettings(t *testing.T) {
	t.Parallel()
	build := func(cfg avro.Config) (*other, error) {
		c, err := avro.New(cfg)
		return &other{c, cfg}, err
	}
	env := quiet
	env.Settings.Environ = []string{"KAFKA_SCHEMA_REGISTRY_URL=http://registry", "AVRO_DEFAULT_NAMESPACE=com.shop"}
	a := app.New(app.AvroCodec(build), app.Schema[Transfer](transferSchema), app.Publish(Transfers)).In(env)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	c, ok := a.Router().CodecFor(topics.Avro).(*other)
	if !ok || !slices.Equal(c.cfg.URLs, []string{"http://registry"}) || c.cfg.DefaultNamespace != "com.shop" || len(c.cfg.Schemas) != 1 {
		t.Errorf("got %+v", c)
	}
	refused := func(avro.Config) (*other, error) { return nil, errors.New("not today") }
	if err := app.New(app.AvroCodec(refused), app.Publish(Transfers)).In(quiet).Validate(); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("got: %v", err)
	}
}

func TestTwoSchemasOfOneTypeAreAFault(t *testing.T) {
	t.Parallel()
	same := app.New(app.Schema[Transfer](transferSchema), app.Schema[Transfer](transferSchema), app.Publish(Transfers))
	if err := same.In(quiet).Validate(); err != nil {
		t.Error(err)
	}
	other := app.Schema[Transfer](strings.Replace(transferSchema, "com.bank", "com.other", 1))
	err := app.New(app.Schema[Transfer](transferSchema), other, app.Publish(Transfers)).In(quiet).Validate()
	if err == nil || !strings.Contains(err.Error(), "app_test.Transfer has two schemas: leave one app.Schema out") {
		t.Errorf("got: %v", err)
	}
}
