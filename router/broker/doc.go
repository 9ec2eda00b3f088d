// Package broker is the contract between the router and the backends that carry messages.
//
// A backend stores records in the partitions of topics and feeds what a group has to handle
// to the delivery engine (package dispatch), which decides when a handler runs. The router
// never learns which backend it talks to: a new one is done when the suite in brokertest
// passes.
//
// What every backend guarantees: records of one key stay in order within their partition; a
// record is finished for a group only after [Delivery.Done], and what is not finished is
// delivered again after a crash, an owner change or a restart.
package broker
