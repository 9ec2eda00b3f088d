// Package conformance runs the suites brokertest and routertest on every backend of leat, against real servers
// and embedded ones, and writes down what each case said:
//
//	go run ./internal/conformance/cmd/conformance docs/reference/conformance.json
//
// A case is met, or its backend declares that it is not met or not applicable. Anything else, such as a case that
// fails, that is skipped without a declaration or that does not end, is a fault, and then nothing is written.
package conformance
