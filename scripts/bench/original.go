// The original design, as it was described: move the executor out of the way, then on v2 write to cgroup.kill; on v1
// freeze, signal the processes of this one cgroup, thaw, sleep, wait, remove. Uses the original's libraries, so that
// their start-up and their way of freezing are measured too.
//
//	original DIR ASIDE
//
// ASIDE is the cgroup that the executor moves to. Debian: golang-go golang-github-opencontainers-runc-dev
// golang-github-hashicorp-go-hclog-dev.
package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/opencontainers/runc/libcontainer/cgroups"
	"github.com/opencontainers/runc/libcontainer/cgroups/fs"
	"github.com/opencontainers/runc/libcontainer/configs"
)

const settle = 50 * time.Millisecond

func killV2(dir, aside string, executor int) error {
	if err := cgroups.WriteCgroupProc(aside, executor); err != nil {
		return err
	}
	return cgroups.WriteFile(dir, "cgroup.kill", "1")
}

func killV1(log hclog.Logger, dir, aside string, executor int) error {
	if err := cgroups.WriteCgroupProc(aside, executor); err != nil {
		return err
	}
	freezer := &fs.FreezerGroup{}
	// An error is only logged: what cannot be frozen is killed while it runs.
	if err := freezer.Set(dir, &configs.Resources{Freezer: configs.Frozen}); err != nil {
		log.Trace("not frozen", "error", err)
	}
	pids, err := cgroups.GetPids(dir)
	if err != nil {
		return err
	}
	var killed []*os.Process
	for _, pid := range pids {
		if pid == executor {
			continue
		}
		process, err := os.FindProcess(pid)
		if err != nil || process.Signal(syscall.SIGKILL) != nil {
			continue
		}
		log.Trace("killed", "pid", pid)
		killed = append(killed, process)
	}
	if err := freezer.Set(dir, &configs.Resources{Freezer: configs.Thawed}); err != nil {
		return err
	}
	time.Sleep(settle)
	for _, process := range killed {
		_, _ = process.Wait()
	}
	return cgroups.RemovePath(dir)
}

func main() {
	log := hclog.New(&hclog.LoggerOptions{Name: "killer", Level: hclog.Info})
	if len(os.Args) != 3 {
		log.Error("usage: original DIR ASIDE")
		os.Exit(2)
	}
	dir, aside, executor := os.Args[1], os.Args[2], os.Getpid()
	var err error
	if _, missing := os.Stat(filepath.Join(dir, "cgroup.kill")); errors.Is(missing, os.ErrNotExist) {
		err = killV1(log, dir, aside, executor)
	} else {
		err = killV2(dir, aside, executor)
	}
	if err != nil {
		log.Error("failed", "executor", strconv.Itoa(executor), "error", err)
		os.Exit(1)
	}
}
