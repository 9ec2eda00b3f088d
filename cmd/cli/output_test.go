package cli

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	rows := []topicRow{{Name: "orders", Partitions: 3, Broker: "kafka", Declared: true}, {Name: "true", Broker: "kafka", Drift: "missing"}}
	for format, want := range map[string]string{
		asTable: "orders\t3\tkafka\tyes\t\ntrue\t0\tkafka\tno\tmissing\n",
		asLines: `{"name":"orders","partitions":3,"broker":"kafka","declared":true,"drift":""}` + "\n" +
			`{"name":"true","partitions":0,"broker":"kafka","declared":false,"drift":"missing"}` + "\n",
		asYAML: "- name: orders\n  partitions: 3\n  broker: kafka\n  declared: true\n  drift: \"\"\n" +
			"- name: \"true\"\n  partitions: 0\n  broker: kafka\n  declared: false\n  drift: missing\n",
		asJSON: `[
  {
    "name": "orders",
    "partitions": 3,
    "broker": "kafka",
    "declared": true,
    "drift": ""
  },
  {
    "name": "true",
    "partitions": 0,
    "broker": "kafka",
    "declared": false,
    "drift": "missing"
  }
]
`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			s := &session{out: &b, flags: global{output: format}}
			if err := s.print(rows, topicTable(rows)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTableForPeople(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	err := printTable(&b, table{header: []string{"name", "dead_letter"}, rows: [][]string{{"a", "b\tc"}, {"longer", ""}}})
	want := "NAME    DEAD LETTER\na       b\\tc\nlonger  \n"
	if diff := cmp.Diff(want, b.String()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
