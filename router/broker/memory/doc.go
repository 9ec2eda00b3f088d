// Package memory is a broker inside the process: partitions, consumer groups and offsets as
// on Kafka, and nothing survives the process. Services run on it when no broker is enabled,
// and so do the tests of services.
//
// Of what every group has finished, a partition keeps the newest 10,000 records.
package memory
