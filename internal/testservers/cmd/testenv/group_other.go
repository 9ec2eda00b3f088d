//go:build !unix

package main

import "os/exec"

func isolate(*exec.Cmd) {}

func interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func killRest(*exec.Cmd) {}
