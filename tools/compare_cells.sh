#!/bin/sh
# The comparisons of docs/results.md: every recurrent cell of the paper with one recipe, and for the HyperLSTMs the paper's start of the
# embeddings against `jitter` and scaling vectors that start at 0.1 against 1. One thread a run, two runs at a time; a run that is finished
# is not repeated, one that was interrupted goes on. Prints the best validation of every run.
#
#     HYPERNET_BIN=build/gcc/hypernet tools/compare_cells.sh kjv FOLDER                 recipe text-small, 1,400 updates, King James Bible, seeds 1 2 3
#     HYPERNET_BIN=build/gcc/hypernet tools/compare_cells.sh ptb FOLDER [NAME SEED]...  recipe ptb-256, Penn Treebank, the cells with the paper's start, seed 1, and these
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cells.sh"
usage="usage: tools/compare_cells.sh kjv|ptb FOLDER [NAME SEED]..."
data=${1:?$usage}
folder=${2:?$usage}
shift 2
program=${HYPERNET_BIN:-$here/../build/gcc/hypernet}
mkdir -p "$folder"

COMPARED="rnn hyperrnn hyperrnn-full lstm lstm-ln hyperlstm hyperlstm-ln hyperlstm-jitter hyperlstm-one hyperlstm-jitter-one
    hyperlstm-ln-jitter hyperlstm-ln-one hyperlstm-ln-jitter-one"

# The settings of a name: a cell, what is different about its start, and the rate that was best for that cell with the paper's start.
settings_of() {
    case $1 in
    *-one) echo "$(settings_of "${1%-one}") --set model.scale_start=one" ;;
    *-jitter) echo "$(settings_of "${1%-jitter}") --set model.embedding_init=jitter" ;;
    rnn) echo "--set model.cell=rnn --set model.layer_norm=false --set train.rate=0.016" ;;
    hyperrnn) echo "--set model.cell=hyperrnn --set model.layer_norm=false --set train.rate=0.002" ;;
    hyperrnn-full) echo "--set model.cell=hyperrnn_full --set model.layer_norm=false --set train.rate=0.001" ;;
    hyperlstm) echo "$(cell_settings "$1") --set train.rate=0.004" ;;
    *) echo "$(cell_settings "$1") --set train.rate=0.008" ;;
    esac
}

plan() { # shellcheck disable=SC2046,SC2086
    plan_run "$1-$2" $recipe --seed "$2" $(settings_of "$1")
}

case $data in
kjv)
    recipe="text-small --set train.steps=1400 --set train.validate_every=350"
    for seed in 1 2 3; do for name in $COMPARED; do plan "$name" "$seed"; done; done | run_all
    ;;
ptb)
    recipe=ptb-256
    COMPARED="rnn hyperrnn hyperrnn-full lstm lstm-ln hyperlstm hyperlstm-ln"
    {
        for name in $COMPARED; do plan "$name" 1; done
        while [ $# -gt 1 ]; do
            plan "$1" "$2"
            shift 2
        done
    } | run_all
    ;;
*) echo "$usage" >&2; exit 2 ;;
esac

printf '%-24s %8s %8s %8s\n' 'best validation' 'seed 1' 'seed 2' 'seed 3'
for name in $COMPARED; do
    printf '%-24s %8s %8s %8s\n' "$name" "$(best_of "$name-1")" "$(best_of "$name-2" 2>/dev/null)" "$(best_of "$name-3" 2>/dev/null)"
done
