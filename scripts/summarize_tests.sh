#!/bin/sh
# summarize_tests.sh BUILD-DIRECTORY [STAMP]: adds up what the test programs of `make check` reported (those newer than the file
# STAMP). Programs end with CUnit's summary, scripts with "N passed, N failed". The last line is the sum, in the same words.
build=${1:?usage: summarize_tests.sh BUILD-DIRECTORY [STAMP]}
stamp=${2:-}

# "passed failed" of one log: CUnit's row "tests total ran passed failed inactive", and the last line of a script.
count() {
  awk '/^ *tests +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ /  { passed += $4; failed += $5 }
       /^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3 }
       END { print passed + 0, failed + 0 }' "$1"
}

passed=0 failed=0 programs=0
echo
for result_file in $(find "$build" -name '*.trs' ${stamp:+-newer "$stamp"} | LC_ALL=C sort); do
  log=${result_file%.trs}.log
  result=$(sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' "$result_file" | head -n 1)
  # shellcheck disable=SC2046
  set -- $(count "$log")
  # A program that died before its summary is one failure more than it counted itself.
  case $result in
    PASS | XFAIL | SKIP) broken=0 ;;
    *) broken=$(($2 == 0)) ;;
  esac
  printf '  %-5s %5d passed %4d failed   %s\n' "$result" "$1" "$(($2 + broken))" "$log"
  [ "$result" = PASS ] || [ "$result" = SKIP ] || grep -E '^[ ]*[0-9]+\. .* - |^FAIL|Sanitizer' "$log" | head -n 20
  passed=$((passed + $1)) failed=$((failed + $2 + broken)) programs=$((programs + 1))
done
[ $programs -gt 0 ] || { echo "  no test ran: see the output of make check"; failed=1; }
echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
