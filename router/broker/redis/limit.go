package redis

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// limiter bounds the streams that are written (redis.stream_max_len) and says when that cuts
// what a group has not finished.
type limiter struct {
	client redis.UniversalClient
	log    *slog.Logger
	max    int64

	mu   sync.Mutex
	said map[string]time.Time // when, by stream and group
}

// sayEvery is how often a group is said to lose entries.
const sayEvery = time.Minute

// bound adds what bounds the streams to a pipeline that writes to them.
func (l *limiter) bound(ctx context.Context, pipe redis.Pipeliner, streams map[string]bool) map[string]*redis.Cmd {
	cmds := map[string]*redis.Cmd{}
	if l.max <= 0 {
		return cmds
	}
	for s := range streams {
		cmds[s] = limitScript.EvalSha(ctx, pipe, []string{s}, l.max)
	}
	return cmds
}

// settle looks at what bounding brought. A server that does not know the script gets it.
func (l *limiter) settle(ctx context.Context, cmds map[string]*redis.Cmd) {
	for s, cmd := range cmds {
		if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			cmd = limitScript.Eval(ctx, l.client, []string{s}, l.max)
		}
		groups, err := cmd.StringSlice()
		switch {
		case err == nil:
			l.warn(s, groups)
		case ctx.Err() == nil && !passing(err) && !redis.IsExecAbortError(err) && l.due(s):
			l.log.Warn("a stream could not be bounded (redis.stream_max_len)", "stream", s, "error", explain(err))
		}
	}
}

func (l *limiter) warn(stream string, groups []string) {
	for _, g := range groups {
		if l.due(strings.Join([]string{stream, g}, " ")) {
			l.log.Warn("redis.stream_max_len cut entries that a group has not finished", "stream", stream, "group", g, "max", l.max)
		}
	}
}

func (l *limiter) due(what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.said[what]) < sayEvery {
		return false
	}
	l.said[what] = time.Now()
	return true
}
