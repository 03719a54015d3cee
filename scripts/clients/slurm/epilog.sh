#!/bin/sh
# Epilog for Slurm: kills what a finished job has left on this node, and proves that nothing is left. If a step of the
# job could not be killed, the node is resumed as soon as its last process is dead. Until then it stays drained, for a
# reason that names the process.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CGKILL=${CGKILL:-cgkill}
STATE=${CGKILL_SLURM_STATE:-/run/cgkill-slurm}
LOG=${CGKILL_SLURM_LOG:-/var/log/cgkill-slurm.log}
# How long a finished job may keep its node before the node is drained and the wait continues in the background.
TIMEOUT=${CGKILL_SLURM_TIMEOUT:-30s}
JOB=$SLURM_JOB_ID
NODE=$SLURMD_NODENAME

case "$JOB" in
'' | *[!0-9]*) echo "epilog: no job" >&2 && exit 1 ;;
esac

# Kills all steps of the job, but not slurmstepd. A job without cgroups is dead.
kill_job() {
  "$CGKILL" kill "$@" --ignore-missing --name "slurm/$JOB"
}

# Several jobs may have had unkillable steps: resume the node after the last one, and only if it was drained for that.
resume() {
  rm -f "$STATE/$JOB"
  rmdir "$STATE" 2>/dev/null || return 0
  case $(scontrol show node "$NODE" | sed -n 's/^ *Reason=//p') in
  'Kill task failed'* | cgkill:*) scontrol update "NodeName=$NODE" State=resume ;;
  esac
}

# In the background, started by the epilog itself: wait for the last process.
if [ "$1" = wait ]; then
  exec >/dev/null 2>&1
  until kill_job --json --timeout 24h >>"$LOG" 2>&1; do sleep 60; done
  resume
  exit
fi

if kill_job --json --timeout "$TIMEOUT" >>"$LOG" 2>&1; then
  [ ! -e "$STATE/$JOB" ] || resume
  exit 0
fi
mkdir -p -m 0700 "$STATE"
: >"$STATE/$JOB"
left=$(kill_job --timeout 0 2>&1 >/dev/null | sed -n '/ PID /{n;s/  */ /g;p;q;}')
scontrol update "NodeName=$NODE" State=drain "Reason=cgkill: job $JOB:${left:- cannot be killed}"
# slurmd kills the process group of an epilog that exits. So exit only when the background process has a session of its
# own: then it has also closed this pipe.
: "$(setsid "$0" wait </dev/null 2>/dev/null &)"
