package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"go.uber.org/fx"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router"
)

// Serve runs an HTTP server with the whole service, not with single workers. It listens
// before the service counts as started, on the server's Addr as it is; with a TLSConfig it
// speaks TLS. The context of every request carries the app, so that router.Publish works in
// handlers. On a stop it ends first: it takes no more requests and waits for those under way
// up to half of shutdown.timeout.
func Serve[D any](f func(D) *http.Server) fx.Option {
	name := cmp.Or(funcname.Of(f), "server")
	return register(decl{kind: server, name: name}, func(d D) part {
		return func(a *assembly) { a.serve(name, f(d)) }
	})
}

func (a *assembly) serve(name string, s *http.Server) {
	s.BaseContext = a.baseContext(s.BaseContext)
	done := make(chan struct{})
	a.lifecycle.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cmp.Or(s.Addr, ":http"))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			a.log.Info("serving http", slog.String("server", name), slog.String("address", l.Addr().String()))
			go func() {
				defer close(done)
				a.serveOn(name, s, l)
			}()
			return nil
		},
		OnStop: func(ctx context.Context) error {
			defer func() { <-done }()
			return a.shutdown(ctx, name, s)
		},
	})
}

// baseContext adds the app to the context that the server would use.
func (a *assembly) baseContext(own func(net.Listener) context.Context) func(net.Listener) context.Context {
	p := router.NewProducer(a.router)
	return func(l net.Listener) context.Context {
		ctx := context.Background()
		if own != nil {
			ctx = own(l)
		}
		return router.NewContext(ctx, p)
	}
}

func (a *assembly) serveOn(name string, s *http.Server, l net.Listener) {
	var err error
	if s.TLSConfig != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		a.fail(fmt.Errorf("%s: %w", name, err))
	}
}

// shutdown waits for requests, then cuts them off.
func (a *assembly) shutdown(ctx context.Context, name string, s *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("requests were cut off, they took longer than half of shutdown.timeout", slog.String("server", name))
		err = s.Close()
	}
	return err
}
