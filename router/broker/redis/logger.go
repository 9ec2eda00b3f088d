package redis

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/redis/go-redis/v9"
)

// quietClient sends what the client library has to say to slog's default logger, for
// debugging: it writes to stderr by itself, and what matters reaches the caller as an error.
// The library has one logger for the whole process.
var quietClient = sync.OnceFunc(func() { redis.SetLogger(debugLog{}) })

type debugLog struct{}

// Printf serves the library.
func (debugLog) Printf(ctx context.Context, format string, args ...any) {
	slog.DebugContext(ctx, fmt.Sprintf(format, args...), slog.String("component", "go-redis"))
}
