#!/bin/sh
# The NEON kernels where no CPU is an ARM one: a build for AArch64 with Debian's cross compiler, the
# inner loops of its products looked at, and the tests of base, kernels, network and engine, golden
# digests included, under QEMU's user emulation. For Debian on x86-64:
#   dpkg --add-architecture arm64 && apt-get update
#   apt-get install gcc-aarch64-linux-gnu qemu-user libyaml-dev:arm64 libxxhash-dev:arm64 \
#     zlib1g-dev:arm64 libcunit1-dev:arm64 libhdf5-103-1:arm64
# (libhdf5-dev:arm64 would displace the libhdf5-dev of the machine itself: of HDF5 the headers of
# this machine and the library of the other serve, if of one version.)
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"
. "$GR_SOURCE/tests/scripts/build.sh"

host=aarch64-linux-gnu
case $(uname -m) in aarch64 | arm64) skip "make check itself runs NEON kernels here" ;; esac
command -v $host-gcc >/dev/null 2>&1 || skip "no $host-gcc (gcc-aarch64-linux-gnu)"
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || skip "no qemu-aarch64 (qemu-user)"

native_hdf5=$(pkg-config --cflags hdf5-serial 2>/dev/null)
PKG_CONFIG_LIBDIR=/usr/lib/$host/pkgconfig:/usr/share/pkgconfig
export PKG_CONFIG_LIBDIR
if pkg-config --exists hdf5-serial; then
  hdf5_cflags=$(pkg-config --cflags hdf5-serial)
  hdf5_libs=$(pkg-config --libs hdf5-serial)
else
  hdf5_cflags=$native_hdf5
  hdf5_libs=-l:$(basename "$(find /usr/lib/$host -name 'libhdf5_serial.so.???' | tail -n 1)")
fi

# One program with everything that is wanted from outside: does it link, and does it run?
mkdir -p "$LONG" || exit 1
trial=$(mktemp -d "$LONG/neon-XXXXXX") || exit 1
trap 'rm -rf "$trial"' EXIT
cat >"$trial/trial.c" <<'END_OF_C'
#include <CUnit/Basic.h>
#include <hdf5.h>
#include <xxhash.h>
#include <yaml.h>
#include <zlib.h>
int main(void) {
  int major, minor, patch, threads = 0;
#pragma omp parallel num_threads(2)
#pragma omp atomic
  threads++;
  yaml_get_version(&major, &minor, &patch);
  return threads < 1 || H5open() < 0 || !zlibVersion() || XXH_versionNumber() == 0 ||
         CU_initialize_registry() != CUE_SUCCESS;
}
END_OF_C
# shellcheck disable=SC2086
$host-gcc -fopenmp $hdf5_cflags "$trial/trial.c" -o "$trial/trial" -lcunit -lyaml -lxxhash -lz \
  $hdf5_libs >"$trial/log" 2>&1 ||
  skip "not all libraries for arm64 (named in this script): $(grep -m 1 -E 'error|cannot' "$trial/log")"
# libgomp alone of the cross compiler's libraries: its C library is not that of libc6:arm64, and the
# loader of one with the other hangs in pthread_create.
mkdir "$trial/lib" && ln -s "$($host-gcc -print-file-name=libgomp.so.1)" "$trial/lib/libgomp.so.1"
emulated() { "$qemu" -L / -E LD_LIBRARY_PATH="$trial/lib" "$@"; }
emulated "$trial/trial" >"$trial/log" 2>&1 || skip "$qemu does not run it: $(tail -n 1 "$trial/log")"

another_build neon --host=$host HDF5_CFLAGS="$hdf5_cflags" HDF5_LIBS="$hdf5_libs"
grep -q 'define GR_HAVE_NEON 1' config.h || fail "configure has found no NEON"

OBJDUMP=$host-objdump GR_BUILD=$PWD CFLAGS='-O3 -g' sh "$GR_SOURCE/tests/scripts/check_stack.sh" >stack.log ||
  { cat stack.log; fail "check_stack.sh"; }
grep 'loops looked at' stack.log && pass

run() { # run LAYER
  make -j"$jobs" "test-$1" >make.log 2>&1 || build_failed "make test-$1" make.log
  emulated "./test-$1" >"test-$1.log" 2>&1
  grep -E 'FAILED|^ +[0-9]+\. ' "test-$1.log" | head -n 40 | cut -c 1-200
  passed=$((passed + $(grep -c '\.\.\.passed' "test-$1.log")))
  failed=$((failed + $(grep -c '\.\.\.FAILED' "test-$1.log")))
  grep -q 'Run Summary' "test-$1.log" || fail "test-$1 did not end"
}
for layer in base kernel net exec; do run $layer; done
finish
