#!/bin/sh
# The demonstration on images: trains one convolutional network twice on Fashion-MNIST, its second kernel stored, and generated from a few
# numbers; side by side, with one thread each. Prints both errors on the test images, and draws demo/kernels.svg and demo/images.html.
# Called by ./dev demo images, which has built the program; ./dev setup has brought the images. DEMO_EPOCHS makes the runs longer,
# DEMO_FOLDER puts them elsewhere.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/demo_parts.sh"
program=${HYPERNET_BIN:?call ./dev demo images}
folder=${DEMO_FOLDER:-$(dirname "$here")/demo}
epochs=${DEMO_EPOCHS:-2}

name_of() {
    case $1 in
    fashion-conv) echo "stored" ;;
    fashion-hyper) echo "generated" ;;
    esac
}

# start RUN: the short recipe of its name with smaller batches, for fewer passes, and with an average over fewer updates.
start() {
    rm -rf "${folder:?}/$1"
    "$program" train "$1-short" --threads 1 --set "train.epochs=$epochs" --set data.batch=100 --set train.average_decay=0.98 \
        --set train.validate_every=110 --set train.log_every=11 -o "$folder/$1" --json >"$folder/$1.json" 2>"$folder/$1.log" &
}

mkdir -p "$folder"
echo "== one network with its second kernel stored, and generated: $epochs passes over 55,000 images, one thread each"
start fashion-conv
running="fashion-conv $!"
start fashion-hyper
# shellcheck disable=SC2086 # pairs of words
follow $running fashion-hyper $!

"$program" report "$folder/fashion-conv" "$folder/fashion-hyper" --test -o "$folder/images.html" \
    --title 'Fashion-MNIST: a kernel stored, and generated' >"$folder/images.log"
echo
printf '%-14s %14s %14s %12s\n' 'second kernel' 'valid. error' 'test error' parameters
for run in fashion-conv fashion-hyper; do
    "$program" eval "$folder/$run" --split test --json >"$folder/$run.test.json"
    printf '%-14s %12.2f %% %12.2f %% %12d\n' "$(name_of "$run")" "$(figure "$folder/$run.json" best_valid)" \
        "$(figure "$folder/$run.test.json" value)" "$(figure "$folder/$run.json" parameters)"
done
"$program" plot "$folder/fashion-conv" "$folder/fashion-hyper" kernels -o "$folder/kernels.svg" >"$folder/kernels.log"
echo
echo "the second kernel of both, 256 filters of 7 x 7: ${DEMO_FOLDER:-demo}/kernels.svg"
echo "open ${DEMO_FOLDER:-demo}/images.html in a browser"
