# A build of its own of the same source, for checks that need another compiler or other flags.
# Sourced after lib.sh.

LONG=${LONG:-$GR_BUILD/check-long}
jobs=$(nproc 2>/dev/null || echo 2)

build_failed() { # WHAT LOG
  tail -n 30 "$2"
  fail "$1"
  finish
}

# another_build NAME CONFIGURE-ARGUMENT...: configures and builds in $LONG/NAME, and goes there. The
# source is what a release archive would hold, in $LONG/source: GR_SOURCE itself may be configured,
# and then no other build of it is possible.
another_build() {
  folder=$LONG/$1
  shift
  rm -rf "$folder" "$LONG/source"
  mkdir -p "$folder" || exit 1
  (cd "$GR_BUILD" && make distdir distdir="$LONG/source") >"$folder/source.log" 2>&1 ||
    build_failed "make distdir in $GR_BUILD" "$folder/source.log"
  GR_SOURCE=$LONG/source
  cd "$folder" || exit 1
  echo "building in $folder with $*"
  unset CC CFLAGS # those of the other build
  { "$GR_SOURCE/configure" --enable-werror "$@" && make -j"$jobs"; } >build.log 2>&1 ||
    build_failed "the build in $folder" build.log
}

# check_all: make check in the current folder; its sums become ours.
check_all() {
  make -k check -j"$jobs" >check.log 2>&1
  status=$?
  summary=$(sh "$GR_SOURCE/scripts/summarize_tests.sh" .)
  printf '%s\n' "$summary" | sed '$d'
  last=$(printf '%s\n' "$summary" | tail -n 1)
  passed=$((passed + ${last%% passed*}))
  last=${last#*, }
  failed=$((failed + ${last%% failed*}))
  if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then tail -n 30 check.log; fail "make check in $PWD"; fi
}
