#!/bin/sh
# The shared library exports what src/api/gradus.sym lists, and nothing else.
library=$(ls .libs/libgradus.so 2>/dev/null)
if [ -z "$library" ]; then
  echo "no shared library was built: nothing to compare"
  exit 77
fi
listed=$(LC_ALL=C sort "${GR_SOURCE:-.}/src/api/gradus.sym")
# Names that begin with _ belong to the compiler and its sanitizers.
exported=$(nm -D --defined-only "$library" | awk '$3 !~ /^_/ { print $3 }' | LC_ALL=C sort)
if [ "$listed" != "$exported" ]; then
  printf '%s\n' "$listed" >symbols.listed
  printf '%s\n' "$exported" >symbols.exported
  echo "listed and not exported (<), exported and not listed (>):"
  diff symbols.listed symbols.exported
  rm -f symbols.listed symbols.exported
  echo "0 passed, 1 failed"
  exit 1
fi
echo "1 passed, 0 failed"
