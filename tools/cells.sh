# The cells that the demonstration compares, and how its scripts run many trainings: sourced by demo.sh and choose_rates.sh.

# cell_settings NAME: the --set options that make the recipe that cell, with the paper's start. lstm-280 has as many numbers as the HyperLSTM.
CELLS="lstm lstm-ln hyperlstm hyperlstm-ln lstm-280"
cell_settings() {
    case $1 in
    lstm) echo "--set model.cell=lstm --set model.layer_norm=false" ;;
    lstm-ln) echo "--set model.cell=lstm --set model.layer_norm=true" ;;
    hyperlstm) echo "--set model.cell=hyperlstm --set model.layer_norm=false --set model.scale_start=paper" ;;
    hyperlstm-ln) echo "--set model.cell=hyperlstm --set model.layer_norm=true --set model.scale_start=paper" ;;
    lstm-280) echo "--set model.cell=lstm --set model.layer_norm=false --set model.units=280" ;;
    *) echo "unknown cell $1" >&2; return 2 ;;
    esac
}

# plan_run NAME RECIPE OPTIONS...: prints the command that trains $folder/NAME with one thread and leaves its result in NAME.json, or
# nothing if that is there; a run that was interrupted goes on. No word may hold a space.
plan_run() {
    run=$folder/$1
    shift
    [ ! -s "$run.json" ] || return 0
    begin="$* -o $run"
    [ ! -s "$run/last.safetensors" ] || begin="--resume $run"
    echo "$program train $begin --threads 1 --json >$run.tmp 2>>$run.log && mv $run.tmp $run.json"
}
# Runs the commands of its input, two at a time.
run_all() { xargs -r -P 2 -d '\n' -n 1 sh -c; }
# best_of NAME: its best validation.
best_of() { sed -n 's/.*"best_valid": *\([0-9.]*\).*/\1/p' "$folder/$1.json" | head -n 1; }
