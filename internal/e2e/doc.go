// Package e2e tests whole services from outside: as processes, over HTTP and signals, with
// real brokers and with clients of another language.
package e2e
