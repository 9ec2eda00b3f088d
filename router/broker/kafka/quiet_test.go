package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/router/broker/kafka"
)

// TestNothingIsLoggedAfterClose has servers whose refusal comes after Close: the client's goroutines end later, and
// the log that they would write to may be gone by then.
func TestNothingIsLoggedAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		refuse := make(chan struct{})
		b, err := kafka.New(config([]string{"127.0.0.1:1"}),
			kafka.Logger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
			kafka.Dialer(func(context.Context, string, string) (net.Conn, error) {
				<-refuse
				return nil, errors.New("refused late")
			}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		connected := make(chan error, 1)
		go func() { connected <- b.Connect(ctx) }()
		synctest.Wait()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		before := log.String()
		close(refuse)
		synctest.Wait()
		if err := <-connected; err == nil {
			t.Error("connected to servers that refuse")
		}
		if after := log.String(); after != before {
			t.Errorf("after Close:\n%s", after[len(before):])
		}
	})
}
