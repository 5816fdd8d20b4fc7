#!/bin/sh
# The example, compiled against an installed copy as pkg-config says, trains and finds its run again.
set -e
folder=$(mktemp -d "${TMPDIR:-/tmp}/gradus-install-XXXXXX")
trap 'rm -rf "$folder"' EXIT
command -v pkg-config >/dev/null || { echo "no pkg-config"; exit 77; }

MAKEFLAGS= make install DESTDIR="$folder/root" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
file=$(find "$folder/root" -name gradus.pc)
PKG_CONFIG_PATH=$(dirname "$file") PKG_CONFIG_SYSROOT_DIR=$folder/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
LD_LIBRARY_PATH=$(dirname "$(find "$folder/root" -name libgradus.so)")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# shellcheck disable=SC2046,SC2086
${CC:-cc} ${CFLAGS-} -std=c11 -Wall -Wextra -Werror "${GR_SOURCE:-.}/examples/train.c" \
  $(pkg-config --cflags --libs gradus) -lm -o "$folder/train"
cd "$folder"
./train run | tee first
grep -q '^epoch 100 of 100' first
grep -q '^accuracy 0\.9[5-9]\|^accuracy 1' first
./train run >second
[ "$(tail -n 1 first)" = "$(tail -n 1 second)" ]
if grep -q '^epoch' second; then echo "a finished run was trained again"; exit 1; fi
echo "1 passed, 0 failed"
