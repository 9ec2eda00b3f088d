package conformance

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAFaultLeavesTheFileAsItIs(t *testing.T) {
	t.Parallel()
	file, fault := filepath.Join(t.TempDir(), "report.json"), errors.New("a case failed")
	runs := []Run{{Backend: "kafka", Cases: map[string]string{"a": Met}}}
	if err := write(file, func() ([]Run, error) { return runs, nil }); err != nil {
		t.Fatal(err)
	}
	if err := write(file, func() ([]Run, error) { return nil, fault }); !errors.Is(err, fault) {
		t.Errorf("%v, want %v", err, fault)
	}
	got, err := Load(file)
	if diff := cmp.Diff(runs, got.Runs); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestAReportIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	want := Report{"2026-11-27", "2m30s on 2 cores", []Run{{"kafka", "Kafka 1.2.3", "router/broker/kafka", "TestConformance", map[string]string{"a": Met, "b": NotMet + "no"}}}}
	if err := want.Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := Load(file)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if got.Runs[0].Count(Met) != 1 || got.Runs[0].Count(NotApplicable) != 0 {
		t.Errorf("counts are %d and %d", got.Runs[0].Count(Met), got.Runs[0].Count(NotApplicable))
	}
}

func TestWithoutAFileNothingRuns(t *testing.T) {
	t.Parallel()
	var talk strings.Builder
	if code := Main(nil, &talk); code != 2 || !strings.Contains(talk.String(), "usage") {
		t.Errorf("code %d: %s", code, talk.String())
	}
}
