#!/bin/sh
# README's session, run as it stands there: each command must succeed, and each line shown must come out exactly, but
# for those with a rate or a time. What the lines say (losses, accuracies, digests) is the same on every machine.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"
PATH=$build:$PATH
export PATH
sed -n '/^<!-- session -->$/,/^<!-- end of session -->$/p' "$source_dir/README.md" | grep -v '^```' | grep -v '^<!--' >session
check "README has a session of at least five commands" test "$(grep -c '^\$ ' session)" -ge 5

: >shown
command=
# Runs the command gathered last and looks for the lines shown below it.
run_command() {
  test -n "$command" || return 0
  if sh -c "$command" >real 2>&1 </dev/null; then pass; else fail "README: $command: $(tail -n 1 real)"; fi
  while IFS= read -r wanted_line; do
    if grep -qxF -e "$wanted_line" real; then pass; else fail "README, '$command' does not print: $wanted_line"; fi
  done <shown
  : >shown
}
while IFS= read -r line; do
  case $line in
    '$ '*) run_command; command=${line#??} ;;
    ... | *samples/s*) ;;
    *) printf '%s\n' "$line" >>shown ;;
  esac
done <session
run_command
finish
