package delegate

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const importPath = "github.com/leat-go/leat/cmd/cli"

var (
	errNoModule  = errors.New("not inside a Go module: call it where your service's go.mod is, or call the service's own program")
	errNoService = errors.New("no main package of this module imports " + importPath + ": call it where your service's go.mod is, or call the service's own program")
)

// Wanted tells whether a service answers the command better than leat alone.
func Wanted(command string) bool {
	first, _, _ := strings.Cut(command, " ")
	return slices.Contains([]string{"run", "worker", "consume", "describe", "topics", "produce", "tail", "schema", "config", "kafka"}, first)
}

// Needed tells whether the command makes no sense without a service.
func Needed(command string) bool {
	return slices.Contains([]string{"run", "worker", "consume", "describe", "kafka worker", "kafka consume"}, command) ||
		strings.HasPrefix(command, "schema ")
}

// Find returns the folder of the main package that is a service, relative to dir: that of dir
// itself, else the only one below, else the only one of the module.
func Find(dir string) (string, error) {
	root, err := moduleRoot(dir)
	if err != nil {
		return "", err
	}
	if isService(dir) {
		return ".", nil
	}
	found := below(dir)
	if len(found) == 0 {
		found = below(root)
	}
	switch len(found) {
	case 0:
		return "", errNoService
	case 1:
		return relative(dir, found[0])
	}
	return "", fmt.Errorf("the module has several services: %s; call it in the folder of one of them", names(dir, found))
}

// moduleRoot is the nearest folder above that holds a go.mod.
func moduleRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errNoModule
		}
		dir = parent
	}
}

// below finds services in root and its folders, those of other modules left out.
func below(root string) (found []string) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil //nolint:nilerr // a folder that cannot be read holds no service
		case path != root && skipped(path, d.Name()):
			return filepath.SkipDir
		case isService(path):
			found = append(found, path)
		}
		return nil
	})
	return found
}

func skipped(path, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// isService tells whether a folder holds a main package that imports the command line. The
// program leat itself does too and is none.
func isService(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	return slices.ContainsFunc(files, servesCommands)
}

func servesCommands(file string) bool {
	name := filepath.Base(file)
	if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
		return false
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil || f.Name.Name != "main" {
		return false
	}
	serves, tool := false, false
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		serves = serves || path == importPath
		tool = tool || strings.HasPrefix(path, "github.com/leat-go/leat/cmd/leat/")
	}
	return serves && !tool
}

// relative is the folder as the go command wants it.
func relative(dir, service string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	service, err = filepath.Abs(service)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(dir, service)
	if err != nil || rel == "." || strings.HasPrefix(rel, "..") {
		return rel, err
	}
	return "." + string(filepath.Separator) + rel, nil
}

func names(dir string, services []string) string {
	var out []string
	for _, s := range services {
		if rel, err := relative(dir, s); err == nil {
			out = append(out, rel)
		}
	}
	return strings.Join(out, ", ")
}
