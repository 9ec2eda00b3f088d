package settings

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var formats = map[string]func(string, []byte) ([]entry, error){
	".yaml": yamlEntries, ".yml": yamlEntries, ".toml": tomlEntries, ".json": jsonEntries,
}

var extensions = []string{".yaml", ".yml", ".toml", ".json"}

// fileLayers reads config.* and config.<profile>.*, or the one file that was named.
func fileLayers(o Options, profile string, faults *Faults) []layer {
	if o.File != "" {
		return []layer{readConfig(o.File, o.File, faults)}
	}
	var layers []layer
	for _, base := range []string{"config", "config." + profile} {
		if file := findConfig(o.Dir, base, faults); file != "" {
			layers = append(layers, readConfig(filepath.Join(o.Dir, file), file, faults))
		}
	}
	return layers
}

// findConfig gives the one file of that base name; two are a fault, because nobody could
// say which of them holds.
func findConfig(dir, base string, faults *Faults) string {
	var found []string
	for _, ext := range extensions {
		if _, err := os.Stat(filepath.Join(dir, base+ext)); !errors.Is(err, fs.ErrNotExist) {
			found = append(found, base+ext)
		}
	}
	if len(found) == 0 {
		return ""
	}
	if len(found) > 1 {
		faults.add(Fault{strings.Join(found, " and "), found[0], "are both there", "keep one of them"})
	}
	return found[0]
}

func readConfig(path, name string, faults *Faults) layer {
	entries, err := parseConfig(path, name)
	if err != nil {
		faults.add(configFault(name, err))
	}
	return layer{entries: entries, strict: true}
}

func parseConfig(path, name string) ([]entry, error) {
	parse, ok := formats[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return nil, errors.New("has an unknown format")
	}
	data, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, errors.New("cannot be read: " + cause(err))
	}
	return parse(name, bytes.TrimPrefix(data, []byte("\ufeff")))
}

func configFault(name string, err error) Fault {
	line := 0
	if e, ok := errors.AsType[*lineError](err); ok {
		line = e.line
	}
	return Fault{name, at(name, line), err.Error(), "give a .yaml, .toml or .json file with sections such as kafka"}
}
