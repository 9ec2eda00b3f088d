//go:build !linux

package testservers

import "syscall"

func childAttributes() *syscall.SysProcAttr { return nil }
