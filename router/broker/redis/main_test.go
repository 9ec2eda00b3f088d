package redis_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/internal/testservers"
)

func TestMain(m *testing.M) {
	if cfg := os.Getenv(asMember); cfg != "" {
		os.Exit(beMember(cfg))
	}
	goleak.VerifyTestMain(testservers.Tests{M: m})
}
