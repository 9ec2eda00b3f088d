package testservers_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/internal/testservers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(testservers.Tests{M: m}) }
