package app

import (
	"log/slog"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// routerOptions are what settings and declarations say about the router. The log is nil
// while the service is only described.
func (p *plan) routerOptions(log *slog.Logger) ([]router.RouterOption, error) {
	s := p.loaded.Settings
	schemas, err := avroCodec(s, p.decls, log)
	if err != nil {
		return nil, err
	}
	opts := []router.RouterOption{
		router.Service(serviceName(s)), router.Codec(topics.Avro, schemas), p.conventions(), router.Defaults(retries(s.Retry)),
	}
	if log != nil {
		opts = append(opts, router.Logger(log))
	}
	for _, d := range p.decls {
		if d.option != nil {
			opts = append(opts, d.option)
		}
	}
	return opts, nil
}

func (p *plan) conventions() router.Conventions {
	s := p.loaded.Settings
	served := p.served()
	return router.Conventions{
		DefaultTopic:    s.Messaging.DefaultTopic,
		DefaultFormat:   topics.Format(s.Messaging.Format),
		DeadLetterTopic: prefixed(s, s.Messaging.DeadLetterTopic),
		EventSource:     s.Messaging.EventSource,
		FireAndForget:   s.Kafka.FireAndForget && served == kafkaName,
		RequireTopics:   !s.Messaging.AutoCreateTopics && served != memoryName,
		StartTimeout:    s.Start.Timeout,
		ShutdownTimeout: s.Shutdown.Timeout,
		Bounds:          broker.Bounds{Records: s.Dispatch.MaxRecords, Bytes: int64(s.Dispatch.MaxBytes), Span: s.Dispatch.MaxSpan},
		Topic:           func(t topics.Spec) topics.Spec { return topicOf(s, t) },
		Handler:         func(name string) []router.Option { return handlerOptions(s, name) },
	}
}

// topicOf lets topics.<name> override what code says about a topic.
func topicOf(s settings.Settings, t topics.Spec) topics.Spec {
	o, _ := s.Topic(t.Name)
	override(&t.Name, o.Name)
	override(&t.Partitions, o.Partitions)
	override(&t.Replication, o.Replication)
	override(&t.Retention, o.Retention)
	if o.Format != nil {
		t.Format = topics.Format(*o.Format)
	}
	t.Name = prefixed(s, t.Name)
	return t
}

func override[V any](v *V, by *V) {
	if by != nil {
		*v = *by
	}
}

func prefixed(s settings.Settings, topic string) string {
	if topic == "" {
		return ""
	}
	return s.Messaging.TopicPrefix + topic
}

// retries is the default of all handlers.
func retries(s settings.Retry) router.Option {
	return router.Retry(s.MaxRetries, growth(s.Backoff, s.InitialDelay).Max(s.MaxDelay))
}
