/* An arena: memory handed out by moving a mark, given back all at once. Chunks are kept over a reset, so a step that has
 * been seen once takes nothing from the allocator. Under ASan handed-back memory is poisoned and blocks have red zones.
 * A counting arena hands out no memory but the same addresses' worth of numbers: for dry runs. */
#ifndef HNI_CORE_ARENA_H
#define HNI_CORE_ARENA_H

#include "core/context.h"

typedef struct hni_arena_chunk hni_arena_chunk;

typedef struct hni_arena {
    hn_context *context;
    const char *what;         /* for messages: "step memory" */
    hni_arena_chunk *first;   /* all chunks, in order of age */
    hni_arena_chunk *current; /* the one being filled */
    int64_t used;             /* bytes handed out since the last reset */
    int64_t peak;             /* most ever used */
    bool counting;            /* data blocks are only counted */
} hni_arena;

typedef struct hni_arena_mark {
    hni_arena_chunk *chunk;
    size_t chunk_used;
    int64_t used;
} hni_arena_mark;

void hni_arena_init(hni_arena *arena, hn_context *context, const char *what, bool counting);
void hni_arena_destroy(hni_arena *arena);
void hni_arena_reset(hni_arena *arena);
/* Not zeroed, at a multiple of 64 bytes. In a counting arena *out_pointer is NULL. */
HN_MUST_USE hn_status hni_arena_take(hni_arena *arena, size_t size, void **out_pointer);
/* Everything taken after the mark goes back at once (scratch of one op). */
hni_arena_mark hni_arena_mark_get(const hni_arena *arena);
void hni_arena_rewind(hni_arena *arena, hni_arena_mark mark);

#endif
