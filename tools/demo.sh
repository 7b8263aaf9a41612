#!/bin/sh
# The demonstration: trains a HyperLSTM and plain LSTMs on English text with one recipe but for the cell, equal steps; prints a table and
# a sample of each, and writes demo/report.html. Called by ./dev demo, which has built the program and made the text. DEMO_STEPS makes the
# runs longer (the last column of the README's table: 8000), DEMO_FOLDER puts them elsewhere, DEMO_CELLS names the cells of cells.sh to train.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cells.sh"
. "$here/demo_parts.sh"
program=${HYPERNET_BIN:?call ./dev demo}
folder=${DEMO_FOLDER:-$(dirname "$here")/demo}
steps=${DEMO_STEPS:-1400}

# The rate of each cell, chosen among 0.002, 0.004 and 0.008 by validation (tools/choose_rates.sh).
rate_of() {
    case $1 in
    lstm) echo 0.008 ;;
    lstm-ln) echo 0.008 ;;
    hyperlstm) echo 0.004 ;;
    hyperlstm-ln) echo 0.008 ;;
    lstm-280) echo 0.008 ;;
    esac
}

name_of() {
    case $1 in
    lstm) echo "LSTM" ;;
    lstm-ln) echo "LN-LSTM" ;;
    hyperlstm) echo "HyperLSTM" ;;
    hyperlstm-ln) echo "LN-HyperLSTM" ;;
    lstm-280) echo "LSTM-280" ;;
    esac
}

demo_cells=${DEMO_CELLS:-lstm lstm-ln hyperlstm hyperlstm-ln}

# start CELL: trains it in the background with one thread, its progress in CELL.log.
start() {
    rm -rf "${folder:?}/$1"
    # shellcheck disable=SC2046
    "$program" train text-small --threads 1 --set "train.rate=$(rate_of "$1")" --set "train.steps=$steps" --set train.validate_every=350 $(cell_settings "$1") \
        -o "$folder/$1" --json >"$folder/$1.json" 2>"$folder/$1.log" &
}

mkdir -p "$folder"
# shellcheck disable=SC2086 # a list of words
set -- $demo_cells
while [ $# -gt 0 ]; do
    pair=$1
    start "$1"
    running="$1 $!"
    if [ $# -gt 1 ]; then
        pair="$1 $2"
        start "$2"
        running="$running $2 $!"
        shift
    fi
    shift
    echo "== $(for cell in $pair; do name_of "$cell"; done | paste -s -d , | sed 's/,/ and /'): $steps updates each, one thread each"
    # shellcheck disable=SC2086
    follow $running
done

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

if [ -d "$folder/hyperlstm-ln" ]; then
    echo
    echo "== weight change of the LN-HyperLSTM under what it writes (rows: gates i, g, f, o)"
    "$program" sample "$folder/hyperlstm-ln" --prime 'And God said, ' --length 200 --temperature 0.7 --seed 1 --heat ansi
fi
# shellcheck disable=SC2046
"$program" report $(for cell in $demo_cells; do echo "$folder/$cell"; done) -o "$folder/report.html" \
    --title 'HyperLSTM and LSTM on the King James Bible'
echo "open ${DEMO_FOLDER:-demo}/report.html in a browser"
