#!/bin/sh
# The job of docs/slurm.md under a real Slurm on this machine: a controller, a node and an
# authentication daemon of our own in a temporary directory, nothing of the system's configuration.
# The job is signalled and requeued twice; the result must be that of an undisturbed run.
# Needs root and Debian's slurmctld slurmd slurm-client munge; skipped elsewhere.
PATH=$PATH:/usr/sbin
source_dir=$(cd "${GR_SOURCE:-.}" && pwd)
build=${GR_BUILD:-$PWD}
for program in slurmctld slurmd sbatch munged; do
  command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: slurmd wants root"; exit 77; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gradus-slurm-XXXXXX") || exit 99
cd "$scratch" || exit 99
host=$(hostname -s)
passed=0 failed=0
check() {
  sentence=$1
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $sentence ($*)"; fi
}
# A daemon whose parent does not ask for it stays as a defunct process.
is_gone() { ! kill -0 "$1" || grep -q ') Z ' "/proc/$1/stat"; }
# shellcheck disable=SC2317
clean_up() {
  for daemon in slurmd slurmctld munged; do
    [ -s $daemon.pid ] || continue
    pid=$(cat $daemon.pid)
    kill "$pid"
    await 5 is_gone "$pid"
  done
  cd / || exit 99
  if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then rm -rf "$scratch"; else echo "files kept in $scratch"; fi
}
trap clean_up EXIT
# await SECONDS COMMAND...
await() {
  tries=$(($1 * 5))
  shift
  until "$@" 2>/dev/null; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.2
  done
}

mkdir state spool
dd if=/dev/urandom of=munge.key bs=1 count=256 2>/dev/null
chmod 600 munge.key
munged --force --socket="$scratch/munge.socket" --key-file="$scratch/munge.key" --log-file="$scratch/munged.log" \
  --pid-file="$scratch/munged.pid" --seed-file="$scratch/munge.seed" || exit 99
port=$((20000 + $$ % 20000))
cat >slurm.conf <<END
ClusterName=gradus
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket,cred_expire=5
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
SLURM_CONF=$scratch/slurm.conf
export SLURM_CONF
slurmctld -f "$SLURM_CONF" && slurmd -f "$SLURM_CONF" || exit 99
is_idle() { sinfo -h -o %t | grep -q idle; }
check "the node is there" await 30 is_idle

# The script of the page, with one CPU.
sed -n '/^<!-- job -->$/,/^<!-- end of job -->$/p' "$source_dir/docs/slurm.md" | grep -v -e '^```' -e '^<!--' |
  sed 's/^#SBATCH --cpus-per-task=.*/#SBATCH --cpus-per-task=1/' >train.sbatch
check "docs/slurm.md has a job" grep -q 'scontrol requeue' train.sbatch
PATH=$build:$PATH
export PATH
unset SLURM_CPUS_PER_TASK
gradus generate spirals data.h5 -q --train-rows 4000 --valid-rows 500 --test-rows 500 || exit 99
training="data.h5 --hidden 48,48 --batch-size 16 --epochs ${GRADUS_TEST_EPOCHS:-2000}"
# shellcheck disable=SC2086
check "an undisturbed run" gradus train $training --run whole -q >whole.out
# shellcheck disable=SC2086
: >job.log # appended to
job=$(sbatch --parsable -o job.log train.sbatch $training --run run) || exit 99

epochs_of() { grep -c '^epoch ' job.log; }
trains() { [ "$(epochs_of)" -gt "$seen" ]; }
restarts() { scontrol show job "$job" | grep -q "Restarts=$1 "; }
state_is() { scontrol show job "$job" | grep -q "JobState=$1 "; }
for round in 1 2; do
  seen=$(epochs_of)
  check "round $round: the job trains" await 30 trains
  scancel --batch --signal=USR1 "$job"
  check "round $round: it is requeued" await 30 restarts $round
  check "round $round: gradus said why it stopped" \
    test "$(grep -c 'gradus: stopped (on request)' job.log)" -eq $round
done
check "the job ends" await 240 state_is COMPLETED
check "it went on twice" test "$(grep -c '^resumed from' job.log)" -eq 2
same_digest() { [ "$(gradus inspect --digest whole)" = "$(gradus inspect --digest run)" ]; }
check "the same bits" same_digest
check "the same metrics" cmp whole/metrics.jsonl run/metrics.jsonl
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
