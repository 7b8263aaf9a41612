#!/bin/sh
# Chooses the learning rate of each cell of the demonstration, then repeats it with other seeds. Trains recipe text-demo with rates 0.002,
# 0.004 and 0.008 and seed 1, takes each cell's rate with the lowest best validation, and trains it with seeds 2 and 3 as well; one thread
# each, two runs at a time. Prints the best validation of every run. A run that is finished is not repeated.
#
#     HYPERNET_BIN=build/gcc/hypernet tools/choose_rates.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cells.sh"
folder=${1:?usage: tools/choose_rates.sh FOLDER}
program=${HYPERNET_BIN:-$here/../build/gcc/hypernet}
rates="0.002 0.004 0.008"
mkdir -p "$folder"

# plan CELL RATE SEED: the command of that run, unless it is finished.
plan() {
    run=$folder/$1-$2-$3
    [ -s "$run.json" ] && return
    rm -rf "$run"
    echo "$program train text-demo --threads 1 --seed $3 --set train.rate=$2 $(cell_settings "$1") -o $run --json >$run.tmp 2>$run.log && mv $run.tmp $run.json"
}
run_all() { xargs -r -P 2 -d '\n' -n 1 sh -c; }
figure() { sed -n 's/.*"best_valid":\([0-9.]*\).*/\1/p' "$folder/$1-$2-$3.json"; }
best_rate() { for rate in $rates; do echo "$(figure "$1" "$rate" 1) $rate"; done | sort -n | head -n 1 | cut -d ' ' -f 2; }

for cell in $CELLS; do for rate in $rates; do plan "$cell" "$rate" 1; done; done | run_all
for seed in 2 3; do for cell in $CELLS; do plan "$cell" "$(best_rate "$cell")" "$seed"; done; done | run_all

echo "best validation, bits per character"
printf '%-14s %8s %8s %8s   %-6s %8s %8s %8s %8s\n' cell 0.002 0.004 0.008 chosen 'seed 1' 'seed 2' 'seed 3' mean
for cell in $CELLS; do
    rate=$(best_rate "$cell")
    echo "$cell $(figure "$cell" 0.002 1) $(figure "$cell" 0.004 1) $(figure "$cell" 0.008 1) $rate" \
        "$(figure "$cell" "$rate" 1) $(figure "$cell" "$rate" 2) $(figure "$cell" "$rate" 3)"
done | awk '{ printf "%-14s %8.4f %8.4f %8.4f   %-6s %8.4f %8.4f %8.4f %8.4f\n", $1, $2, $3, $4, $5, $6, $7, $8, ($6 + $7 + $8) / 3 }'
