package brokertest

import "slices"

// testCase is one thing that a backend must do.
type testCase struct {
	name    string
	run     func(*bench)
	crashes bool // needs Crash
	away    bool // needs Away
}

// cases is every case, by subject.
var cases = slices.Concat(
	groupCases, startCases, orderCases, parkCases, releaseCases, batchCases,
	restartCases, crashCases, drainCases, boundCases, loadCases,
	produceCases, outputCases, awayCases, recordCases, topicCases, readCases, closeCases,
)
