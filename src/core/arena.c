/* Arena: blocks of a list of chunks, handed out in order. A request goes to the first chunk from the current one on that has
 * room; chunks behind the current one count as empty. So the same requests always land in the same places, and requests that
 * are each no larger than those of an earlier step never need a new chunk. Not for memory that is freed block by block. */
#include "core/arena.h"

#include <assert.h>

#include "core/alloc.h"
#include "core/poison.h"
#include "core/size.h"

#define SMALLEST_CHUNK ((size_t)64 << 10)
#define LARGEST_GUESS ((size_t)256 << 20) /* a chunk is larger only if one block is */

struct hni_arena_chunk {
    hni_arena_chunk *next;
    size_t capacity, used; /* of data */
};

/* Data begins at a multiple of 64 behind the chunk's own fields. */
#define CHUNK_HEADER ((sizeof(hni_arena_chunk) + HNI_ALIGNMENT - 1) / HNI_ALIGNMENT * HNI_ALIGNMENT)

static unsigned char *chunk_data(hni_arena_chunk *chunk) { return (unsigned char *)chunk + CHUNK_HEADER; }

void hni_arena_init(hni_arena *arena, hn_context *context, const char *what, bool counting)
{
    *arena = (hni_arena){.context = context, .what = what, .counting = counting};
}

void hni_arena_destroy(hni_arena *arena)
{
    for (hni_arena_chunk *chunk = arena->first; chunk != NULL;) {
        hni_arena_chunk *next = chunk->next;
        hni_free(arena->context, chunk);
        chunk = next;
    }
    hni_arena_init(arena, arena->context, arena->what, arena->counting);
}

hni_arena_mark hni_arena_mark_get(const hni_arena *arena)
{
    return (hni_arena_mark){
        .chunk = arena->current,
        .chunk_used = arena->current != NULL ? arena->current->used : 0,
        .used = arena->used,
    };
}

void hni_arena_rewind(hni_arena *arena, hni_arena_mark mark)
{
    assert(mark.used <= arena->used);
    hni_arena_chunk *chunk =
        mark.chunk != NULL ? mark.chunk : arena->first; /* NULL: taken before the first chunk came */
    arena->used = mark.used;
    arena->current = chunk;
    if (chunk == NULL) return;
    chunk->used = mark.chunk_used;
#ifdef HNI_HAVE_ASAN
    hni_poison(chunk_data(chunk) + chunk->used, chunk->capacity - chunk->used);
    for (hni_arena_chunk *later = chunk->next; later != NULL; later = later->next)
        hni_poison(chunk_data(later), later->capacity);
#endif
}

void hni_arena_reset(hni_arena *arena) { hni_arena_rewind(arena, (hni_arena_mark){0}); }

/* A new last chunk. Each is as large as all before it together, within what the memory limit leaves. */
static hn_status add_chunk(hni_arena *arena, size_t needed, hni_arena_chunk **out_chunk)
{
    size_t total = 0;
    hni_arena_chunk **tail = &arena->first;
    for (; *tail != NULL; tail = &(*tail)->next)
        total += (*tail)->capacity;

    size_t capacity = total < SMALLEST_CHUNK ? SMALLEST_CHUNK : total;
    if (capacity > LARGEST_GUESS) capacity = LARGEST_GUESS;
    const hn_context *context = arena->context;
    if (context->memory_limit > 0) {
        const int64_t left = context->memory_limit - context->memory_held - (int64_t)CHUNK_HEADER;
        if ((int64_t)capacity > left) capacity = needed;
    }
    if (capacity < needed) capacity = needed;

    void *block = NULL;
    *out_chunk = NULL;
    size_t bytes;
    if (!hni_size_add(capacity, CHUNK_HEADER, &bytes))
        return hni_error(arena->context, HN_ERROR_MEMORY,
                         "%s: needs more bytes than an address can count; use smaller sizes", arena->what);
    const hn_status status = hni_alloc_unzeroed(arena->context, arena->what, bytes, &block);
    if (status != HN_OK) return status;
    hni_arena_chunk *chunk = block;
    *chunk = (hni_arena_chunk){.next = NULL, .capacity = capacity, .used = 0};
    hni_poison(chunk_data(chunk), capacity);
    *tail = chunk;
    *out_chunk = chunk;
    return HN_OK;
}

/* The chunk that takes `needed` more bytes, with its `used` in order. */
static hn_status find_chunk(hni_arena *arena, size_t needed, hni_arena_chunk **out_chunk)
{
    hni_arena_chunk *chunk = arena->current;
    if (chunk != NULL && needed <= chunk->capacity - chunk->used) {
        *out_chunk = chunk;
        return HN_OK;
    }
    chunk = chunk != NULL ? chunk->next : arena->first;
    while (chunk != NULL && needed > chunk->capacity)
        chunk = chunk->next;
    if (chunk == NULL) return add_chunk(arena, needed, out_chunk);
    chunk->used = 0;
    *out_chunk = chunk;
    return HN_OK;
}

hn_status hni_arena_take(hni_arena *arena, size_t size, void **out_pointer)
{
    *out_pointer = NULL;
    size_t rounded, needed;
    if (!hni_size_round_up(size > 0 ? size : 1, HNI_ALIGNMENT, &rounded) ||
        !hni_size_add(rounded, HNI_RED_ZONE, &needed) || rounded > (size_t)(INT64_MAX - arena->used))
        return hni_error(arena->context, HN_ERROR_MEMORY,
                         "%s: needs more bytes than an address can count; use smaller sizes", arena->what);
    if (!arena->counting) {
        hni_arena_chunk *chunk = NULL;
        const hn_status status = find_chunk(arena, needed, &chunk);
        if (status != HN_OK) return status;
        unsigned char *block = chunk_data(chunk) + chunk->used;
        hni_unpoison(block, size);
        chunk->used += needed;
        arena->current = chunk;
        *out_pointer = block;
    }
    arena->used += (int64_t)rounded;
    if (arena->used > arena->peak) arena->peak = arena->used;
    return HN_OK;
}
