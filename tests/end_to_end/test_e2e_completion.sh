#!/bin/sh
# The completion functions of bash and zsh, sourced by the real shells: commands, options, recipes, keys of --set and their values
# are offered, and an unknown command gets nothing. Each case states the whole answer or what must be in it.
set -eu
root=${HYPERNET_SOURCE_DIR:?}
program=${HYPERNET_BIN:?}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$program" "$folder/hypernet"
export HYPERNET_RECIPES="$root/recipes"
command -v bash >/dev/null || { echo "left out: no bash"; exit 77; }

# bash_offers WORD...: what bash would offer for the last word; '=' must be a word of its own, as readline splits it.
bash_offers() {
    PATH="$folder:$PATH" bash --norc -c '
        source "$1"; shift
        complete -p hypernet >/dev/null || exit 1
        COMP_WORDS=(hypernet "$@"); COMP_CWORD=$#
        _hypernet
        printf "%s\n" "${COMPREPLY[@]}"' bash "$root/tools/completion/hypernet.bash" "$@"
}

zsh_offers() {
    PATH="$folder:$PATH" zsh -f -c '
        file=$1; shift
        words=(hypernet "$@"); CURRENT=$(( $# + 1 ))
        compadd() { while [[ $1 != -- ]]; do shift; done; shift; (( $# )) && print -l -- "$@"; }
        _files() { print FILES; }
        source $file' zsh "$root/tools/completion/_hypernet" "$@"
}

failed=0
# same WHAT FOUND EXPECTED
same() {
    [ "$2" = "$3" ] || { printf '%s: offered\n%s\nand not\n%s\n' "$1" "$2" "$3"; failed=1; }
}
# holds WHAT FOUND LINE...: each line is among what was found.
holds() {
    what=$1 found=$2
    shift 2
    for line in "$@"; do
        printf '%s\n' "$found" | grep -qxF -e "$line" || { printf "%s: '%s' is missing in\n%s\n" "$what" "$line" "$found"; failed=1; }
    done
}

holds "commands" "$(bash_offers '')" $("$program" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p') --help --version
same "a command" "$(bash_offers tra)" train
same "no such command" "$(bash_offers nonsense x)" ""
same "an option" "$(bash_offers train --max-t)" --max-time
holds "options" "$(bash_offers eval --)" --split --file --threads --json --help
holds "recipes" "$(bash_offers train text-)" text-small text-medium
same "words of an option" "$(bash_offers eval --split '')" "$(printf 'valid\ntest\ntrain')"
same "a word of an option, with =" "$(bash_offers eval --split = va)" valid
same "a verb" "$(bash_offers data '')" show
same "a key" "$(bash_offers train text-small --set train.log)" train.log_every=
holds "words of a key" "$(bash_offers train text-small --set model.cell =)" lstm hyperlstm
same "a word of a key" "$(bash_offers train text-small --set model.cell = hyperl)" hyperlstm
same "true and false" "$(bash_offers train text-small --set model.layer_norm = '')" "$(printf 'true\nfalse')"
same "a file" "$(bash_offers eval --file /)" ""

if command -v zsh >/dev/null; then
    same "zsh: a command" "$(zsh_offers tra)" train
    same "zsh: a key" "$(zsh_offers train text-small --set train.log)" train.log_every=
    same "zsh: a word of a key" "$(zsh_offers train text-small --set model.cell=hyperl)" model.cell=hyperlstm
    same "zsh: a file" "$(zsh_offers eval --file /)" FILES
fi
exit $failed
