# What the tests of the program share; sourced first. Each test works in a scratch directory of its
# own, runs ./gradus of the build directory as a user types it, and ends with `finish`.
# shellcheck shell=sh

build=$PWD
gradus=$build/gradus
source_dir=$(cd "${GR_SOURCE:-.}" && pwd)
export source_dir
test -x "$gradus" || { echo "no program $gradus: run this from the build directory" >&2; exit 99; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gradus-cli-XXXXXX") || exit 99
cd "$scratch" || exit 99
unset GRADUS_ISA OMP_NUM_THREADS SLURM_CPUS_PER_TASK SLURM_JOB_END_TIME NO_COLOR
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); }

fail() {
  failed=$((failed + 1))
  echo "FAILED: $*"
  test ! -s err || sed 's/^/  stderr: /' err | head -5
  test ! -s out || sed 's/^/  stdout: /' out | head -5
}

skip() {
  skipped=$((skipped + 1))
  echo "skipped: $*"
}

# check SENTENCE COMMAND...: the command succeeds.
check() {
  sentence=$1
  shift
  if "$@"; then pass; else fail "$sentence ($*)"; fi
}

# run ARGS...: gradus ARGS, output into out and err, exit status into $code.
run() {
  code=0
  "$gradus" "$@" >out 2>err || code=$?
}

# expect CODE SENTENCE ARGS...: gradus ARGS ends with that exit status.
expect() {
  wanted=$1 sentence=$2
  shift 2
  run "$@"
  if [ "$code" -eq "$wanted" ]; then pass; else fail "$sentence: exit $code, wanted $wanted: gradus $*"; fi
}

# says WORD...: the last error was exactly one line, gradus: ..., with each word in it.
says() {
  problem=
  [ "$(wc -l <err)" -eq 1 ] || problem="not one line"
  grep -q '^gradus: ' err || problem="does not start with gradus:"
  for word; do
    grep -qF -e "$word" err || problem="does not say '$word'"
  done
  if [ -z "$problem" ]; then pass; else fail "the message $problem"; fi
}

# refuses CODE SENTENCE WORDS -- ARGS...: exit status, one line with the words (separated by |),
# nothing on standard output.
refuses() {
  wanted=$1 sentence=$2 words=$3
  shift 4
  expect "$wanted" "$sentence" "$@"
  old_ifs=$IFS
  IFS='|'
  set -f
  # shellcheck disable=SC2086
  set -- $words
  set +f
  IFS=$old_ifs
  says "$@"
  check "$sentence: standard output stays empty" test ! -s out
}

# await COMMAND...: until it succeeds, ten seconds at most.
await() {
  tries=0
  until "$@" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 400 ] || return 1
    sleep 0.025
  done
}

digest() { "$gradus" inspect --digest "$1" 2>>err; }

# same SENTENCE A B: two texts are equal and not empty.
same() {
  if [ -n "$2" ] && [ "$2" = "$3" ]; then pass; else fail "$1: '$2' and '$3'"; fi
}

# A python with h5py and numpy, or nothing.
find_python() {
  for python in /usr/bin/python3 python3; do
    if "$python" -c 'import h5py, numpy' 2>/dev/null; then echo "$python" && return; fi
  done
}

finish() {
  [ "$skipped" -eq 0 ] || echo "$skipped skipped"
  echo "$passed passed, $failed failed"
  cd / || exit 99
  if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then
    rm -rf "$scratch"
    exit 0
  fi
  echo "files kept in $scratch"
  exit 1
}
