package app_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/app"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, for ever
}

func asFault(err error, f **app.FaultError) bool { return errors.As(err, f) }
