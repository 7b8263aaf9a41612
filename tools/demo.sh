#!/bin/sh
# The demonstration: trains a HyperLSTM and plain LSTMs on English text with one recipe but for the cell, equal steps; prints a table and
# a sample of each, and writes demo/report.html. Called by ./dev demo, which has built the program and made the text.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cells.sh"
program=${HYPERNET_BIN:?call ./dev demo}
folder=${DEMO_FOLDER:-$here/../demo}
steps=${DEMO_STEPS:-1400}

# The rate of each cell, chosen among 0.002, 0.004 and 0.008 by validation (tools/choose_rates.sh).
rate_of() {
    case $1 in
    lstm) echo 0.008 ;;
    lstm-ln) echo 0.008 ;;
    hyperlstm) echo 0.004 ;;
    hyperlstm-ln) echo 0.008 ;;
    esac
}

name_of() {
    case $1 in
    lstm) echo "LSTM" ;;
    lstm-ln) echo "LN-LSTM" ;;
    hyperlstm) echo "HyperLSTM" ;;
    hyperlstm-ln) echo "LN-HyperLSTM" ;;
    esac
}

demo_cells="lstm lstm-ln hyperlstm hyperlstm-ln"
mkdir -p "$folder"
for cell in $demo_cells; do
    rm -rf "$folder/$cell"
    echo "== $(name_of "$cell"): $steps updates"
    # shellcheck disable=SC2046
    "$program" train text-demo --set "train.rate=$(rate_of "$cell")" --set "train.steps=$steps" $(cell_settings "$cell") \
        -o "$folder/$cell" --json >"$folder/$cell.json"
done

figure() { sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$1" | head -n 1; }
echo
printf '%-14s %12s %12s %14s\n' cell 'valid. BPC' parameters 'characters/s'
for cell in $demo_cells; do
    printf '%-14s %12.4f %12d %14.0f\n' "$(name_of "$cell")" "$(figure "$folder/$cell.json" best_valid)" \
        "$(figure "$folder/$cell.json" parameters)" "$(figure "$folder/$cell/run.json" characters_per_second)"
done

for cell in $demo_cells; do
    echo
    echo "== a sample of $(name_of "$cell")"
    "$program" sample "$folder/$cell" --prime 'And God said, ' --length 300 --temperature 0.7 --seed 1
done

echo
echo "== weight change of the LN-HyperLSTM under what it writes (rows: gates i, g, f, o)"
"$program" sample "$folder/hyperlstm-ln" --prime 'And God said, ' --length 200 --temperature 0.7 --seed 1 --heat ansi
# shellcheck disable=SC2046
"$program" report $(for cell in $demo_cells; do echo "$folder/$cell"; done) -o "$folder/report.html" \
    --title 'HyperLSTM and LSTM on the King James Bible'
echo "open demo/report.html in a browser"
