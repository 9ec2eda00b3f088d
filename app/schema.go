package app

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"go.uber.org/fx"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/settings"
)

// Schema gives the Avro schema of T as JSON text, such as an embedded .avsc file, in place of
// the one that is derived from the type. Where the text and T do not fit each other the
// service does not start, and the fault names the place. Tags still name the fields; names,
// defaults and units are those of the text. It counts for every topic of T, and for the
// schema commands.
func Schema[T any](text string) fx.Option {
	t := reflect.TypeFor[T]()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return declare(decl{schema: &given{t, text}})
}

// AvroCodec has the codec of Avro built by another function than avro.New, from the same
// settings: a codec of your own, or that of codec/hamba.
//
//	app.AvroCodec(hamba.New)
func AvroCodec[C codec.Codec](build func(avro.Config) (C, error)) fx.Option {
	return declare(decl{avro: func(cfg avro.Config) (codec.Codec, error) { return build(cfg) }})
}

// given is a schema that the service brings along.
type given struct {
	typ  reflect.Type
	text string
}

// givenSchemas are those of all declarations. Two texts for one type are a fault.
func givenSchemas(decls []decl) (map[reflect.Type]string, error) {
	texts := map[reflect.Type]string{}
	var faults []error
	for _, d := range decls {
		if d.schema == nil {
			continue
		}
		if other, ok := texts[d.schema.typ]; ok && other != d.schema.text {
			faults = append(faults, fmt.Errorf("%s has two schemas: leave one app.Schema out", d.schema.typ))
		}
		texts[d.schema.typ] = d.schema.text
	}
	return texts, errors.Join(faults...)
}

// newAvro is leat's own codec of Avro as settings and declarations have it.
func newAvro(s settings.Settings, decls []decl, log *slog.Logger) (*avro.Codec, error) {
	cfg, err := avroConfig(s, decls, log)
	if err != nil {
		return nil, err
	}
	return avro.New(cfg)
}

// avroCodec is newAvro, or what the last AvroCodec builds.
func avroCodec(s settings.Settings, decls []decl, log *slog.Logger) (codec.Codec, error) {
	cfg, err := avroConfig(s, decls, log)
	if err != nil {
		return nil, err
	}
	for _, d := range slices.Backward(decls) {
		if d.avro != nil {
			return d.avro(cfg)
		}
	}
	return avro.New(cfg)
}

func avroConfig(s settings.Settings, decls []decl, log *slog.Logger) (avro.Config, error) {
	texts, err := givenSchemas(decls)
	cfg := registryOf(s)
	cfg.Schemas, cfg.Logger = texts, log
	return cfg, err
}

// registryOf is what settings say of schemas and where they are kept.
func registryOf(s settings.Settings) avro.Config {
	k := s.Kafka
	urls := make([]string, len(k.SchemaRegistryURL))
	for i, u := range k.SchemaRegistryURL {
		urls[i] = u.Reveal()
	}
	return avro.Config{
		URLs: urls, Username: k.SchemaRegistryUsername, Password: k.SchemaRegistryPassword.Reveal(), Token: k.SchemaRegistryToken.Reveal(),
		CAFile: string(k.SchemaRegistryCAFile), CertFile: string(k.SchemaRegistryCertFile), KeyFile: string(k.SchemaRegistryKeyFile),
		DefaultNamespace: s.Avro.DefaultNamespace, SubjectBy: avro.SubjectBy(s.Avro.SubjectBy), AutoRegister: s.Avro.AutoRegister,
	}
}
