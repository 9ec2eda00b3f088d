package testservers

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
)

// AvroForJava returns a Java runtime that runs source files, and the class path of Apache Avro,
// which the registry brings along. The error is an ErrUnavailable on a machine without.
func AvroForJava(ctx context.Context) (program, classPath string, err error) {
	if program, err = java(); err != nil {
		return "", "", err
	}
	if _, err := exec.LookPath("javac"); err != nil {
		return "", "", unavailable{errors.New("no javac in PATH (version 17 or later; Debian: apt-get install default-jdk-headless)")}
	}
	app, err := fetched(ctx, "apicurio-"+pinned().Apicurio, "dependency:unpack")
	return program, filepath.Join(app, "lib", "*"), err
}
