package main

import (
	"net/http/httptest"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// startRegistry starts a schema registry in this process. Once leat knows the schemas it asks
// no more, so that a faster or slower registry would change nothing.
func startRegistry() (url string, stop func()) {
	s := httptest.NewServer(srfake.NewRegistry().Handler())
	return s.URL, s.Close
}
