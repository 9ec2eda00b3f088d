package avro

import "time"

// BePatient gives a codec more time for one attempt at its registry: tests against a real one
// judge its answers, however busy the machine is.
func BePatient(c *Codec) { c.registry.patience = 30 * time.Second }
