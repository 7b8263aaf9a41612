/* The allocator hook of the tests. A word in front of each block shows that it is a live one. */
#include "test_allocator.h"

#define LIVE UINT64_C(0x6c6976652d626c6b)
#define DEAD UINT64_C(0x646561642d626c6b)

enum { GUARD = 16 }; /* keeps what malloc promises about alignment */

static void *refuse(test_allocator *memory)
{
    memory->has_failed = true;
    return NULL;
}

static void give_back(test_allocator *memory, unsigned char *raw)
{
    const uint64_t dead = DEAD;
    memcpy(raw, &dead, sizeof dead);
    memory->blocks--;
    free(raw);
}

static void *resize(void *user, void *pointer, size_t size)
{
    test_allocator *memory = user;
    unsigned char *raw = pointer != NULL ? (unsigned char *)pointer - GUARD : NULL;
    memory->calls++;
    if (raw != NULL) {
        uint64_t word;
        memcpy(&word, raw, sizeof word);
        if (word != LIVE) fail_msg("a pointer came back that is not a live block");
    }
    if (size == 0) {
        if (raw != NULL) give_back(memory, raw);
        return NULL;
    }
    memory->requests++;
    if (memory->refuse_above != 0 && size > memory->refuse_above) return refuse(memory);
    if (memory->fail_at != 0 &&
        (memory->requests == memory->fail_at || (memory->fail_from_then && memory->requests > memory->fail_at)))
        return refuse(memory);
    unsigned char *grown = realloc(raw, size + GUARD);
    if (grown == NULL) return refuse(memory);
    const uint64_t live = LIVE;
    memcpy(grown, &live, sizeof live);
    if (raw == NULL) {
        memory->blocks++;
        memset(grown + GUARD, 0xA5, size); /* fresh memory is never zero by luck */
    }
    return grown + GUARD;
}

hn_allocator test_allocator_hook(test_allocator *memory) { return (hn_allocator){.resize = resize, .user = memory}; }
