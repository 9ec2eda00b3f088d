package app

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/leat-go/leat/settings"
)

// serviceName is service.name, else the last element of the module's path.
func serviceName(s settings.Settings) string {
	if s.Service.Name != "" {
		return s.Service.Name
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if n := moduleName(info.Main.Path); n != "" {
			return n
		}
	}
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
}

var majorVersion = regexp.MustCompile(`/v\d+$`)

// moduleName is the last element of a module's path that is not its major version.
func moduleName(module string) string {
	if module == "" {
		return ""
	}
	return path.Base(majorVersion.ReplaceAllString(module, ""))
}
