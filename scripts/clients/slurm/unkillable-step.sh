#!/bin/sh
# UnkillableStepProgram for Slurm: slurmstepd runs it as root when the processes of a step do not die of SIGKILL within
# UnkillableStepTimeout, and drains the node for "Kill task failed". It kills what can be killed, logs what holds the
# rest, and leaves a file for the epilog, which resumes the node once nothing is left.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CGKILL=${CGKILL:-cgkill}
STATE=${CGKILL_SLURM_STATE:-/run/cgkill-slurm}
LOG=${CGKILL_SLURM_LOG:-/var/log/cgkill-slurm.log}

# Numbers only: they become names of files and of cgroups.
case "$SLURM_JOB_ID$SLURM_STEP_ID" in
'' | *[!0-9]*) echo "unkillable-step: no job or step" >&2 && exit 1 ;;
esac

mkdir -p -m 0700 "$STATE"
: >"$STATE/$SLURM_JOB_ID"
"$CGKILL" kill --json --ignore-missing --timeout 20s --name "slurm/$SLURM_JOB_ID.$SLURM_STEP_ID" >>"$LOG" 2>&1
