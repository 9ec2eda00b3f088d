// Package bench measures what leat costs beside a loop written by hand over the same client.
// The program in bench/ runs all workloads on servers of its own, with Watermill's stock
// adapters as a third subject; `leat bench` runs a few of them on the user's broker.
//
// A workload is one thing that every subject does, a driver is a subject, a server is a broker
// as seen from outside of the subjects. Subjects run one at a time, in turns, for several
// rounds; the first round warms up and is dropped. Ratios are medians of the ratios of single
// rounds: what disturbs the machine for longer than a round disturbs both sides.
package bench
