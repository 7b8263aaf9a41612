#!/bin/sh
# 'cmake --install' into an empty folder gives all that an embedder needs: the examples and a program in C++ are built against it
# with every compiler here, through pkg-config (shared and static) and through CMake, and run. Examples run without arguments must
# end well (0) or with a word on usage (2); each is shorter than 80 lines. Every check is also shown a tree that it must refuse.
set -eu
root=${HYPERNET_SOURCE_DIR:?}
build=${HYPERNET_BUILD_DIR:?}
case ${HYPERNET_SANITIZE:-} in ?*) echo "left out: a library with sanitizers is not for installing"; exit 77 ;; esac
[ -n "${HYPERNET_LIBRARY:-}" ] || { echo "left out: no library yet"; exit 77; }
command -v pkg-config >/dev/null || { echo "pkg-config is missing: run ./dev setup"; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log
good=$folder/good

cmake --install "$build" --prefix "$good" >"$log" 2>&1 || { cat "$log"; exit 1; }
libdir=$(cd "$good" && dirname "$(find . -name libhypernet.a)")
compilers=gcc
! command -v clang >/dev/null || compilers="gcc clang"

# ---- the checks: each takes the folder of an installed tree, and prints why it fails ------------------------------------

wanted() { [ -s "$1" ] || { echo "not installed: ${1#"$folder"/}"; return 1; }; }

check_files() {
    for header in "$root"/include/hypernet/*.h; do
        wanted "$1/include/hypernet/${header##*/}" || return 1
    done
    for name in pkgconfig/hypernet.pc cmake/hypernet/hypernet-config.cmake cmake/hypernet/hypernet-config-version.cmake; do
        wanted "$1/$libdir/$name" || return 1
    done
    for name in LICENSE NOTICE CHANGELOG.md examples/train_string.c; do
        wanted "$1/share/doc/hypernet/$name" || return 1
    done
    for file in "$root"/docs/*.md "$root"/docs/*.png "$root"/docs/diagrams/*.svg; do
        wanted "$1/share/doc/hypernet/${file#"$root"/docs/}" || return 1
    done
}

check_soname() {
    library=$1/$libdir/libhypernet.so
    version=$(PKG_CONFIG_PATH=$1/$libdir/pkgconfig pkg-config --modversion hypernet)
    [ "$(readlink "$library")" = "libhypernet.so.${version%%.*}" ] || { echo "libhypernet.so is no link to its soname"; return 1; }
    [ "$(readlink "$library.${version%%.*}")" = "libhypernet.so.$version" ] || { echo "the soname leads nowhere"; return 1; }
    objdump -p "$library" | grep -q "SONAME *libhypernet.so.${version%%.*}\$" || { echo "wrong soname"; return 1; }
}

# What a program can see of the libraries: hn_ in the shared one; hn_, and hidden hni_, in the static one.
check_symbols() {
    wrong=$(nm --defined-only -g "$1/$libdir/libhypernet.a" | awk 'NF == 3 { print $3 }' | grep -v '^hni\{0,1\}_' || true)
    [ -z "$wrong" ] || { echo "libhypernet.a defines $wrong"; return 1; }
    [ -e "$1/$libdir/libhypernet.so" ] || return 0
    names=$(nm -D --defined-only "$1/$libdir/libhypernet.so" | awk '{ print $3 }')
    wrong=$(printf '%s\n' "$names" | grep -v '^hn_' || true)
    [ -z "$wrong" ] || { echo "libhypernet.so exports $wrong"; return 1; }
    for name in $(sed -n 's/^HN_API .*\b\(hn_[a-z0-9_]*\)(.*/\1/p' "$root"/include/hypernet/*.h); do
        printf '%s\n' "$names" | grep -qx "$name" || { echo "libhypernet.so lacks $name"; return 1; }
    done
}

# One core, so one thread: threads that wait for each other cost more than they bring to networks as small as the examples'.
alone=""
! command -v taskset >/dev/null || alone="taskset -c $(taskset -cp $$ | sed -e 's/.*: //' -e 's/[-,].*//')"

# run_example FILE SOURCE: 0 and 2 are good ends.
run_example() {
    code=0
    (cd "$folder" && $alone timeout 120 "$1" >"$log" 2>&1) || code=$?
    case $code in 0 | 2) return 0 ;; *) cat "$log"; echo "$2 ended with $code"; return 1 ;; esac
}

