package settings

import "time"

// Redis are the settings of the Redis Streams broker.
type Redis struct {
	Enabled         bool          `koanf:"enabled" default:"false" doc:"Connect to Redis."`
	URL             URL           `koanf:"url" default:"redis://localhost:6379/0" validate:"required,redisurl" doc:"Server, as redis://, rediss:// (TLS) or unix://; may carry user, password and database."`
	Backend         string        `koanf:"backend" default:"leat" validate:"oneof=leat watermill" doc:"leat has partitions and order per key; watermill is the stock watermill-redisstream."`
	Username        string        `koanf:"username" doc:"ACL user; wins over the one in url."`
	Password        Secret        `koanf:"password" doc:"Password; wins over the one in url."`
	TLSCAFile       File          `koanf:"tls_cafile" doc:"Certificate authorities in PEM: a path, or the text itself. Turns TLS on."`
	TLSCertFile     File          `koanf:"tls_certfile" doc:"Client certificate in PEM: a path, or the text itself. Needs tls_keyfile. Turns TLS on."`
	TLSKeyFile      File          `koanf:"tls_keyfile" doc:"Key of the client certificate in PEM: a path, or the text itself."`
	SentinelAddrs   []string      `koanf:"sentinel_addrs" validate:"dive,hostport" doc:"Sentinels, as host:port. Needs sentinel_master."`
	SentinelMaster  string        `koanf:"sentinel_master" doc:"Name of the master that the sentinels watch."`
	Cluster         bool          `koanf:"cluster" default:"false" doc:"The server in url is a node of a Redis Cluster."`
	PoolSize        int           `koanf:"pool_size" default:"0" validate:"min=0" doc:"Most connections per node. 0: the client's default."`
	Delivery        string        `koanf:"delivery" default:"partitioned" validate:"oneof=partitioned competing" doc:"partitioned keeps order per key across instances; competing is plain consumer groups, without order."`
	Lease           time.Duration `koanf:"lease" default:"15s" validate:"min=1s" doc:"How long a silent instance keeps its partitions."`
	ClaimIdle       time.Duration `koanf:"claim_idle" default:"60s" validate:"min=1s" doc:"With competing delivery: idle time after which an entry of a dead consumer is taken over."`
	GroupExpiry     time.Duration `koanf:"group_expiry" default:"168h" validate:"min=1m" doc:"A group that was silent longer no longer keeps unfinished entries from being trimmed."`
	StreamMaxLen    int64         `koanf:"stream_max_len" default:"0" validate:"min=0" doc:"Approximate upper bound of entries per stream; the log warns when that cuts what a group has not finished. 0: none, the topic's retention alone trims."`
	AutoOffsetReset string        `koanf:"auto_offset_reset" default:"earliest" validate:"oneof=earliest latest none" doc:"Where a new group starts; none is an error."`
	MaxPollRecords  int           `koanf:"max_poll_records" default:"500" validate:"min=1" doc:"Most entries read at once."`
}
