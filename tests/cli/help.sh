#!/bin/sh
# --help and --version everywhere, from the same tables as the parser; every key with its default.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

expect 0 "the program has a help" --help
check "it goes to standard output" test ! -s err
cp out program.txt
expect 0 "and a version" --version
check "the version reads gradus N.N.N" grep -Eqx 'gradus [0-9]+\.[0-9]+\.[0-9]+' out

"$gradus" --list-options >list || fail "the list of options"
for command in train eval predict import generate inspect seal stop bench doctor; do
  check "the help names $command" grep -q "^  $command " program.txt
  expect 0 "$command has a help" "$command" --help
  cp out help.txt
  expect 0 "gradus help $command is the same" help "$command"
  check "word for word" cmp -s out help.txt
  expect 0 "help wins over what is wrong later" "$command" --help --nonsense
  expect 0 "$command has a version" "$command" --version
  for option in $(sed -n "s/^$command \(--\)/\1/p" list); do
    check "help of $command shows $option" grep -Eq -e "^ +(-., )?$option([ []|\$)" help.txt
  done
  check "help of $command fits 80 columns" test -z "$(grep -E '.{81}' help.txt)"
done

"$gradus" train --help >help.txt
tr -s ' \n' '  ' <help.txt >flat.txt
for default in "--hidden" "--epochs" "--batch-size" "--learning-rate" "--seed" "--activation"; do
  check "train --help shows the default of $default" \
    grep -Eq -e "$default [A-Z,.]+ [^[]*\[default: [^]]+\]" flat.txt
done
check "train --help lists the choices of activation" grep -q 'sigmoid, tanh, relu' flat.txt
check "train --help lists the presets" grep -q 'textbook ' flat.txt

expect 0 "generate lists its kinds" generate
for kind in digits spirals friedman1; do
  check "$kind is among them" grep -q "^$kind " out
done
finish
