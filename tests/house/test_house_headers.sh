#!/bin/sh
# Every public header compiles alone, as C17 and as C++17, without a warning.
set -eu
root=${HYPERNET_SOURCE_DIR:?}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

c_compiler=${HYPERNET_COMPILER:-cc}
case $c_compiler in
*clang*) cxx_compiler=$(dirname "$c_compiler")/clang++ ;;
*) cxx_compiler=g++ ;;
esac
command -v "$cxx_compiler" >/dev/null || { echo "no C++ compiler ($cxx_compiler): run ./dev setup"; exit 1; }

# compiles_alone FOLDER HEADER: prints the compiler's complaints and fails if there are any.
compiles_alone() {
    printf '#include "%s"\nint x;\n' "$2" | "$c_compiler" -std=c17 -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror \
        -fsyntax-only -I "$1" -x c - &&
        printf '#include "%s"\nint x;\n' "$2" | "$cxx_compiler" -std=c++17 -Wall -Wextra -Wpedantic -Werror \
            -fsyntax-only -I "$1" -x c++ -
}

# The check itself must be able to fail: a header that leans on another one, and one that is no C++.
echo 'size_t hn_size(void);' >"$folder/leans.h"
echo 'int hn_class(int class);' >"$folder/no_cxx.h"
for bad in leans.h no_cxx.h; do
    if compiles_alone "$folder" "$bad" 2>/dev/null; then
        echo "the check let $bad pass"
        exit 1
    fi
done

failed=0
for header in "$root"/include/hypernet/*.h; do
    [ -e "$header" ] || continue
    compiles_alone "$root/include" "hypernet/${header##*/}" || { echo "hypernet/${header##*/} does not compile alone"; failed=1; }
done
exit $failed
