#!/bin/sh
# gradus(1) knows every command and every option, and no option that does not exist. Options that are
# keys of gradus-config(5) are in the section on train; other commands that take them say so.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

sed 's/\\-/-/g' "$source_dir/man/gradus.1" >page
"$gradus" --list-options >list || fail "the list of options"
check "the list is not empty" test -s list
for command in $(grep -v ' ' list); do
  check "a section about $command" grep -q "^\.SS gradus $command" page
  sed -n "/^\.SS gradus $command/,/^\.S[SH] /p" page | sed '1!{/^\.SS gradus/d;/^\.SH/d;}' >section
  for option in $(sed -n "s/^$command \(-\)/\1/p" list); do
    if grep -q 'gradus-config' section && [ "$command" != train ] && grep -qx -e "train $option" list; then
      pass
      continue
    fi
    check "$command $option is in its section" \
      grep -Eq -e "(^|[^-a-z0-9])$option([^-a-z0-9]|\$)" section
  done
done

known='--help|--version|--name'
for option in $(grep -o -e '--[a-z][-a-z0-9]*' page | sort -u); do
  if echo "$option" | grep -Eqx -e "$known" || grep -q -e " $option\$" list; then pass
  else fail "the page speaks of $option, which does not exist"; fi
done

for status in 0 1 2 65 66 70 71 73 74 75 78; do
  check "exit status $status is explained" grep -qx "\.B $status" page
done
if command -v groff >/dev/null; then
  groff -man -Tutf8 -ww -z "$source_dir/man/gradus.1" 2>err
  check "the page is formatted without a warning" test ! -s err
else
  skip "no groff to format the page"
fi
finish
