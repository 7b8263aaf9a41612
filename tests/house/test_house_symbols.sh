#!/bin/sh
# What the compiled library shows, holds and calls: a shared build exports names that start with hn_ and nothing else, no object
# of it holds a variable that can change (but the choice of the instruction set, hni_isa_...), and none but core/alloc asks the
# C library for memory, so that an allocator of the caller's sees it all. Reads $HYPERNET_LIBRARY.
set -eu
library=${HYPERNET_LIBRARY:-}
compiler=${HYPERNET_COMPILER:-cc}
case ${HYPERNET_SANITIZE:-} in ?*) echo "left out: sanitizers add symbols of their own"; exit 77 ;; esac
case $library in *.a) ;; *) echo "left out: this build made no static library"; exit 77 ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# exported ARCHIVE: names that a shared library made of the archive would export.
exported() {
    "$compiler" -shared -o "$folder/all.so" -Wl,--whole-archive "$1" -Wl,--no-whole-archive -Wl,--unresolved-symbols=ignore-all
    nm -D --defined-only "$folder/all.so" | awk '{ print $3 }'
}

# variables ARCHIVE: names of objects that lie in memory that can be written.
variables() {
    objdump -t "$1" | awk '{
        for (i = 2; i < NF; i++)
            if ($i == "O" && $(i + 1) ~ /^\.(data|bss|tdata|tbss)/ && $(i + 1) !~ /^\.data\.rel\.ro/) print $NF
    }'
}

# callers ARCHIVE: "object function" for each object that asks for memory behind the context's back.
callers() {
    nm -A --undefined-only "$1" 2>/dev/null | sed 's/.*:\([^:]*\): *U /\1 /' | grep -E ' (malloc|calloc|realloc|reallocarray|free|'\
'aligned_alloc|posix_memalign|memalign|strn?dup|v?asprintf|getline|getdelim|open_memstream|fopen|fdopen|opendir|mmap)$'
}

# A made-up archive with one wrong symbol and one variable: both checks must find them.
cat >"$folder/bad.c" <<'END'
__attribute__((visibility("default"))) int other_name(void);
int hidden_counter;
static int counter;
static int *pointer = &counter;
static int *const fixed = &counter;
char *strdup(const char *);
char *copy(void) { return strdup("x"); }
int other_name(void) { pointer++; return ++counter + ++hidden_counter + *fixed; }
END
"$compiler" -c -fPIC -fvisibility=hidden -o "$folder/bad.o" "$folder/bad.c"
ar rcs "$folder/bad.a" "$folder/bad.o"
exported "$folder/bad.a" | grep -qx other_name || { echo "the check did not see the export other_name"; exit 1; }
found=$(variables "$folder/bad.a" | sort | tr '\n' ' ')
[ "$found" = "counter hidden_counter pointer " ] || { echo "the check saw the variables '$found'"; exit 1; }
found=$(callers "$folder/bad.a")
[ "$found" = "bad.o strdup" ] || { echo "the check saw the callers '$found'"; exit 1; }

failed=0
wrong=$(callers "$library" | grep -v '^alloc\.c\.o ' || true)
[ -z "$wrong" ] || { echo "allocates elsewhere than in core/alloc:"; echo "$wrong"; failed=1; }
names=$(exported "$library")
[ -n "$names" ] || { echo "the library exports nothing: is HN_API missing?"; failed=1; }
wrong=$(printf '%s\n' "$names" | grep -v '^hn_' || true)
[ -z "$wrong" ] || { echo "exported, but not named hn_...:"; echo "$wrong"; failed=1; }
wrong=$(variables "$library" | grep -v '^hni_isa_' || true)
[ -z "$wrong" ] || { echo "variables that can change (keep such state in the context):"; echo "$wrong"; failed=1; }
exit $failed
