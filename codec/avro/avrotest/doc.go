// Package avrotest keeps the Avro schemas of a service's topics under test.
//
// The schema of a topic comes from its Go type, so a change of the type changes what goes over
// the wire. [Golden] compares the derived schemas with files that are checked in; its failure
// says for each field who can no longer read whose data, and in which order the change can
// be rolled out:
//
//	func TestSchemas(t *testing.T) {
//		avrotest.Golden(t, "schemas", Orders, Receipts)
//	}
//
// Run the tests with LEAT_UPDATE=1 to write the files, or with -update in a package that
// defines such a flag. It connects to nothing.
package avrotest
