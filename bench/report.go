package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/leat-go/leat/internal/bench"
)

// table prints ratios, with medians beside them.
func table(w io.Writer, rows []bench.Row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "workload\tsize\tbroker\tbytes\tsubject\tto bare (min–max)\tto stock (min–max)\tto other (min–max)\tmedian (min–max)\tCPU/msg\talloc/msg\tpeak RSS\tgoal")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f B\t%d MB\t%s\n",
			r.Workload, size(r), r.Broker, r.Payload, r.Subject, r.ToBare, r.ToStock, other(r), r.Value(),
			r.CPUPerMessage().Round(10*time.Nanosecond), r.AllocatedBytes, r.PeakRSS/1_000_000, verdict(r))
	}
	return tw.Flush()
}

func size(r bench.Row) string {
	if r.Size == 0 {
		return "–"
	}
	return strconv.Itoa(r.Size)
}

// other is a ratio that some workloads have.
func other(r bench.Row) string {
	switch {
	case r.ToIdeal != nil:
		return r.ToIdeal.String() + " of ideal"
	case r.ToJSON != nil:
		return r.ToJSON.String() + " of JSON"
	case r.ToLabelled != nil:
		return r.ToLabelled.String() + " of labelled"
	case r.ToSmallest != nil:
		return r.ToSmallest.String() + " of smallest"
	}
	return "–"
}

// save writes the rows as a JSON array.
func save(path string, rows []bench.Row) error {
	type judged struct {
		bench.Row

		Goal string `json:"goal,omitzero"` // reached, or what is missed
	}
	out := make([]judged, len(rows))
	for i, r := range rows {
		out[i] = judged{r, verdict(r)}
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644) //nolint:gosec // nothing secret
}
