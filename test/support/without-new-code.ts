// Emulates a host that permits no memory that is writable and executable: there is no JIT, and so no FFI.

/**
 * prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), kept by execve; since Linux 6.3. Like systemd's MemoryDenyWriteExecute.
 */
export const WITHOUT_NEW_CODE: readonly string[] = [
  "perl",
  "-e",
  "syscall(157, 65, 1, 0, 0, 0) == 0 or exit 1; exec @ARGV",
];
export const canDenyCode: boolean =
  Bun.which("perl") !== null && Bun.spawnSync([...WITHOUT_NEW_CODE, "true"]).exitCode === 0;
if (!canDenyCode) console.warn("left out: no writable and executable memory (needs perl, x86-64 and Linux 6.3)");
