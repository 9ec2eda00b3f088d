package app

import (
	"context"
	"os"

	"github.com/leat-go/leat/router/broker"
)

// RunUntil is Run with signals of the test.
func (a *App) RunUntil(ctx context.Context, signals <-chan os.Signal) error {
	return a.runUntil(ctx, signals)
}

// Pick makes one broker of several, the first one the default.
func Pick(route func(string) string, names []string, all map[string]broker.Broker) broker.Broker {
	return &picked{names: names, all: all, route: route}
}

// ModuleName is the default name of a service.
var ModuleName = moduleName
