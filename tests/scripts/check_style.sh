#!/bin/sh
# Shape: columns, tabs, sizes of files and functions, what a file opens with, words that must not
# stay, and clang-format where it is the version the tree was formatted with.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

# Reasons for more than 500 lines or 60 lines of a function: "path" or "path:function", one a line.
allowed=''

is_allowed() { printf '%s\n' "$allowed" | grep -qxF "$1"; }

check_lines() {
  awk 'length($0) > 100 { print NR ": " length($0) " columns, at most 100" }
       /\t/ { print NR ": a tab" }
       /[ \r]$/ { print NR ": blank at the end of the line" }
       /(^|[^A-Za-z])(TODO|FIXME|XXX|HACK)([^A-Za-z]|$)/ { print NR ": unfinished" }
       /^ *# *if 0/ { print NR ": dead code" }' "$GR_SOURCE/$1"
}

check_size() {
  lines=$(wc -l <"$GR_SOURCE/$1")
  [ "$lines" -le 500 ] || is_allowed "$1" || echo "$lines lines, at most 500 without a reason"
}

# A function of formatted code begins in column 0 with a parenthesis and ends with "}" in column 0.
check_functions() {
  awk '/^[A-Za-z_].*[(]/ && !/;$/ { name = $0; sub(/[(].*/, "", name); sub(/.*[ *]/, "", name)
                                    start = NR }
       /^}/ && start { if (NR - start + 1 > 60) print name, NR - start + 1; start = 0 }' \
    "$GR_SOURCE/$1" | while read -r name lines; do
    is_allowed "$1:$name" || echo "function $name has $lines lines, at most 60 without a reason"
  done
}

# What the file is about, then config.h before any other header.
check_opening() {
  head -n 1 "$GR_SOURCE/$1" | grep -q '^/\*' || echo "1: opens with no comment"
  case $1 in
    *.def.h | tests/install/*) ;;
    *.h) grep -q '^#ifndef GR' "$GR_SOURCE/$1" || echo "no include guard GR..." ;;
    *.c)
      first=$(grep -m 1 '^#include' "$GR_SOURCE/$1")
      [ "$first" = '#include <config.h>' ] || echo "the first include is $first, not <config.h>"
      ;;
  esac
}

formatter=
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then formatter=clang-format; fi
check_format() {
  [ -n "$formatter" ] || return 0
  (cd "$GR_SOURCE" && $formatter --dry-run "$1" 2>&1) | grep -c 'clang-format-violations' |
    sed '/^0$/d; s/$/ places differ from clang-format/'
}

for file in $(c_files src include tests); do
  judge "$file" "$(check_lines "$file"; check_size "$file"; check_functions "$file"
    check_opening "$file"; check_format "$file")"
done

# What an editor, patch or a merge leaves behind.
left=$(cd "$GR_SOURCE" && find src include tests man scripts m4 examples data -name '*.orig' -o -name '*.rej' \
  -o -name '*.bak' -o -name '*~')
judge "the tree" "$left"

# README: nothing left to fill in, and every file of the tree that it names is there.
check_readme() {
  grep -noE '@[A-Z_]+@' "$GR_SOURCE/README.md" | sed 's/$/ is not filled in/'
  { grep -oE '`(examples|src|tests)/[^` ]*`' "$GR_SOURCE/README.md" | tr -d '`'
    grep -oE '\]\([^):# ]+\)' "$GR_SOURCE/README.md" | sed 's/^](//; s/)$//'
  } | while read -r path; do
    [ -e "$GR_SOURCE/$path" ] || echo "names $path, which does not exist"
  done
}
judge README.md "$(check_readme)"

# The version stands in two places.
judge include/gradus/version.h "$(
  configured=$(sed -n 's/^AC_INIT(\[gradus\], \[\([0-9.]*\)\].*/\1/p' "$GR_SOURCE/configure.ac")
  stated=$(awk '/define GRADUS_VERSION_/ { v = v (v == "" ? "" : ".") $3 } END { print v }' \
    "$GR_SOURCE/include/gradus/version.h")
  [ "$configured" = "$stated" ] || echo "says $stated, configure.ac says $configured"
)"
finish
