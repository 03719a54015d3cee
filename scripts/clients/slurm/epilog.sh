#!/bin/sh
# Epilog of Slurm: kills what a finished job has left on this node, and proves that nothing is left. If a step of the job
# had been unkillable, the node is resumed: at once, or when the last process dies. Meanwhile it stays drained, for a
# reason that names the process.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CGKILL=${CGKILL:-cgkill}
STATE=${CGKILL_SLURM_STATE:-/run/cgkill-slurm}
LOG=${CGKILL_SLURM_LOG:-/var/log/cgkill-slurm.log}
# How long a finished job may keep its node, before that is drained and the wait goes on in the background.
TIMEOUT=${CGKILL_SLURM_TIMEOUT:-30s}
JOB=$SLURM_JOB_ID
NODE=$SLURMD_NODENAME

case "$JOB" in
'' | *[!0-9]*) echo "epilog: no job" >&2 && exit 1 ;;
esac

# All steps of the job, without slurmstepd. A job whose cgroups are gone is dead.
kill_job() {
  "$CGKILL" kill "$@" --ignore-missing --name "slurm/$JOB"
}

# Several jobs may have had unkillable steps: the node is resumed after the last, and only if Slurm drained it for that.
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
# slurmd kills the process group of an epilog that ends: go on only when the other has a session of its own, and with it
# has closed this pipe.
: "$(setsid "$0" wait </dev/null 2>/dev/null &)"
