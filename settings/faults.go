package settings

import "strings"

// Faults are all faults that [Load] found.
type Faults struct { //nolint:errname // it holds several; a Fault is one
	Faults []Fault
}

// Fault is one thing that is wrong with the settings. No field ever holds a secret.
type Fault struct {
	Key     string // the setting, such as kafka.linger
	Origin  string // where the value comes from, as in [Value]
	Problem string // what is wrong, to be read behind the key
	Remedy  string // what cures it
}

// Error prints one line per fault.
func (f *Faults) Error() string {
	lines := make([]string, len(f.Faults))
	for i, fault := range f.Faults {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// String reads: key problem (remedy) [origin].
func (f Fault) String() string {
	return f.Key + " " + f.Problem + " (" + f.Remedy + ") [" + f.Origin + "]"
}

func (f *Faults) add(fault Fault) { f.Faults = append(f.Faults, fault) }
