#!/bin/sh
# Wrong command lines: exit status 2, one line that names the word and the nearest valid one.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

refuses 2 "a command is needed" "--help" --
refuses 2 "an unknown command names the nearest" "'trian'|'train'" -- trian data.h5
refuses 2 "a word like no command says where they are" "'xyzzy'|--help" -- xyzzy
refuses 2 "an option before the command" "'--epochs'" -- --epochs 3
refuses 2 "an unknown option names the nearest" "'--epohcs'|'--epochs'" -- train --epohcs 3 data.h5
refuses 2 "also with a value in the same word" "'--hiden'|'--hidden'" -- train --hiden=3 data.h5
refuses 2 "options are not abbreviated" "'--learning'|'--learning-rate'" -- train --learning 1 d.h5
refuses 2 "an option of another command" "'--overwrite'" -- eval --overwrite model data
refuses 2 "an unknown short option" "'-z'" -- train -z data.h5
refuses 2 "a value is missing at the end" "'--epochs'" -- train data.h5 --epochs
refuses 2 "a flag takes no value" "'--fresh'" -- train --fresh=1 data.h5
refuses 2 "an argument is missing" "MODEL DATA" -- eval model.h5
refuses 2 "an argument too many" "'c'" -- seal a c
refuses 2 "--set without =" "epochs" -- train --set epochs data.h5
refuses 2 "--set without a key" "=3" -- train --set =3 data.h5
refuses 2 "a time that is none" "--time-limit|'5x'" -- train --time-limit 5x data.h5
refuses 2 "a count that is none" "--train-rows|'-3'" -- generate spirals s.h5 --train-rows -3
refuses 2 "a count too large for 64 bits" "--seed" -- generate spirals s.h5 --seed 18446744073709551616
refuses 2 "a number that is none" "--noise|'0x1'" -- generate spirals s.h5 --noise 0x1
refuses 2 "threads that are none" "--threads|'0'" -- eval a b --threads 0
refuses 2 "an unknown kind of data" "'spiral'|'spirals'" -- generate spiral s.h5
refuses 2 "a kind without a file" "OUT.h5" -- generate spirals
refuses 2 "an import without --train" "--train" -- import out.h5
refuses 2 "layers that are none" "--layers|'784,x'" -- bench --layers 784,x
refuses 2 "no time to measure" "--seconds" -- bench --seconds -1
refuses 2 "a list that ends with a comma" "--threads" -- bench --threads 1,
refuses 2 "training without data" "DATA" -- train
check "nothing was made" test ! -e s.h5

refuses 78 "an unknown key" "training.epohcs|training.epochs" -- train --set training.epohcs=3 x.h5
refuses 78 "a bad value names the option" "--epochs|many" -- train --epochs many x.h5
check "and the key once" test "$(grep -o training.epochs err | wc -l)" -eq 1
refuses 78 "a bad choice names the nearest" "--activation|relu" -- train --activation rely x.h5
refuses 78 "an unknown preset names the nearest" "textbok|textbook" -- train --preset textbok x.h5

expect 0 "-- ends the options" generate -q spirals -- -s.h5
check "so a file name may start with a dash" test -f ./-s.h5
finish
