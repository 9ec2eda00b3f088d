// Package sarama is the Kafka backend over Watermill's own adapter, watermill-kafka, and the
// client library sarama. Choose it with kafka.backend=sarama when sarama is what a team knows
// and monitors; the default backend, package kafka, is faster and promises more.
//
// Topics, admin work and reading without a group are the same as there, and so are keys,
// headers, ids and partitions: records have the same bytes, keys the same partitions.
// What differs, because the stock adapter has it so:
//
//   - One message is in flight per partition, whatever the concurrency of a handler. A
//     message that waits for its retry keeps its partition waiting.
//   - Every subscription is a client and a member of its group. A rebalance waits for running
//     handlers and waiting retries, up to a minute; what is finished during it comes again.
//   - Attempts begin at 1 again after a restart or a rebalance.
//   - A publish is a round trip. Up to 32 of them are under way at once, per producer; those
//     of one key are one after the other.
//   - kafka.balancer is range, kafka.group_protocol classic, kafka.max_poll_records without
//     effect. kafka.group_instance_id gets the topic's name appended.
//   - Members of a group run on one backend: cooperative-sticky and range do not mix.
package sarama
