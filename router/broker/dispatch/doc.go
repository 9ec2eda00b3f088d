// Package dispatch decides which message is handled when. It is the delivery engine that
// every backend feeds.
//
// A backend assigns partitions and feeds what it fetched; the engine calls the handler on
// its workers and tells what is finished. The rules:
//
//   - Messages of one key run one after the other, in the order of their positions. Messages
//     without a key are one such line per partition, unless the engine is unordered.
//   - At most Concurrency handlers run at once; lines take turns.
//   - A message that waits for another attempt is parked: its key waits, no worker does.
//   - What is delivered and not done is bounded. A partition at its bound is paused and
//     resumed at half.
//   - Progress is the contiguous end of what is finished, over the positions that were fed:
//     positions may have gaps.
//
// The engine is memory and goroutines only; it reads time from package time, so that tests
// run it in a synctest bubble.
package dispatch
