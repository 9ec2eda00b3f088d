// Package docs checks that the documentation tells the truth.
package docs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const root = "../.."

var fence = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// files returns the contents of the repository's files with that ending.
func files(t *testing.T, ending string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ending) {
			return nil
		}
		data, err := os.ReadFile(path) //nolint:gosec // our own files
		out[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSnippetsComeFromCodeThatCompiles(t *testing.T) {
	t.Parallel()
	code := files(t, ".go")
	for path, text := range files(t, ".md") {
		for _, m := range fence.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "package ") {
				continue // a whole program: see TestReadmeProgramRuns
			}
			if !anyContains(code, m[1]) {
				t.Errorf("%s: no Go file contains\n%s", path, m[1])
			}
		}
	}
}

func anyContains(code map[string]string, snippet string) bool {
	for path, c := range code {
		if path != "docs_test.go" && strings.Contains(c, snippet) {
			return true
		}
	}
	return false
}

func TestLinksOfTheDocumentationExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for path, text := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestReadmeProgramRuns(t *testing.T) {
	t.Parallel()
	program := fence.FindStringSubmatch(files(t, ".md")[filepath.Join(root, "README.md")])[1]
	dir, err := os.MkdirTemp(root, "readme-") //nolint:usetesting // must lie in the module
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "readme")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"HOME=" + t.TempDir()}
	if err := runUntil(cmd, "hello, world"); err != nil {
		t.Error(err)
	}
}

// runUntil runs a command until it has printed the line, then stops it as a person would.
func runUntil(cmd *exec.Cmd, line string) error {
	r, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = fmt.Errorf("it ended and did not print %q", line)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if lines.Text() == line {
			err = cmd.Process.Signal(os.Interrupt)
		}
	}
	return errors.Join(err, cmd.Wait())
}

func TestRequirementsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/reference/requirements.md"))
	if err != nil {
		t.Fatal(err)
	}
	code := files(t, "_test.go")
	numbers := map[int]bool{}
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| R") {
			continue
		}
		cells := strings.Split(line, "|")
		addNumbers(numbers, cells[1])
		for _, name := range regexp.MustCompile(`\b(Test|Example)\w+`).FindAllString(cells[3], -1) {
			if !anyContains(code, "func "+name+"(") {
				t.Errorf("%s names %s, which does not exist", strings.TrimSpace(cells[1]), name)
			}
		}
	}
	for n := 1; n <= 96; n++ {
		if !numbers[n] {
			t.Errorf("R%d is missing", n)
		}
	}
}

// addNumbers adds what a cell such as "R1", "R42, R43" or "R21–R24" speaks of.
func addNumbers(numbers map[int]bool, cell string) {
	for part := range strings.SplitSeq(cell, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "–")
		first, _ := strconv.Atoi(strings.TrimPrefix(from, "R"))
		last := first
		if isRange {
			last, _ = strconv.Atoi(strings.TrimPrefix(to, "R"))
		}
		for n := first; n <= last; n++ {
			numbers[n] = true
		}
	}
}
