// Package chaos breaks servers, members and networks under a running service and checks afterwards what the
// service promised: nothing acknowledged is lost, nothing appears that nobody sent, messages of a key are
// handled one after the other and in order, and whatever is handled twice has a fault to explain it.
//
// Producers and members are processes of their own that write one line per [Event] to a log; [Check] reads
// the logs and gives the [Verdict]. The parent adds to them what it did, and when. `chaos run` does all of
// it for one fault after the other, `chaos check` judges the logs of an earlier run once more.
package chaos
