package settings

import "time"

// Settings are all settings of a service except its own sections. The value that [Load]
// gives is complete and checked; treat it as read-only, its maps are shared.
type Settings struct {
	Service   Service           `koanf:"service"`
	Kafka     Kafka             `koanf:"kafka"`
	Redis     Redis             `koanf:"redis"`
	Avro      Avro              `koanf:"avro"`
	Messaging Messaging         `koanf:"messaging"`
	Retry     Retry             `koanf:"retry"`
	Workers   map[string]Worker `koanf:"workers" validate:"dive"`
	Topics    map[string]Topic  `koanf:"topics" validate:"dive"`
	HTTP      HTTP              `koanf:"http"`
	Dispatch  Dispatch          `koanf:"dispatch"`
	Start     Start             `koanf:"start"`
	Log       Log               `koanf:"log"`
	Shutdown  Shutdown          `koanf:"shutdown"`
}

// Service says what the service is called.
type Service struct {
	Name string `koanf:"name" doc:"Name of the service: the default consumer group and client id. Empty: the last element of the module path."`
}

// Avro are the settings of the Avro codec. The schema registry is in [Kafka].
type Avro struct {
	DefaultNamespace string `koanf:"default_namespace" default:"com.core.events" validate:"omitempty,namespace" doc:"Namespace of derived schemas where neither the type nor the topic names one."`
	SubjectBy        string `koanf:"subject_by" default:"topic" validate:"oneof=topic record topic-record" doc:"Under which name the registry keeps schemas: <topic>-value, the record's full name, or both joined. Topics with several types go by topic-record instead of topic."`
	AutoRegister     bool   `koanf:"auto_register" default:"true" production:"false" doc:"Register schemas at start. Off: they are looked up, and a missing one is a fault."`
}

// Retry are the defaults for every handler. Options in code and workers.<name> settings win over them.
type Retry struct {
	MaxRetries   int           `koanf:"max_retries" default:"3" validate:"min=0" doc:"Retries after the first attempt; 3 means 4 attempts in all."`
	Backoff      string        `koanf:"backoff" default:"exponential" validate:"oneof=fixed linear exponential" doc:"How the wait grows from one retry to the next: not at all, by the first wait, or to the double."`
	InitialDelay time.Duration `koanf:"initial_delay" default:"1s" validate:"min=0" doc:"Wait before the first retry."`
	MaxDelay     time.Duration `koanf:"max_delay" default:"60s" validate:"min=0" doc:"No wait is longer than this."`
}

// HTTP are the settings of the admin server.
type HTTP struct {
	Enabled          bool   `koanf:"enabled" default:"false" doc:"Serve health, metrics and the dashboard."`
	Listen           string `koanf:"listen" default:"127.0.0.1:8081" validate:"listen" doc:"Address of the admin server, as host:port or :port."`
	DashboardActions bool   `koanf:"dashboard_actions" default:"false" doc:"Let the dashboard change things (pause, replay). Off: it only shows."`
}

// Dispatch bounds what is delivered and not yet done, in all and per partition. At a
// bound the partition is paused until there is room again.
type Dispatch struct {
	MaxRecords int  `koanf:"max_records" default:"10000" validate:"min=1" doc:"Most messages in flight."`
	MaxBytes   Size `koanf:"max_bytes" default:"64MiB" validate:"min=1" doc:"Most bytes in flight."`
	MaxSpan    int  `koanf:"max_span" default:"100000" validate:"min=1" doc:"Longest distance from the oldest unfinished message of a partition to the newest delivered one."`
}

// Start are the settings of the start of the service.
type Start struct {
	Timeout time.Duration `koanf:"timeout" default:"15s" validate:"min=1ms" doc:"How long to wait for a broker at start."`
}

// Log are the settings of the service's log.
type Log struct {
	Level  string `koanf:"level" default:"info" validate:"oneof=debug info warn error" doc:"Lowest level that is written."`
	Format string `koanf:"format" default:"auto" validate:"oneof=auto text json" doc:"auto is text on a terminal and json elsewhere."`
}

// Shutdown are the settings of an orderly stop.
type Shutdown struct {
	Timeout time.Duration `koanf:"timeout" default:"20s" validate:"min=1ms" doc:"How long running handlers may take to finish before they are cancelled."`
}

// Default gives the built-in defaults of the profile dev, as no source had set anything.
// Its maps are empty and not nil.
func Default() Settings { return defaultsFor(devProfile) }
