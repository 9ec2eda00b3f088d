package chaos

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// mood is what stands between the members and the registry.
type mood int32

const (
	well   mood = iota
	away        // connections break
	slowly      // answers come after half a minute
	broken      // status 500
)

// front is an address of a registry that can be spoiled.
type front struct {
	mood   atomic.Int32
	server *http.Server
	url    string
}

// newFront stands before the registry at target.
func newFront(ctx context.Context, target string) (*front, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &front{url: "http://" + l.Addr().String() + u.Path}
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
	behind.ErrorLog = log.New(io.Discard, "", 0) // who gives up waiting is no news
	f.server = &http.Server{Handler: f.spoiled(behind), ReadHeaderTimeout: time.Minute}
	go func() { _ = f.server.Serve(l) }()
	return f, nil
}

func (f *front) spoiled(behind http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch mood(f.mood.Load()) {
		case away:
			panic(http.ErrAbortHandler)
		case slowly:
			_ = wait(r.Context(), 30*time.Second)
		case broken:
			http.Error(w, "<html>out of order</html>", http.StatusInternalServerError)
			return
		case well:
		}
		behind.ServeHTTP(w, r)
	})
}

func (f *front) be(m mood) { f.mood.Store(int32(m)) }

func (f *front) close() error { return f.server.Close() }
