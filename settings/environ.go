package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const dotEnvFile = ".env"

// serviceLink matches what Kubernetes sets for every service in a namespace. A service
// called kafka must not configure us.
var serviceLink = regexp.MustCompile(`^[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

func environ(o Options) []variable {
	lines := o.Environ
	if lines == nil {
		lines = os.Environ()
	}
	var found []variable
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			found = append(found, variable{name, value})
		}
	}
	return lastOfEach(found)
}

// lastOfEach drops what a later line of the same name replaces.
func lastOfEach(vars []variable) []variable {
	seen := map[string]bool{}
	var found []variable
	for _, v := range slices.Backward(vars) {
		if !seen[v.name] {
			seen[v.name] = true
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	return found
}

// lookupIn expects variables from lastOfEach.
func lookupIn(vars []variable) func(string) (string, bool) {
	return func(name string) (string, bool) {
		i, ok := slices.BinarySearchFunc(vars, name, func(v variable, name string) int { return strings.Compare(v.name, name) })
		if !ok {
			return "", false
		}
		return vars[i].value, true
	}
}

// readDotEnv reads .env when there is one.
func readDotEnv(o Options, env []variable, faults *Faults) []variable {
	if o.NoDotEnv {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(o.Dir, dotEnvFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		faults.add(Fault{dotEnvFile, dotEnvFile, "cannot be read: " + cause(err), "make it readable"})
		return nil
	}
	vars, wrong := parseDotEnv(string(data), lookupIn(env))
	for _, e := range wrong {
		faults.add(Fault{dotEnvFile, at(dotEnvFile, e.line), e.text, "write NAME=value, with quotes around spaces, or begin the line with #"})
	}
	return lastOfEach(vars)
}

// cause is an error without the path in it.
func cause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

func envLayer(vars []variable, origin func(name string) string) layer {
	l := layer{env: true}
	for _, v := range vars {
		if !isLink(v) {
			l.entries = append(l.entries, entry{v.name, raw{text: v.value}, origin(v.name)})
		}
	}
	return l
}

// isLink tells the variables of a Kubernetes service, also where an own section has a
// key of that name (smtp.port and a service called smtp).
func isLink(v variable) bool {
	name := strings.ToUpper(v.name)
	address := strings.Contains(v.value, "://") && strings.HasSuffix(name, "_PORT")
	return address || serviceLink.MatchString(name) && !strings.HasSuffix(name, "_PORT")
}

// setLayers reads the --set arguments; the later wins. An argument is never cited: it may
// be a secret.
func setLayers(args []string, faults *Faults) []layer {
	var layers []layer
	for i, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			faults.add(Fault{fmt.Sprintf("argument %d of --set", i+1), "--set", "is no key=value", "write --set kafka.enabled=true"})
			continue
		}
		layers = append(layers, layer{strict: true, entries: []entry{{name, raw{text: value}, "--set"}}})
	}
	return layers
}
