#!/bin/sh
# Real limits instead of made-up ones: a disk that is full, sizes of files, descriptors and memory
# that are limited, places that may not be written or read. Each ends with a documented status and a
# line that says what and why, and afterwards the same command goes on to the same bits.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

here=$PWD
expect 0 "spirals are generated" generate spirals data.h5 -q --train-rows 256 --valid-rows 64 --test-rows 64
workload="train $here/data.h5 --hidden 40,40 --batch-size 32 --epochs 4 --threads 1 --seed 5 -q --set checkpoint.every=0s"
# shellcheck disable=SC2086
expect 0 "an undisturbed run" $workload --run whole
whole=$(digest whole)

# intact RUN: every file with the name of a checkpoint is one.
intact() {
  for file in "$1"/checkpoints/step-*.h5 "$1"/best.h5 "$1"/final.h5; do
    test ! -e "$file" || "$gradus" inspect --digest "$file" >/dev/null 2>>err || return 1
  done
}

# goes_on RUN SENTENCE: the same command, now without limits.
goes_on() {
  check "$2: what is there is intact" intact "$1"
  # shellcheck disable=SC2086
  expect 0 "$2: the same command goes on" $workload --run "$1"
  same "$2: to the same bits" "$whole" "$(digest "$1")"
  check "$2: nothing temporary is left" test -z "$(find "$1" -name '.tmp-*')"
}

# limited SENTENCE SETTING WORDS RUN: the workload under a shell's setting ends with a documented
# status: 0 having done all, or a line with one of the WORDS.
limited() {
  code=0
  # shellcheck disable=SC2086
  (eval "$2" && exec "$gradus" $workload --run "$4") >out 2>err || code=$?
  case $code in
    0) pass ;;
    66 | 71 | 73 | 74) check "$1: the reason is given" grep -qE "^gradus: .*($3)" err ;;
    *) fail "$1: exit $code under $2" ;;
  esac
}

if [ -n "${GRADUS_TEST_ALL:-}" ]; then
  all_blocks='1 2 8 20 40 60 80 100' all_files='4 5 6 7 8 9 10 11 12'
  all_megabytes='16 24 32 36 40 42 44 46 48 50 52 54 56 58 60 64 72 80 96 128 192 512'
  all_ballast='0 20 40 60 80 100 120 130 140 150 160 170 180 190 196 200'
else
  all_blocks='1 20 60' all_files='4 6 8' all_megabytes='24 40 52 64 512' all_ballast='0 120 170 192'
fi

# The runtime of ThreadSanitizer keeps tables in a file that the limit would cut.
case ${CFLAGS:-} in *sanitize=thread*) all_blocks='' && skip "files of limited size under ThreadSanitizer" ;; esac
for blocks in $all_blocks; do # of 512 bytes; with 0 the message could not be written either
  limited "files of $blocks blocks" "ulimit -f $blocks" "File too large" "size-$blocks"
  check "a file too large is not ignored" test "$code" -eq 74
  goes_on "size-$blocks" "after a limit of $blocks blocks"
done

# The shell that libtool puts before the program needs some descriptors itself.
test -x "$build/.libs/gradus" && gradus=$build/.libs/gradus
LD_LIBRARY_PATH=$build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
for files in $all_files; do
  limited "$files descriptors" "ulimit -n $files" "Too many open files" "files-$files"
  goes_on "files-$files" "after a limit of $files descriptors"
done

# Memory: what the loader says is its own; HDF5 1.10 is known to die of allocations that fail within
# it (not of ours: test-faults refuses each of those), so a signal is told and not counted; some
# library that is loaded calls exit(-1), which we never do, where it cannot begin.
case ${CFLAGS:-} in
  *sanitize*) skip "memory under sanitizers" ;;
  *)
    loaded=0 died=0
    for megabytes in $all_megabytes; do
      code=0
      # shellcheck disable=SC2086
      (ulimit -v $((megabytes * 1024)) && exec "$gradus" $workload --run "memory-$megabytes") >out 2>err || code=$?
      case $code in
        0) loaded=1 ;;
        71) check "$megabytes MiB: memory is named" grep -qE '^gradus: .*memory' err ;;
        127) ;; # the loader
        139 | 134 | 255) died=$((died + 1)) ;;
        *) fail "$megabytes MiB: exit $code" ;;
      esac
      test "$code" -eq 127 || goes_on "memory-$megabytes" "after a limit of $megabytes MiB"
    done
    check "the largest of them suffices" test $loaded -eq 1
    echo "died inside libraries under limited memory: $died"
    ;;
esac

# Places: as somebody who is not root, for whom nothing is forbidden.
other=
if [ "$(id -u)" -ne 0 ]; then
  other="env"
elif command -v setpriv >/dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups "$gradus" --version >/dev/null 2>&1; then
  other="setpriv --reuid 65534 --regid 65534 --clear-groups"
fi
if [ -n "$other" ]; then
  chmod 755 "$here" && mkdir closed && chmod 555 closed && mkdir open && chmod 777 open
  program=$gradus
  gradus=$here/as_other
  printf '#!/bin/sh\nexec %s %s "$@"\n' "$other" "$program" >as_other && chmod 755 as_other
  # shellcheck disable=SC2086
  refuses 73 "a directory that may not be written" "closed/run|Permission denied" -- $workload --run closed/run
  cp data.h5 secret.h5 && chmod 000 secret.h5
  refuses 66 "a data set that may not be read" "secret.h5|Permission denied" -- train secret.h5 --run open/run
  # shellcheck disable=SC2086
  expect 0 "an open directory" $workload --run open/run
  chmod 000 open/run/final.h5 open/run/best.h5
  refuses 66 "a model that may not be read" "best.h5|Permission denied" -- eval open/run data.h5
  refuses 73 "a file that may not be made" "closed/x.h5|Permission denied" -- generate spirals closed/x.h5
  gradus=$program
else
  skip "nobody but root to be"
fi

# A disk of its own: full, and then with room; and one that may only be read.
mkdir disk
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=200k none disk 2>/dev/null; then
  trap 'umount "$here/disk" 2>/dev/null' EXIT
  for ballast in $all_ballast; do
    rm -rf disk/run disk/ballast
    head -c ${ballast}k /dev/zero >disk/ballast
    limited "a disk with $((200 - ballast)) KiB" : "No space left|no room" disk/run
    mount -o remount,size=4m disk
    goes_on disk/run "after a full disk ($ballast KiB of ballast)"
    rm -rf disk/run disk/ballast
    mount -o remount,size=200k disk
  done
  # shellcheck disable=SC2086
  mount -o remount,size=4m disk && cp -r whole disk/run && mount -o remount,ro disk
  rm -f whole/final.h5
  refuses 73 "a disk that may only be read" "disk/run|Read-only file system" -- $workload --run disk/run
  expect 0 "though reading from it goes" eval disk/run data.h5
  umount disk
else
  skip "no tmpfs may be mounted"
fi
finish
