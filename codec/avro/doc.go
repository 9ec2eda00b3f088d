// Package avro encodes and decodes Avro messages, with or without a schema registry.
//
// A topic's type is its schema: no file is written and nothing is generated.
//
//	type UserCreated struct {
//		UserID    string    `avro:"user_id"`
//		Email     *string   `avro:"email"`
//		Plan      string    `avro:"plan,default=free"`
//		CreatedAt time.Time `avro:"created_at"`
//	}
//
// # Schemas
//
// A field is called by its avro tag, else by its json tag, else by its Go name. The record
// is called like the Go type, or as a method AvroName() string says. It belongs to the
// namespace that a method AvroNamespace() string gives, else to that of the topic, else to
// Config.DefaultNamespace; a type inside another without the method belongs to the
// namespace of the outermost one.
//
//	Go                                  Avro
//	bool                                boolean
//	int8, int16, int32, uint8, uint16   int
//	int, int64, uint, uint32, uint64    long; beyond its range is an error
//	float32, float64                    float, double
//	string, types that are text         string
//	[]byte, [N]byte                     bytes, fixed
//	[16]byte or string with uuid        fixed or string with the logical type uuid
//	[12]byte with duration              fixed with the logical type duration: months, days and
//	                                    milliseconds in four bytes each, the lowest first
//	time.Time                           long timestamp-millis
//	time.Duration                       long time-micros
//	big.Rat with decimal(p,s)           bytes decimal; never rounded
//	string with AvroSymbols() []string  enum; the default is the symbol UNKNOWN, if any
//	struct                              record; an embedded one is flattened
//	[]T, map[string]T                   array, map
//	*T                                  null or T, default null
//
// The avro tag's options, after the name and separated by commas: timestamp-millis,
// timestamp-micros, timestamp-nanos, their local- forms, date, time-millis, time-micros,
// uuid, duration, decimal(p,s), inline, omitzero, alias=old, type-alias=Old and, as the last one,
// default=value. "-" leaves a field out; so does json:"-" where there is no avro tag.
// "A type that is text" has MarshalText and UnmarshalText. Functions, channels, interfaces,
// complex numbers and structs without a name have no schema; the error names the field. The
// page docs/reference/avro-types.md has a row for each of all this, written by a test.
//
// Times and durations are cut to their unit. A new field needs a default or a pointer, so that readers get along with old messages.
// A name, a namespace and a unit stay for ever.
//
// The other way round, Config.Schemas gives the text of an .avsc file for a Go type. It is
// held against the type by New, and used as it is.
//
// # On the wire
//
// With a registry Encode writes a 0, the id in four bytes and the body, and Decode also
// reads a GUID in the header __value_schema_id. Without one Encode writes Avro's single
// objects: c3 01, the fingerprint in eight bytes, and the body. Single objects are read for
// types that this service knows: those given to Check, and those written or read. The
// fingerprint leaves out defaults and units: a unit that changed elsewhere is found with a
// registry alone.
//
// Keys of topics that ask for it are Avro strings of the subject <topic>-key, framed alike. Keys
// of other schemas are read as well, see [Codec.DecodeKey].
//
// # Reading what others wrote
//
// Decode resolves the writer's schema to that of the target. A unit that changed, such as
// microseconds where the target has milliseconds, is an error and never silently wrong. An
// integer takes any unit. Every schema is measured before it is used: one that describes a
// value without a bound, or a decimal of more than 1,000 digits, is refused. So are arrays
// that come in thousands of small blocks. Every text has to be UTF-8. A map[string]any takes
// what the writer wrote; it is slower and needs more memory than a struct.
//
// # Who is at fault
//
// An error wraps codec.ErrUnavailable when the registry is: it cannot be reached, answers
// with 5xx, 408, 429, nonsense or a refusal of the credentials, or does not know the
// schema yet. A message is at fault when its bytes are, when its schema cannot be used, or
// when every registry has said for 30 seconds that there is no such schema.
//
// Several registries are asked in turn, beginning with the last one that answered. A schema
// is asked for once; in the steady state no message costs a call.
package avro
