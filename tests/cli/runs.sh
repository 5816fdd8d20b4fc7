#!/bin/sh
# One run directory: in use, of another recipe, of other data, fresh, resumed from a file.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"
. "$source_dir/tests/cli/workload.sh"

prepare 400
begin run
check "training has begun" await is_training
# shellcheck disable=SC2086
refuses 73 "a run directory in use" "run|use" -- train data.h5 $workload --run run -q
kill -s TERM $child
leave
if [ "$code" -eq 75 ]; then pass; else fail "the first goes on undisturbed: exit $code"; fi

before=$(digest run)
# shellcheck disable=SC2086
refuses 78 "another recipe: each key, old and new" "training.seed|optimizer.name|->" -- \
  train data.h5 $workload --run run --seed 99 --optimizer sgd -q
"$gradus" generate spirals other.h5 -q --train-rows 4000 --valid-rows 500 --test-rows 500 --seed 5 \
  >out 2>err || fail "other spirals"
# shellcheck disable=SC2086
refuses 65 "other data" "other.h5" -- train other.h5 $workload --run run -q
# shellcheck disable=SC2086
refuses 65 "other data: what differs" "train/x differs first in rows|--allow-data-change" -- \
  train other.h5 $workload --run run -q
# shellcheck disable=SC2086
refuses 73 "--fresh refuses a run" "run" -- train data.h5 $workload --run run --fresh -q
same "nothing was touched" "$before" "$(digest run)"

short="--hidden 6 --epochs 2"
# shellcheck disable=SC2086
expect 0 "a run whose data will change" train data.h5 --hidden 6 --epochs 1 --run changed -q
refuses 2 "a change without a directory" "--run" -- train other.h5 --hidden 6 --allow-data-change -q
expect 0 "is gone on with where that is allowed" \
  train other.h5 --hidden 6 --epochs 2 --run changed --allow-data-change -q
expect 0 "which inspect shows" inspect changed
check "with both digests" grep -q 'data_change.*from.*to.*train/x differs' out
check "as metrics.jsonl does" grep -q '"event":"data_change","epoch":2' changed/metrics.jsonl
expect 0 "and is asked for once" train other.h5 --hidden 6 --epochs 3 --run changed -q

# shellcheck disable=SC2086
expect 0 "a short run" train data.h5 $short --run short -q
# shellcheck disable=SC2086
expect 0 "more epochs are no other recipe" train data.h5 --hidden 6 --epochs 4 --run short -q
expect 0 "four in one go" train data.h5 --hidden 6 --epochs 4 --run four -q
same "are two and two" "$(digest four)" "$(digest short)"

# shellcheck disable=SC2086
expect 75 "a run that is stopped" train data.h5 $workload --epochs 4 --run one --time-limit 1ms -q
checkpoint=$(find one/checkpoints -name 'step-*.h5' | sort | tail -1)
# shellcheck disable=SC2086
expect 0 "--resume starts from its checkpoint" \
  train data.h5 $workload --epochs 4 --run two --resume "$checkpoint" -q
# shellcheck disable=SC2086
expect 0 "the first goes on by itself" train data.h5 $workload --epochs 4 --run one -q
same "to the same bits" "$(digest one)" "$(digest two)"
refuses 66 "--resume from a missing file" "absent.h5" -- \
  train data.h5 --run three --resume absent.h5 -q

echo "not a directory" >file
refuses 73 "a run directory that is a file" "file" -- train data.h5 $short --run file -q
refuses 73 "one below a file" "file" -- train data.h5 $short --run file/run -q
same "which stays" "not a directory" "$(cat file)"
mkdir sealed && chmod a-w sealed
if touch sealed/probe 2>/dev/null; then
  skip "this user may write anywhere: no unwritable directory"
else
  refuses 73 "an unwritable directory" "sealed/run" -- train data.h5 $short --run sealed/run -q
fi
finish