# The flags of hypernet.pc for this tree alone.
flags() {
    tree=$1
    shift
    PKG_CONFIG_PATH=$tree/$libdir/pkgconfig pkg-config "$@" hypernet
}

# shellcheck disable=SC2046 # flags are words
build_example() { # TREE COMPILER SOURCE, then the options of pkg-config
    tree=$1 compiler=$2 source=$3
    shift 3
    case $compiler in *++) standard=c++17 ;; *) standard=c17 ;; esac
    "$compiler" -std=$standard -O1 -Wall -Wextra -Werror "$source" -o "$folder/example" $(flags "$tree" --cflags --libs "$@") -lm \
        >"$log" 2>&1 || { cat "$log"; echo "$compiler cannot build ${source##*/}, pkg-config $*"; return 1; }
}

check_shared() { # TREE COMPILER SOURCE...
    tree=$1 with=$2
    shift 2
    for source in "$@"; do
        build_example "$tree" "$with" "$source" || return 1
        LD_LIBRARY_PATH=$tree/$libdir run_example ./example "${source##*/}" || return 1
    done
}

# In a tree without the shared library -lhypernet can only be the static one.
check_static() { # TREE COMPILER SOURCE...
    tree=$1 with=$2
    shift 2
    for source in "$@"; do
        build_example "$tree" "$with" "$source" --static || return 1
        run_example ./example "${source##*/}" || return 1
    done
}

# check_package TREE LANGUAGE COMPONENT: find_package from a project of one language.
check_package() {
    case $2 in C) source=$root/examples/generate_weights.c ;; CXX) source=$folder/embed.cpp ;; esac
    case $3 in static) target=hypernet_static ;; *) target=hypernet ;; esac
    rm -rf "$folder/project"
    mkdir "$folder/project"
    cat >"$folder/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(embedder LANGUAGES $2)
find_package(hypernet 0.1 REQUIRED CONFIG COMPONENTS $3)
add_executable(example $source)
target_link_libraries(example PRIVATE hypernet::$target m)
END
    { cmake -S "$folder/project" -B "$folder/project/build" -DCMAKE_PREFIX_PATH="$1" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF &&
        cmake --build "$folder/project/build"; } >"$log" 2>&1 || { cat "$log"; echo "find_package, $2 $3"; return 1; }
    run_example project/build/example "${source##*/} through CMake"
}

check_program() {
    version=$(cd / && "$1/bin/hypernet" --version) || { echo "the installed program does not run"; return 1; }
    printf '%s\n' "$version" | grep -q '^hypernet [0-9]' || { echo "no version"; return 1; }
    for name in man/man1/hypernet.1 bash-completion/completions/hypernet zsh/site-functions/_hypernet; do
        wanted "$1/share/$name" || return 1
    done
    list=$(cd / && "$1/bin/hypernet" recipes) || return 1
    for recipe in "$root"/recipes/*.yaml; do
        name=$(basename "$recipe" .yaml)
        wanted "$1/share/hypernet/recipes/$name.yaml" || return 1
        printf '%s\n' "$list" | grep -q "^$name " || { echo "the installed program does not list $name"; return 1; }
    done
}

check_length() {
    for source in "$1"/*.c; do
        [ "$(wc -l <"$source")" -lt 80 ] || { echo "${source##*/} has 80 lines or more"; return 1; }
    done
}

# ---- good and bad trees --------------------------------------------------------------------------------------------------

failed=0
# passes CHECK ARGUMENTS: the check must pass.
passes() { "$@" || { echo "failed: $*"; failed=1; }; }

# refuses WORDS CHECK ARGUMENTS: the check must fail, and say WORDS.
refuses() {
    words=$1
    shift
    if ("$@") >"$folder/refusal" 2>&1; then
        echo "passed, though it must not: $*"
        failed=1
    elif ! grep -q -e "$words" "$folder/refusal"; then
        cat "$folder/refusal"
        echo "refused, but not for '$words': $*"
        failed=1
    fi
}

# bad_tree: a copy of the good one to be broken.
bad_tree() {
    rm -rf "$folder/bad"
    cp -a "${1:-$good}" "$folder/bad"
}

