package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"
)

// The values of --output.
const (
	asTable = "table"
	asJSON  = "json"
	asLines = "jsonl"
	asYAML  = "yaml"
)

var formats = []string{asTable, asJSON, asLines, asYAML}

// table is how people see data.
type table struct {
	header []string
	rows   [][]string
}

// print writes data in the format that was asked for: as the table, or as itself with its
// JSON names. As jsonl every element of a list has its line.
func (s *session) print(data any, t table) error {
	switch s.flags.output {
	case asJSON:
		return printJSON(s.out, data, "  ")
	case asLines:
		return printLines(s.out, data)
	case asYAML:
		return printYAML(s.out, data)
	}
	if isTerminal(s.out) {
		return printTable(s.out, t)
	}
	return printTabs(s.out, t.rows)
}

func printJSON(w io.Writer, data any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(data)
}

func printLines(w io.Writer, data any) error {
	v := reflect.ValueOf(data)
	if v.Kind() != reflect.Slice {
		return printJSON(w, data, "")
	}
	for i := range v.Len() {
		if err := printJSON(w, v.Index(i).Interface(), ""); err != nil {
			return err
		}
	}
	return nil
}

// printYAML goes through JSON, so that names and order are the same.
func printYAML(w io.Writer, data any) error {
	var b bytes.Buffer
	if err := printJSON(&b, data, ""); err != nil {
		return err
	}
	var n yaml.Node
	if err := yaml.Unmarshal(b.Bytes(), &n); err != nil {
		return err
	}
	inBlocks(&n)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		return err
	}
	return e.Close()
}

func inBlocks(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		inBlocks(c)
	}
}

func printTable(w io.Writer, t table) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if err := printTabs(tw, append([][]string{upper(t.header)}, t.rows...)); err != nil {
		return err
	}
	return tw.Flush()
}

func upper(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToUpper(strings.ReplaceAll(n, "_", " "))
	}
	return out
}

var oneCell = strings.NewReplacer("\t", `\t`, "\n", `\n`, "\r", `\r`)

func printTabs(w io.Writer, rows [][]string) error {
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = oneCell.Replace(c)
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
