# The cells that the demonstration compares: sourced by demo.sh and choose_rates.sh.
# cell_settings NAME: the --set options that make the recipe that cell. lstm-280 has as many numbers as the HyperLSTM.
CELLS="lstm lstm-ln hyperlstm hyperlstm-ln lstm-280"
cell_settings() {
    case $1 in
    lstm) echo "--set model.cell=lstm --set model.layer_norm=false" ;;
    lstm-ln) echo "--set model.cell=lstm --set model.layer_norm=true" ;;
    hyperlstm) echo "--set model.cell=hyperlstm --set model.layer_norm=false" ;;
    hyperlstm-ln) echo "--set model.cell=hyperlstm --set model.layer_norm=true" ;;
    lstm-280) echo "--set model.cell=lstm --set model.layer_norm=false --set model.units=280" ;;
    *) echo "unknown cell $1" >&2; return 2 ;;
    esac
}