cat >"$folder/embed.cpp" <<'END'
#include <hypernet/hypernet.h>
#include <cstdio>
int main()
{
    hn_context *context = nullptr;
    hn_graph *graph = nullptr;
    if (hn_context_create(nullptr, &context) != HN_OK) return 1;
    float sum = 0;
    hn_status status = hn_graph_create(context, nullptr, &graph);
    if (status == HN_OK) {
        const float numbers[3] = {1, 2, 3};
        const hn_tensor x = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE1(3), numbers, false);
        status = hn_tensor_read(graph, hn_sum(graph, x, HN_ALL_AXES, false), HN_DTYPE_F32, 1, &sum);
    }
    if (status != HN_OK) std::puts(hn_context_error(context)->text);
    hn_graph_destroy(graph);
    hn_context_destroy(context);
    return status == HN_OK && sum == 6.0f ? 0 : 1;
}
END
pc=$libdir/pkgconfig/hypernet.pc
one=$root/examples/train_string.c

passes check_length "$root/examples"
passes check_files "$good"
bad_tree
rm "$folder/bad/include/hypernet/optim.h"
: >"$folder/bad/share/doc/hypernet/NOTICE"
refuses 'include/hypernet/optim.h' check_files "$folder/bad"
cp "$good/include/hypernet/optim.h" "$folder/bad/include/hypernet/"
refuses 'doc/hypernet/NOTICE' check_files "$folder/bad"
bad_tree
rm -r "$folder/bad/share/doc/hypernet/diagrams"
refuses 'doc/hypernet/diagrams/.*svg' check_files "$folder/bad"
mkdir "$folder/long"
seq 80 >"$folder/long/long.c"
refuses '80 lines' check_length "$folder/long"

passes check_symbols "$good"
bad_tree
echo 'int other_name(void); int other_name(void) { return 1; }' | gcc -c -fPIC -x c - -o "$folder/other.o"
ar rcs "$folder/bad/$libdir/libhypernet.a" "$folder/other.o"
refuses 'libhypernet.a defines other_name' check_symbols "$folder/bad"

# Static: a tree whose shared library was taken away, as HYPERNET_SHARED=OFF would leave it.
static=$folder/static
cp -a "$good" "$static"
rm -f "$static/$libdir"/libhypernet.so* "$static/$libdir"/cmake/hypernet/hypernet-shared*
for compiler in $compilers; do
    passes check_static "$static" "$compiler" "$root"/examples/*.c
done
passes check_static "$static" g++ "$folder/embed.cpp"
passes check_package "$static" C ""
passes check_package "$static" CXX static
bad_tree "$static"
sed -i -e 's/^Libs.private:.*/Libs.private:/' -e 's/^Requires\(.private\)*: jansson/Requires.private:/' "$folder/bad/$pc"
sed -i 's/^\(Libs: .*-lhypernet\).*/\1/' "$folder/bad/$pc"
refuses 'undefined reference' check_static "$folder/bad" gcc "$root/examples/stream_checkpoint.c"
rm "$folder/bad/$libdir/cmake/hypernet/hypernet-static.cmake"
refuses 'hypernet-static.cmake' check_package "$folder/bad" C static

if [ -n "${HYPERNET_SHARED_LIBRARY:-}" ]; then
    passes check_soname "$good"
    for compiler in $compilers; do
        passes check_shared "$good" "$compiler" "$root"/examples/*.c
    done
    passes check_shared "$good" g++ "$folder/embed.cpp"
    passes check_package "$good" C ""
    bad_tree
    rm "$folder/bad/$libdir"/libhypernet.so.[0-9]
    refuses 'soname leads nowhere' check_soname "$folder/bad"
    cp --remove-destination "$folder/bad/$libdir"/libhypernet.so.[0-9]*.* "$folder/bad/$libdir/libhypernet.so"
    refuses 'cannot open shared object' check_shared "$folder/bad" gcc "$one"
    bad_tree
    sed -i 's/^Cflags:.*/Cflags:/' "$folder/bad/$pc"
    refuses 'hypernet/hypernet.h' check_shared "$folder/bad" gcc "$one"
    bad_tree
    gcc -shared -o "$folder/bad/$libdir/libhypernet.so" "$folder/other.o"
    refuses 'libhypernet.so exports other_name' check_symbols "$folder/bad"
fi

if [ -n "${HYPERNET_BIN:-}" ]; then
    passes check_program "$good"
    bad_tree
    rm "$folder/bad/share/hypernet/recipes/text-small.yaml"
    refuses 'recipes/text-small.yaml' check_program "$folder/bad"
    : >"$folder/bad/share/man/man1/hypernet.1"
    refuses 'man1/hypernet.1' check_program "$folder/bad"
fi
exit $failed
