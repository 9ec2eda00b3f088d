package app_test

import (
	"strings"
	"testing"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec"
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
