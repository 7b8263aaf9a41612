#!/bin/sh
# Chooses the learning rate of each cell of the demonstration: trains recipe text-small for 1,400 updates with rates 0.002, 0.004 and 0.008
# and seeds 1, 2 and 3 each, one thread a run, two runs at a time, and prints the best validation of every run. The lowest mean of a cell
# is marked.
# A run that is finished is not repeated.
#
#     HYPERNET_BIN=build/gcc/hypernet tools/choose_rates.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cells.sh"
folder=${1:?usage: tools/choose_rates.sh FOLDER}
program=${HYPERNET_BIN:-$here/../build/gcc/hypernet}
rates="0.002 0.004 0.008"
mkdir -p "$folder"

for seed in 1 2 3; do for cell in $CELLS; do for rate in $rates; do
    # shellcheck disable=SC2046
    plan_run "$cell-$rate-$seed" text-small --seed "$seed" --set train.steps=1400 --set train.validate_every=350 --set "train.rate=$rate" $(cell_settings "$cell")
done; done; done | run_all

echo "best validation, bits per character"
printf '%-14s %6s %8s %8s %8s %8s\n' cell rate 'seed 1' 'seed 2' 'seed 3' mean
for cell in $CELLS; do
    for rate in $rates; do
        echo "$cell $rate $(best_of "$cell-$rate-1") $(best_of "$cell-$rate-2") $(best_of "$cell-$rate-3")"
    done | awk '{ mean = ($3 + $4 + $5) / 3
                  line[NR] = sprintf("%-14s %6s %8.4f %8.4f %8.4f %8.4f", $1, $2, $3, $4, $5, mean)
                  if (NR == 1 || mean < lowest) { lowest = mean; best = NR } }
                END { for (i = 1; i <= NR; i++) print line[i] (i == best ? "  lowest" : "") }'
done
