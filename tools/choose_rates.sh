#!/bin/sh
# Chooses the learning rate of each cell of the demonstration: trains recipe text-demo with rates 0.002, 0.004 and 0.008 and seeds 1, 2, 3,
# one thread each, two at a time, and prints the best validation of every run. A run that is finished is not repeated.
#
#     HYPERNET_BIN=build/release/hypernet tools/choose_rates.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cells.sh"
folder=${1:?usage: tools/choose_rates.sh FOLDER}
program=${HYPERNET_BIN:-$here/../build/release/hypernet}
mkdir -p "$folder"

for seed in 1 2 3; do
    for cell in $CELLS; do
        for rate in 0.002 0.004 0.008; do
            run=$folder/$cell-$rate-$seed
            [ -s "$run.json" ] && continue
            rm -rf "$run"
            echo "$program train text-demo --threads 1 --seed $seed --set train.rate=$rate $(cell_settings "$cell") -o $run --json >$run.tmp 2>$run.log && mv $run.tmp $run.json"
        done
    done
done | xargs -P 2 -d '\n' -n 1 sh -c

printf '%-14s %-7s %s\n' cell rate 'best validation of seeds 1, 2, 3, and mean'
for cell in $CELLS; do
    for rate in 0.002 0.004 0.008; do
        sed -n 's/.*"best_valid":\([0-9.]*\).*/\1/p' "$folder/$cell-$rate"-[123].json |
            awk -v c="$cell" -v r="$rate" '{ s += $1; t = t sprintf(" %.4f", $1) } END { printf "%-14s %-7s%s  %.4f\n", c, r, t, s / NR }'
    done
done
