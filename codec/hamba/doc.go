// Package hamba is codec/avro with the bodies read and written by github.com/hamba/avro, for
// teams that have to stay with it. It is a module of its own, so that nobody else gets the
// library.
//
//	app.AvroCodec(hamba.New)
//
// Schemas, subjects, framing and the registry are those of codec/avro. The library is
// archived, has known faults that nobody will mend and does not survive hostile bytes: read
// the README before you use this package. Use codec/avro wherever you can.
package hamba
