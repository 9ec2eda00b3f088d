// Package avrocheck gives an imitation of a schema registry the verdicts of a real one: [Handler] refuses
// Avro schemas that are invalid or that break the compatibility level of their subject.
//
// Levels are set and read by the registry behind (PUT /config, PUT /config/{subject}). Schemas of other
// types than AVRO and requests under /contexts/ are passed on unchecked.
package avrocheck
