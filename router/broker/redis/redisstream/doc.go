// Package redisstream is the Redis backend over Watermill's own adapter,
// watermill-redisstream. Choose it with redis.backend=watermill when streams are shared with
// services that use that adapter in consumer groups; the default backend, package redis, is
// faster, has partitions and promises more.
//
// Entries have the same layout in both, so that both read each other's. What differs,
// because the stock adapter has it so:
//
//   - A topic is one stream with one partition. Joining a topic that was created with more
//     is an error: it would leave the others unread.
//   - Each member of a group has one entry in flight, whatever the concurrency of the
//     handler. An entry that waits for its retry keeps the member waiting.
//   - Several members share a stream without regard to keys: there is no order per key
//     across instances.
//   - Attempts begin at 1 again after a restart. What a member that goes had not finished
//     comes to another within seconds, what a member that dies had not finished after
//     redis.claim_idle.
//   - A publish is a round trip. Up to 32 of them are under way at once, per producer; those
//     of one key are one after the other.
//   - State topics are not compacted, nothing is trimmed by retention; redis.stream_max_len
//     is the only bound, and it cuts unread entries too. redis.delivery, redis.lease,
//     redis.group_expiry and redis.max_poll_records have no effect.
//   - A stream that vanished with the server's data, and its group with it, is not created
//     again before the service is restarted.
package redisstream
