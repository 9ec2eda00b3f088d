// Package redis is the backend over Redis Streams.
//
// Partition 0 of the topic orders is the stream orders, partition i the stream orders:i, so
// what any producer adds with XADD is read. Entries have the layout of watermill-redisstream;
// an entry of another layout is delivered as a JSON object of its fields.
//
// A group shares the partitions of a topic among its members by leases: one owner per
// partition at a time, and therefore order per key across instances. A member that could not
// renew a lease in time stops by its own clock; what it sends after that is refused by the
// token of the lease. What a member left unfinished stays in the pending list of the group
// and is read first by the next owner.
//
// With redis.delivery competing there are no leases and no order: members read as consumers
// of a plain group and claim what dead ones left.
//
// Beside the streams there are: the hash leat:topic:<topic> (partitions, kind, retention in
// milliseconds), the set leat:topics, and in the slot of a stream {<stream>}:lease:<group>,
// {<stream>}:fence:<group>, {<stream>}:state:<group> (attempts of what waits for a retry),
// {<stream>}:members:<group>, {<stream>}:groups (when a group was last alive) and, for
// states, {<stream>}:latest (id of the newest entry of each key).
//
// A group or topic that vanished with the server's data is created again: messages may then
// come twice, none is left out that the server still has.
//
// How durable a message is, is decided by the server's appendfsync and replication.
package redis
