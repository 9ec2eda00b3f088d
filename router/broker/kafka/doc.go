// Package kafka carries messages over Apache Kafka with franz-go.
//
// Guarantees beyond those of package broker:
//
//   - Publishing waits for all in-sync replicas and is idempotent, always. Keys choose
//     partitions by murmur2, like the Java client.
//   - A group commits the end of what is finished without a gap. What is finished above it,
//     and the attempts of what waits, travel in the metadata of the commit (at most 4 KiB a
//     partition), so that the next owner neither repeats nor forgets.
//   - A member that was silent for longer than its session stops dispatching by its own
//     clock, before it hears that others own its partitions.
//   - A group that has no position in a topic yet starts where its subscription says; a
//     start at the end is committed before the first message. Partitions that appear later
//     start at their beginning.
//   - What is published goes out at once. While three hand-overs to the client are not answered, what comes waits
//     for an answer and goes together then, or after 5 ms.
//   - A member asks a server for at most 3 MiB at a time, with 1 MiB of each partition, or
//     256 KiB while handlers of one are slow; two fetches are under way at most.
//
// [New] checks the settings and dials nothing; [Broker.Connect] dials.
package kafka
