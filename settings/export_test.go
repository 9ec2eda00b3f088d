package settings

// Parsers of bytes, for fuzzing.
var (
	ParseDuration = parseDuration
	ShowDuration  = showDuration
	ParseSize     = parseSize
	SplitList     = func(text string) ([]string, error) { return listItems(raw{text: text}) }
	Redact        = redact
	ParseYAML     = func(data []byte) error { _, err := yamlEntries("f", data); return err }
	ParseJSON     = func(data []byte) error { _, err := jsonEntries("f", data); return err }
	ParseTOML     = func(data []byte) error { _, err := tomlEntries("f", data); return err }
)

// ParseDotEnv gives the variables by name and the lines at fault.
func ParseDotEnv(text string, env map[string]string) (map[string]string, []int) {
	vars, wrong := parseDotEnv(text, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	found := map[string]string{}
	for _, v := range vars {
		found[v.name] = v.value
	}
	var lines []int
	for _, e := range wrong {
		lines = append(lines, e.line)
	}
	return found, lines
}
