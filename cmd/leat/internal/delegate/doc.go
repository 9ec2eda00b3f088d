// Package delegate finds the service that a module holds and runs commands with it: only the
// service's own program knows its handlers, topics and settings.
package delegate
