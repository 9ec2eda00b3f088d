package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"
)

// table prints ratios, with medians beside them.
func table(w io.Writer, rows []row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "workload\tbroker\tbytes\tsubject\tto bare (min–max)\tto stock (min–max)\tmedian (min–max)\tCPU/msg\talloc/msg\tpeak RSS\tgoal")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%s\t%s %s (%s–%s)\t%s\t%.0f B\t%d MiB\t%s\n",
			r.Workload, r.Broker, r.Payload, r.Subject, r.toBare(), r.toStock(), number(r.Median), r.Unit, number(r.Min), number(r.Max),
			r.cpuPerMessage().Round(10*time.Nanosecond), r.AllocatedBytes, r.PeakRSS>>20, r.verdict())
	}
	return tw.Flush()
}

func (r row) toBare() string {
	if r.Subject == "bare" {
		return "1"
	}
	if r.ToIdeal != nil {
		return number(*r.ToIdeal) + " of ideal"
	}
	return r.RatioToBare.String()
}

func (r row) toStock() string {
	if r.Subject == "stock" {
		return "1"
	}
	return r.RatioToStock.String()
}

// String returns "–" for the ratio to what was not run.
func (s *span) String() string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.median), number(s.low), number(s.high))
}

// number prints three digits or all before the point.
func number(v float64) string {
	switch {
	case v >= 1000:
		return strconv.Itoa(int(v/100) * 100)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// save writes the rows as a JSON array.
func save(path string, rows []row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644) //nolint:gosec // nothing secret
}
