/*
 * An allocator hook for tests: counts calls and blocks, checks that no block is lost or given back twice, and can refuse the
 * n-th request for memory. A test of failing memory is a loop:
 *
 *     for (long n = 1;; n++) {
 *         test_allocator memory = {.fail_at = n};
 *         ... do the whole thing with test_allocator_hook(&memory) ...
 *         assert_int_equal(memory.blocks, 0);       // whatever happened, nothing is left behind
 *         if (!memory.has_failed) break;            // all requests were granted
 *     }
 */
#ifndef TEST_ALLOCATOR_H
#define TEST_ALLOCATOR_H

#include "hypernet/core.h"
#include "test_support.h"

typedef struct test_allocator {
    long fail_at;        /* 1: the first request for memory is refused; 0: none is */
    bool fail_from_then; /* all later ones too */
    size_t refuse_above; /* requests for more bytes are refused; 0: no bound */
    long requests;       /* calls that asked for memory */
    long calls;          /* all calls */
    long blocks;         /* blocks not given back */
    bool has_failed;
} test_allocator;

hn_allocator test_allocator_hook(test_allocator *memory);

#endif
