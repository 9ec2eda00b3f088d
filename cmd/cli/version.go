package cli

import (
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"
)

const modulePath = "github.com/leat-go/leat"

func newVersion(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program, of leat and of Go",
		Example: `  leat version
  leat version -o json`,
		Args: cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			v := versionOf(info)
			return s.print(v, v.table())
		}),
	}
}

// version is what `version` shows.
type version struct {
	Module   string `json:"module"`
	Version  string `json:"version"`
	Leat     string `json:"leat"`
	Go       string `json:"go"`
	Revision string `json:"revision"` // of the version control system; "" when it was not stamped
	Modified bool   `json:"modified"`
}

func versionOf(info *debug.BuildInfo) version {
	if info == nil {
		return version{Version: "(unknown)"}
	}
	v := version{Module: info.Main.Path, Version: info.Main.Version, Go: info.GoVersion}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath {
			v.Leat = m.Version
		}
	}
	for _, set := range info.Settings {
		switch set.Key {
		case "vcs.revision":
			v.Revision = set.Value
		case "vcs.modified":
			v.Modified = set.Value == "true"
		}
	}
	return v
}

func (v version) table() table {
	return table{header: []string{"what", "version"}, rows: [][]string{
		{"module", v.Module},
		{"version", v.Version},
		{"leat", v.Leat},
		{"go", v.Go},
		{"revision", v.Revision + map[bool]string{true: " (modified)"}[v.Modified]},
	}}
}
