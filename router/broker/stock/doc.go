// Package stock lets Watermill's own publishers and subscribers serve as backends of leat:
// what a stock subscriber delivers goes through the delivery engine, what is produced goes
// through a stock publisher. Handlers, retries and dead letters mean the same as on leat's
// own backends, within what the stock adapters can do:
//
//   - A stock subscriber has one message in flight per partition or stream, whatever the
//     concurrency of the handler, and a message that waits for its retry stays in flight.
//   - Attempts are counted in memory: after a restart they begin at 1 again.
//   - An acknowledgement that meets a rebalance or a lost connection is dropped, and the
//     message comes again.
//   - A stock publisher waits a round trip for every message. A [Producer] runs several of
//     these waits side by side, those of one key one after the other.
//
// The packages kafka/sarama and redis/redisstream use it.
package stock
