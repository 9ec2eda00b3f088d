package settings

import "strings"

// Schema is a JSON Schema (draft 07) of settings files, for editors. It marshals with
// encoding/json; keys come out sorted.
func Schema(settings []Setting) map[string]any {
	root := object()
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "leat settings"
	root["patternProperties"] = map[string]any{"^x-": map[string]any{}}
	properties(root)["$schema"] = map[string]any{"type": "string"}
	for _, s := range settings {
		addToSchema(root, s)
	}
	return root
}

func object() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
}

func properties(node map[string]any) map[string]any { return node["properties"].(map[string]any) }

func addToSchema(root map[string]any, s Setting) {
	path := strings.Split(s.Key, ".")
	node := root
	for _, part := range path[:len(path)-1] {
		node = child(node, part)
	}
	leaf := path[len(path)-1]
	properties(node)[leaf] = leafSchema(s)
	properties(node)[leaf+"_file"] = map[string]any{"type": "string", "description": "Path of a file that holds " + s.Key + "."}
	if s.isDuration() {
		properties(node)[leaf+"_ms"] = map[string]any{"type": "integer", "description": s.Key + " in milliseconds."}
	}
}

// child gives the schema of a section below node, made when missing. That of <name>
// stands for every name.
func child(node map[string]any, part string) map[string]any {
	if part == "<name>" {
		if _, ok := node["additionalProperties"].(map[string]any); !ok {
			node["additionalProperties"] = object()
		}
		return node["additionalProperties"].(map[string]any)
	}
	if _, ok := properties(node)[part]; !ok {
		properties(node)[part] = object()
	}
	return properties(node)[part].(map[string]any)
}

func leafSchema(s Setting) map[string]any {
	schema := map[string]any{"type": schemaType(s.Type)}
	if s.Doc != "" {
		schema["description"] = s.Doc
	}
	if s.Default != "" && !s.Secret {
		schema["default"] = s.Default
	}
	if len(s.Enum) > 0 {
		schema["enum"] = s.Enum
	}
	return schema
}

// schemaType lists what a file may hold for a setting: every value may be a text too.
func schemaType(name string) any {
	switch {
	case strings.HasPrefix(name, "list of "):
		return []string{"array", "string"}
	case name == "bool":
		return []string{"boolean", "string"}
	case name == "integer" || name == "size":
		return []string{"integer", "string"}
	case name == "number":
		return []string{"number", "string"}
	case name == "string" || name == "secret":
		return []string{"string", "number", "boolean"}
	}
	return "string"
}
