#!/bin/sh
# Defaults < preset < configuration file < command line, in whatever order they are typed; nothing
# is written by a dry run.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

"$gradus" generate spirals data.h5 -q >out 2>err || fail "spirals are generated"
cat >config.yaml <<'YAML'
data: {file: data.h5}
training: {batch_size: 17, epochs: 5}
YAML

# recipe SENTENCE ARGS...: the resolved recipe of a dry run, flat in `recipe`.
recipe() {
  sentence=$1
  shift
  expect 0 "$sentence" train --dry-run -q "$@"
  cp out recipe
}
has() { check "$sentence: $1" grep -Eq "^ *$1\$" recipe; }

recipe "defaults" data.h5
has "batch_size: 128"
default_epochs=$(sed -n 's/^ *epochs: //p' recipe)
recipe "a preset wins over the defaults" --preset textbook data.h5
has "batch_size: 10"
has "loss: quadratic"
recipe "a file wins over the preset" --preset textbook --config config.yaml
has "batch_size: 17"
has "loss: quadratic"
recipe "and before it on the line as well" --config config.yaml --preset textbook
has "batch_size: 17"
has "epochs: 5"
recipe "the command line wins over the file" --batch-size 23 --config config.yaml
has "batch_size: 23"
has "epochs: 5"
recipe "with --set too" --set training.batch_size=24 --preset textbook --config config.yaml
has "batch_size: 24"
recipe "the last one wins on the command line" --batch-size=3 --set training.batch_size=25 data.h5
has "batch_size: 25"
recipe "an option after --set" --set training.batch_size=25 --batch-size=3 data.h5
has "batch_size: 3"
check "defaults are told apart from the file" test "$default_epochs" != 5

refuses 78 "an error in the file names its place" "config2.yaml:1:|epochs" -- \
  train --config "$(echo 'training: {epohcs: 3}' >config2.yaml; echo config2.yaml)" data.h5
refuses 66 "a missing file" "absent.yaml" -- train --config absent.yaml data.h5

expect 0 "a dry run prints JSON" train --dry-run -q --json data.h5
check "with plan and recipe" grep -q '"status": "planned".*"plan": .*"recipe": ' out
check "nothing was written" test ! -e runs
finish
