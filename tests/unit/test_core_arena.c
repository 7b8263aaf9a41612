/* Arena: blocks apart and aligned, the same places after a reset, no new memory for what was seen, marks, counting, poison. */
#include "core/alloc.h"
#include "core/arena.h"
#include "core/poison.h"
#include "test_allocator.h"

static hn_context *context_on(test_allocator *memory, int64_t limit)
{
    hn_context_options options;
    hn_context_options_default(&options);
    options.allocator = test_allocator_hook(memory);
    options.memory_limit = limit;
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    return context;
}

/* A plain generator of sizes: mostly small, some of them larger than a first chunk. */
static size_t next_size(uint32_t *seed, size_t scale)
{
    *seed = *seed * 1664525u + 1013904223u;
    const uint32_t word = *seed >> 8;
    return (word % 16 == 0 ? word % 400000 : word % 3000) * scale / 8;
}

enum { BLOCKS = 300 };

/* A step: blocks filled with their own number, scratch in between, all looked at again at the end. */
static void run_step(hni_arena *arena, size_t scale, void **out_blocks)
{
    size_t sizes[BLOCKS];
    uint32_t seed = 1;
    for (int i = 0; i < BLOCKS; i++) {
        sizes[i] = next_size(&seed, scale);
        assert_int_equal(hni_arena_take(arena, sizes[i], &out_blocks[i]), HN_OK);
        assert_non_null(out_blocks[i]);
        assert_int_equal((uintptr_t)out_blocks[i] % 64, 0);
        memset(out_blocks[i], i % 251, sizes[i]);
        if (i % 7 == 0) {
            const hni_arena_mark mark = hni_arena_mark_get(arena);
            const int64_t used = arena->used;
            void *scratch[2];
            for (int k = 0; k < 2; k++) {
                const size_t size = next_size(&seed, scale);
                assert_int_equal(hni_arena_take(arena, size, &scratch[k]), HN_OK);
                memset(scratch[k], 255, size);
            }
            hni_arena_rewind(arena, mark);
            assert_int_equal(arena->used, used);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            if (((unsigned char *)out_blocks[i])[k] != i % 251) fail_msg("block %d was overwritten at byte %zu", i, k);
}

static void test_steps_repeat_without_new_memory(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    hni_arena arena;
    hni_arena_init(&arena, context, "step memory", false);
    void *first[BLOCKS], *again[BLOCKS];
    run_step(&arena, 8, first);
    const uint64_t calls = hn_context_allocations(context);
    const int64_t peak = arena.peak, held = hn_context_memory(context);
    assert_true(calls > 3); /* more than one chunk, or this test shows nothing */
    for (size_t scale = 8; scale > 0; scale--) {
        hni_arena_reset(&arena);
        assert_int_equal(arena.used, 0);
        run_step(&arena, scale, again);
        if (scale == 8) assert_memory_equal(first, again, sizeof first);
        hni_arena_reset(&arena);
        run_step(&arena, 8, again);
        assert_memory_equal(first, again, sizeof first);
    }
    assert_int_equal(hn_context_allocations(context), calls);
    assert_int_equal(hn_context_memory(context), held);
    assert_int_equal(arena.peak, peak);
    assert_true(held >= peak);
    hni_arena_destroy(&arena);
    assert_int_equal(hn_context_memory(context), 0);
    hni_arena_destroy(&arena); /* may be called again */
    hn_context_destroy(context);
    assert_int_equal(memory.blocks, 0);
}

static void test_counting_gives_the_same_numbers(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    hni_arena real, counting;
    hni_arena_init(&real, context, "real", false);
    hni_arena_init(&counting, context, "counting", true);
    const uint64_t before = hn_context_allocations(context);
    uint32_t seed = 3;
    hni_arena_mark marks[2] = {0};
    int64_t expected = 0;
    for (int i = 0; i < 200; i++) {
        const size_t size = next_size(&seed, 8);
        void *pointer = &memory;
        assert_int_equal(hni_arena_take(&counting, size, &pointer), HN_OK);
        assert_null(pointer);
        assert_int_equal(hni_arena_take(&real, size, &pointer), HN_OK);
        expected += (int64_t)((size > 0 ? size : 1) + 63) / 64 * 64;
        assert_int_equal(real.used, expected);
        assert_int_equal(counting.used, expected);
        if (i == 50) {
            marks[0] = hni_arena_mark_get(&real);
            marks[1] = hni_arena_mark_get(&counting);
        }
    }
    const int64_t peak = expected;
    hni_arena_rewind(&real, marks[0]);
    hni_arena_rewind(&counting, marks[1]);
    assert_int_equal(real.used, counting.used);
    assert_true(real.used < peak);
    hni_arena_reset(&real);
    hni_arena_reset(&counting);
    assert_int_equal(real.peak, peak);
    assert_int_equal(counting.peak, peak);
    hni_arena_destroy(&real);

    const uint64_t after = hn_context_allocations(context);
    assert_true(after > before);
    void *pointer = &memory;
    assert_int_equal(hni_arena_take(&counting, (size_t)1 << 50, &pointer), HN_OK); /* a model no machine can hold */
    assert_int_equal(counting.peak, INT64_C(1) << 50);
    assert_int_equal(hn_context_allocations(context), after);
    assert_int_equal(hni_arena_take(&counting, SIZE_MAX, &pointer), HN_ERROR_MEMORY);
    assert_int_equal(hni_arena_take(&counting, (size_t)INT64_MAX, &pointer), HN_ERROR_MEMORY);
    hni_arena_destroy(&counting);
    hn_context_destroy(context);
}

static void test_mark_of_an_empty_arena(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    hni_arena arena;
    hni_arena_init(&arena, context, "scratch", false);
    const hni_arena_mark empty = hni_arena_mark_get(&arena);
    hni_arena_rewind(&arena, empty);
    void *first = NULL, *second = NULL;
    assert_int_equal(hni_arena_take(&arena, 10, &first), HN_OK);
    hni_arena_rewind(&arena, empty);
    assert_int_equal(arena.used, 0);
    assert_int_equal(hni_arena_take(&arena, 10, &second), HN_OK);
    assert_ptr_equal(first, second);
    hni_arena_destroy(&arena);
    hn_context_destroy(context);
}

static void test_limit_leaves_room_for_an_exact_chunk(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 100000);
    hni_arena arena;
    hni_arena_init(&arena, context, "step memory", false);
    void *pointer = NULL;
    assert_int_equal(hni_arena_take(&arena, 60000, &pointer), HN_OK);
    assert_int_equal(hni_arena_take(&arena, 30000, &pointer), HN_OK); /* another guess of 64 KiB would not fit */
    const int64_t used = arena.used, held = hn_context_memory(context);
    assert_int_equal(hni_arena_take(&arena, 30000, &pointer), HN_ERROR_MEMORY);
    assert_null(pointer);
    assert_int_equal(arena.used, used);
    assert_int_equal(hn_context_memory(context), held);
    assert_non_null(strstr(hn_context_error(context)->text, "step memory: needs 29."));
    hni_arena_destroy(&arena);
    hn_context_destroy(context);
}

static void test_each_request_may_fail(void **state)
{
    (void)state;
    long failures = 0;
    for (long n = 2; n < 100; n++) {
        test_allocator memory = {.fail_at = n};
        hn_context *context = context_on(&memory, 0);
        hni_arena arena;
        hni_arena_init(&arena, context, "step memory", false);
        hn_status status = HN_OK;
        int64_t expected = 0;
        for (int i = 0; i < 40 && status == HN_OK; i++) {
            void *pointer;
            status = hni_arena_take(&arena, 20000, &pointer);
            if (status == HN_OK) expected += 20032;
        }
        assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        assert_int_equal(arena.used, expected);
        hni_arena_reset(&arena);
        hni_arena_destroy(&arena);
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
        failures++;
    }
    assert_true(failures >= 3);
}

static void test_what_was_given_back_is_poisoned(void **state)
{
    (void)state;
#ifdef HNI_HAVE_ASAN
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    hni_arena arena;
    hni_arena_init(&arena, context, "step memory", false);
    char *blocks[3];
    const hni_arena_mark start = hni_arena_mark_get(&arena);
    hni_arena_mark mark = start;
    for (int i = 0; i < 3; i++) {
        if (i == 1) mark = hni_arena_mark_get(&arena);
        void *pointer = NULL;
        assert_int_equal(hni_arena_take(&arena, i == 2 ? 100000 : 61, &pointer),
                         HN_OK); /* the last in a chunk of its own */
        blocks[i] = pointer;
        const size_t size = i == 2 ? 100000 : 61;
        assert_null(__asan_region_is_poisoned(blocks[i], size));
        assert_true(__asan_address_is_poisoned(blocks[i] + size));
        assert_true(__asan_address_is_poisoned(blocks[i] + (size + 63) / 64 * 64)); /* the red zone */
    }
    hni_arena_rewind(&arena, mark);
    assert_false(__asan_address_is_poisoned(blocks[0]));
    assert_true(__asan_address_is_poisoned(blocks[1]));
    assert_true(__asan_address_is_poisoned(blocks[2]));
    assert_true(__asan_address_is_poisoned(blocks[2] + 99999));
    hni_arena_reset(&arena);
    assert_true(__asan_address_is_poisoned(blocks[0]));
    hni_arena_destroy(&arena);
    hn_context_destroy(context);
#else
    skip(); /* built without AddressSanitizer */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_repeat_without_new_memory),
        cmocka_unit_test(test_counting_gives_the_same_numbers),
        cmocka_unit_test(test_mark_of_an_empty_arena),
        cmocka_unit_test(test_limit_leaves_room_for_an_exact_chunk),
        cmocka_unit_test(test_each_request_may_fail),
        cmocka_unit_test(test_what_was_given_back_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
