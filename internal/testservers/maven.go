package testservers

import (
	"context"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/lockedfile"
)

//go:embed pom.xml
var pom []byte

// versions are the versions of the servers that pom.xml names.
type versions struct {
	Kafka    string `xml:"properties>kafka.version"`
	Apicurio string `xml:"properties>apicurio.version"`
}

var pinned = sync.OnceValue(func() versions {
	var v versions
	if err := xml.Unmarshal(pom, &v); err != nil {
		panic(fmt.Sprintf("testservers: pom.xml: %v", err)) // it is part of this package
	}
	return v
})

// fetched returns the folder with the Java files of one server. The first call on a machine has Maven put
// them into the user's cache; processes that ask at the same time wait for the first one.
func fetched(ctx context.Context, name, goal string) (string, error) {
	root, err := cacheRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, name)
	if exists(dir) {
		return dir, nil
	}
	unlock, err := lockedfile.MutexAt(dir + ".lock").Lock()
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", name, err)
	}
	defer unlock()
	if exists(dir) {
		return dir, nil
	}
	return dir, fetch(ctx, dir, goal)
}

func cacheRoot() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache of test servers: %w", err)
	}
	root := filepath.Join(base, "leat", "testservers")
	return root, os.MkdirAll(root, 0o750)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// fetch lets the folder appear at once and whole, or not at all.
func fetch(ctx context.Context, dir, goal string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "fetching-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // a leftover in the cache does no harm
	file, target := filepath.Join(tmp, "pom.xml"), filepath.Join(tmp, "target")
	if err := os.WriteFile(file, pom, 0o600); err != nil {
		return err
	}
	if err := runMaven(ctx, file, goal, "-Dtarget="+target); err != nil {
		return unavailable{fmt.Errorf("fetch %s: %w", filepath.Base(dir), err)}
	}
	return os.Rename(target, dir)
}

func runMaven(ctx context.Context, file, goal, property string) error {
	program, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("no mvn in PATH (Debian: apt-get install maven)")
	}
	cmd := exec.CommandContext(ctx, program, "--quiet", "--batch-mode", "--file", file, goal, property) //nolint:gosec // our own arguments
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn %s: %w; its last output:\n%s", goal, err, lastLines(string(out), 15))
	}
	return nil
}

// java returns the path of the Java runtime.
func java() (string, error) {
	program, err := exec.LookPath("java")
	if err != nil {
		return "", unavailable{errors.New("no java in PATH (version 17 or later; Debian: apt-get install default-jre-headless)")}
	}
	return program, nil
}
