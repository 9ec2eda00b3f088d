// Package settings holds the typed settings of a leat service, the registry that
// describes them, and the loader that fills them.
//
// A setting is a field of [Settings] with tags; nothing else has to be written for it.
// From the tags come its key (kafka.linger), its environment name (KAFKA_LINGER), its
// default, its checks and its line in the reference. A service's own sections are
// declared in the same way and are loaded, checked and listed alike:
//
//	type Mail struct {
//		Host     string          `koanf:"host" default:"localhost:25" validate:"hostport" doc:"Where mail is handed in."`
//		Password settings.Secret `koanf:"password" doc:"Password of the mail server."`
//		Timeout  time.Duration   `koanf:"timeout" default:"5s" validate:"min=1ms" doc:"How long a delivery may take."`
//	}
//
//	loaded, err := settings.Load(settings.Options{
//		Sections: []settings.Section{{Name: "mail", Type: reflect.TypeFor[Mail]()}},
//	})
//
// Sources, the later wins: built-in defaults, code, config.{yaml,toml,json},
// config.<profile>.{yaml,toml,json}, .env, the environment, --set. A key overrides that
// key alone, never its section.
//
// [Load] reports every fault at once, each with its key, its origin and its remedy.
// Secrets print as ****** everywhere; see [Secret].
package settings
