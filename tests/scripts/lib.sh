# What the check scripts share. Sourced by them; they run under `make check` with GR_SOURCE and
# GR_BUILD in the environment, and by hand from the top of a source tree.

GR_SOURCE=${GR_SOURCE:-$PWD}
GR_BUILD=${GR_BUILD:-$PWD}
passed=0
failed=0

pass() { passed=$((passed + 1)); }
fail() { # one finding per line, then the file counts as failed
  printf 'FAIL %s\n' "$*"
  failed=$((failed + 1))
}
skip() {
  printf 'skipped: %s\n0 passed, 0 failed\n' "$*"
  exit 77
}
finish() {
  [ $((passed + failed)) -gt 0 ] || echo "nothing was checked"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit $?
}

# Counts a file as passed when what was found about it (lines of text) is empty, else prints it.
judge() { # judge FILE FINDINGS
  if [ -z "$2" ]; then
    pass
  else
    printf '%s\n' "$2" | sed "s|^|  $1: |"
    fail "$1"
  fi
}

# The C files of the tree below a folder, relative to GR_SOURCE.
c_files() { (cd "$GR_SOURCE" && find "$@" -name '*.[ch]' | LC_ALL=C sort); }

# A C file without comments and without the contents of strings; line numbers stay.
bare_code() {
  awk '
    { out = ""; n = length($0); i = 1
      while (i <= n) {
        two = substr($0, i, 2); one = substr($0, i, 1)
        if (comment) { if (two == "*/") { comment = 0; i += 2 } else i++; continue }
        if (quote != "") {
          if (one == "\\") { i += 2; continue }
          if (one == quote) { out = out one; quote = "" }
          i++; continue
        }
        if (two == "/*") { comment = 1; i += 2; continue }
        if (two == "//") break
        if (one == "\"" && out !~ /^#[ ]*include/) quote = one
        if (one == "\047") quote = one
        out = out one; i++
      }
      quote = ""
      print out
    }' "$1"
}
