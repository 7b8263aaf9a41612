/* The allocator hook of the tests. A guard in front of each block shows that it is a live one. Every block, also a resized
 * one, lies at a new place with another alignment, so that code which keeps an old address or offset fails at once. */
#include "test_allocator.h"

#define LIVE UINT64_C(0x6c6976652d626c6b)
#define DEAD UINT64_C(0x646561642d626c6b)

typedef struct guard {
    uint64_t word;
    size_t size;
    unsigned char *raw;
} guard;

enum { GUARD_SIZE = 32, STEP = 16, STEPS = 4 };
_Static_assert(sizeof(guard) <= GUARD_SIZE, "the guard needs more room");

static guard guard_of(const unsigned char *block)
{
    guard found;
    memcpy(&found, block - GUARD_SIZE, sizeof found);
    if (found.word != LIVE) fail_msg("a pointer came back that is not a live block");
    return found;
}

static unsigned char *take(test_allocator *memory, size_t size)
{
    unsigned char *raw = malloc(size + GUARD_SIZE + STEP * STEPS);
    if (raw == NULL) return NULL;
    unsigned char *block = raw + GUARD_SIZE + memory->requests % STEPS * STEP;
    const guard fresh = {.word = LIVE, .size = size, .raw = raw};
    memcpy(block - GUARD_SIZE, &fresh, sizeof fresh);
    memset(block, 0xA5, size); /* fresh memory is never zero by luck */
    memory->blocks++;
    return block;
}

static void give_back(test_allocator *memory, unsigned char *block)
{
    guard old = guard_of(block);
    old.word = DEAD;
    memcpy(block - GUARD_SIZE, &old, sizeof old);
    memory->blocks--;
    free(old.raw);
}

static bool is_refused(const test_allocator *memory, size_t size)
{
    if (memory->refuse_above != 0 && size > memory->refuse_above) return true;
    if (memory->fail_at == 0) return false;
    return memory->requests == memory->fail_at || (memory->fail_from_then && memory->requests > memory->fail_at);
}

static void *resize(void *user, void *pointer, size_t size)
{
    test_allocator *memory = user;
    memory->calls++;
    if (size == 0) {
        if (pointer != NULL) give_back(memory, pointer);
        return NULL;
    }
    memory->requests++;
    unsigned char *block = is_refused(memory, size) ? NULL : take(memory, size);
    if (block == NULL) {
        memory->has_failed = true;
        return NULL;
    }
    if (pointer != NULL) {
        const guard old = guard_of(pointer);
        memcpy(block, pointer, old.size < size ? old.size : size);
        give_back(memory, pointer);
    }
    return block;
}

hn_allocator test_allocator_hook(test_allocator *memory)
{
    return (hn_allocator){.resize = resize, .user = memory};
}
