package kafka

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leat-go/leat/settings"
)

const (
	// metadataMinAge is how often a client may ask anew who leads a partition: at franz-go's
	// own 5 s a failover takes many seconds.
	metadataMinAge = 250 * time.Millisecond
	// metadataMaxAge is after how long new partitions are noticed at the latest.
	metadataMaxAge = 10 * time.Second
	// dialWithin leaves time for other tries, or other servers, within start.timeout: franz-go's own 10 s do not.
	dialWithin = 4 * time.Second
	maxBackoff = 2500 * time.Millisecond
	minBackoff = 10 * time.Millisecond
)

// clientOpts are what all clients of a broker have in common.
func (b *Broker) clientOpts() []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(b.cfg.BootstrapServers...),
		kgo.ClientID(b.clientID),
		kgo.SoftwareNameAndVersion("leat", "v1"),
		kgo.WithLogger(clientLogger{b.log}),
		kgo.DialTimeout(dialWithin),
		kgo.RequestTimeoutOverhead(b.cfg.RequestTimeout),
		kgo.RetryBackoffFn(backoff(b.cfg.RetryBackoff)),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.DisableClientMetrics(),
		kgo.MaxVersions(versions()),
	}, b.connecting...)
}

// versions are those of the requests. Kafka 4.4 brings a version 5 of ApiVersions, which begins every connection; older
// servers refuse it and are asked again, which makes each first connection to a server one round trip longer.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.ApiVersions.Int16(), 4)
	return v
}

// backoff doubles from base, with jitter, so that clients do not come back all at once.
func backoff(base time.Duration) func(int) time.Duration {
	base = max(base, minBackoff)
	return func(fails int) time.Duration {
		wait := min(base<<min(max(fails-1, 0), 10), maxBackoff)
		return wait*9/10 + rand.N(wait/5) //nolint:gosec // spreads load, no secret
	}
}

var codecs = map[string]kgo.CompressionCodec{
	"":       kgo.NoCompression(),
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func compression(cfg *settings.Kafka) (kgo.CompressionCodec, error) {
	codec, ok := codecs[cfg.CompressionType]
	if !ok {
		return codec, fmt.Errorf("kafka.compression_type is %q: use none, gzip, snappy, lz4 or zstd", cfg.CompressionType)
	}
	return codec, nil
}

// The bounds of what a consuming client keeps: a process stays small however many
// partitions it reads. The client fetches anew when it has handed over all that a fetch has brought,
// and workers live on what they were handed until the next one is here: with 8 MiB fast handlers had nothing
// to do for 15 ms of 50. Each fetch begins with another partition, so that all have their turn.
const (
	fetchMaxBytes     = 3 << 20
	concurrentFetches = 2
)

// consumerOpts are what all consuming clients have in common.
func (b *Broker) consumerOpts() []kgo.Opt {
	level := kgo.ReadCommitted()
	if b.cfg.IsolationLevel == "read_uncommitted" {
		level = kgo.ReadUncommitted()
	}
	return append(b.clientOpts(),
		kgo.FetchMaxBytes(fetchMaxBytes),
		kgo.FetchMaxPartitionBytes(fetchFirst),
		kgo.MaxConcurrentFetches(concurrentFetches),
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchIsolationLevel(level),
		kgo.WithPools(new(fetchedMemory)),
		// Positions are chosen here for every partition; these apply when the log lost data.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
}
