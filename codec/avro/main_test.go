package avro_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/internal/testservers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(testservers.Tests{M: m},
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}
