#!/bin/sh
# 'cmake --install' into an empty folder gives a library, headers, a program and recipes that work there: the examples are built
# against it and run without arguments, which must end well (0) or with a word on usage (2). Each is shorter than 80 lines.
set -eu
root=${HYPERNET_SOURCE_DIR:?}
build=${HYPERNET_BUILD_DIR:?}
case ${HYPERNET_SANITIZE:-} in ?*) echo "left out: a library with sanitizers is not for installing"; exit 77 ;; esac
[ -n "${HYPERNET_LIBRARY:-}" ] || { echo "left out: no library yet"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix

cmake --install "$build" --prefix "$prefix" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
for header in "$root"/include/hypernet/*.h; do
    [ -f "$prefix/include/hypernet/${header##*/}" ] || { echo "not installed: hypernet/${header##*/}"; exit 1; }
done
if [ -n "${HYPERNET_BIN:-}" ]; then
    (cd / && "$prefix/bin/hypernet" --version)
    for recipe in "$root"/recipes/*.yaml; do
        [ -e "$recipe" ] || continue
        name=$(basename "$recipe" .yaml)
        (cd / && "$prefix/bin/hypernet" recipes) | grep -q -- "$name" || { echo "the installed program does not list $name"; exit 1; }
    done
fi

cat >"$folder/log" </dev/null
cmake -S "$root/examples" -B "$folder/examples" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="${HYPERNET_COMPILER:-cc}" \
    -DCMAKE_C_FLAGS="-O1 -Wall -Wextra -Werror" >"$folder/log" 2>&1 &&
    cmake --build "$folder/examples" >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

failed=0
for source in "$root"/examples/*.c; do
    [ -e "$source" ] || continue
    name=$(basename "$source" .c)
    [ "$(wc -l <"$source")" -lt 80 ] || { echo "examples/$name.c has 80 lines or more"; failed=1; }
    code=0
    (cd "$folder" && timeout 120 "examples/$name" >"$folder/log" 2>&1) || code=$?
    case $code in 0 | 2) ;; *) echo "examples/$name ended with $code:"; cat "$folder/log"; failed=1 ;; esac
done
exit $failed
