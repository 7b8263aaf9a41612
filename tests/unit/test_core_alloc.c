/* Allocation: alignment, zeros, the account, the limit and its message, refused requests, poison around blocks. */
#include "core/alloc.h"
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

static bool all_bytes_are(const void *bytes, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)bytes)[i] != value) return false;
    return true;
}

static void test_blocks_are_aligned_zeroed_and_counted(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    enum { COUNT = 200 };
    void *blocks[COUNT];
    int64_t held = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(hni_alloc(context, "test", i, &blocks[i]), HN_OK);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % HNI_ALIGNMENT, 0);
        assert_true(all_bytes_are(blocks[i], i, 0));
        memset(blocks[i], (int)i, i);
        held += (int64_t)i;
        assert_int_equal(hn_context_memory(context), held);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(all_bytes_are(blocks[i], i, (unsigned char)i));
        hni_free(context, blocks[i]);
    }
    hni_free(context, NULL);
    assert_int_equal(hn_context_memory(context), 0);
    assert_int_equal(hn_context_allocations(context), memory.calls);
    hn_context_destroy(context);
    assert_int_equal(memory.blocks, 0);
}

static void test_arrays_grow_and_shrink(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    void *array = NULL;
    size_t before = 0;
    const size_t counts[] = {1, 3, 0, 7, 100, 1000, 40, 50000, 50001, 2};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const size_t now = counts[i];
        assert_int_equal(hni_realloc_array(context, "test", now, 4, &array), HN_OK);
        assert_int_equal((uintptr_t)array % HNI_ALIGNMENT, 0);
        assert_int_equal(hn_context_memory(context), (int64_t)(now * 4));
        const size_t kept = now < before ? now : before;
        assert_true(all_bytes_are(array, kept * 4, 0x5A));
        assert_true(all_bytes_are((char *)array + kept * 4, (now - kept) * 4, 0));
        memset(array, 0x5A, now * 4);
        before = now;
    }
    hni_free(context, array);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
    assert_int_equal(memory.blocks, 0);
}

static void test_limit_is_exact_and_says_what_is_missing(void **state)
{
    (void)state;
    test_allocator memory = {0};
    const int64_t gib = INT64_C(1) << 30;
    hn_context *context = context_on(&memory, 24 * gib);
    void *small = NULL, *large = &memory;
    assert_int_equal(hni_alloc(context, "small", 1024, &small), HN_OK);
    const long requests = memory.requests;
    assert_int_equal(hni_alloc(context, "step memory", (size_t)(61 * gib), &large), HN_ERROR_MEMORY);
    assert_null(large);
    assert_int_equal(memory.requests, requests); /* refused before asking */
    const char *text = hn_context_error(context)->text;
    assert_non_null(strstr(text, "step memory: needs 61.0 GiB, 23.9 GiB of the limit left"));
    hni_free(context, small);
    hn_context_destroy(context);

    context = context_on(&memory, 1000);
    assert_int_equal(hni_alloc(context, "all", 1000, &small), HN_OK);
    assert_int_equal(hni_alloc(context, "one more", 1, &large), HN_ERROR_MEMORY);
    assert_non_null(strstr(hn_context_error(context)->text, "one more: needs 1 byte, 0 bytes of the limit left"));
    assert_int_equal(hni_realloc_array(context, "all", 1001, 1, &small), HN_ERROR_MEMORY);
    assert_int_equal(hni_realloc_array(context, "all", 600, 1, &small), HN_OK);
    assert_int_equal(hni_alloc(context, "rest", 400, &large), HN_OK);
    hni_free(context, small);
    hni_free(context, large);
    hn_context_destroy(context);
    assert_int_equal(memory.blocks, 0);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    void *pointer = &memory;
    const long requests = memory.requests;
    assert_int_equal(hni_alloc_array(context, "a", SIZE_MAX / 2, 3, &pointer), HN_ERROR_MEMORY);
    assert_null(pointer);
    assert_int_equal(hni_alloc(context, "a", SIZE_MAX, &pointer), HN_ERROR_MEMORY);
    assert_int_equal(hni_alloc(context, "a", SIZE_MAX - 200, &pointer), HN_ERROR_MEMORY);
    assert_int_equal(hni_realloc_array(context, "a", SIZE_MAX, 2, &pointer), HN_ERROR_MEMORY);
    assert_int_equal(memory.requests, requests);
    assert_non_null(strstr(hn_context_error(context)->text, "a: needs more bytes"));
    hn_context_destroy(context);
}

static void test_refused_by_the_system(void **state)
{
    (void)state;
    test_allocator memory = {.refuse_above = 1 << 20};
    hn_context *context = context_on(&memory, 0);
    void *array = NULL;
    assert_int_equal(hni_realloc_array(context, "gradients", 10, 8, &array), HN_OK);
    memset(array, 7, 80);
    void *before = array;
    assert_int_equal(hni_realloc_array(context, "gradients", 3 << 20, 1, &array), HN_ERROR_MEMORY);
    assert_ptr_equal(array, before);
    assert_true(all_bytes_are(array, 80, 7));
    assert_int_equal(hn_context_memory(context), 80);
    assert_non_null(strstr(hn_context_error(context)->text, "gradients: needs 3.0 MiB"));
    hni_free(context, array);
    hn_context_destroy(context);
    assert_int_equal(memory.blocks, 0);
}

/* Several blocks, one of them grown, a text: with one exit, as all of our code. */
static hn_status do_something(hn_context *context)
{
    hn_status status = HN_OK;
    void *first = NULL, *second = NULL;
    char *text = NULL;
    HNI_TRY(hni_alloc(context, "first", 100, &first));
    HNI_TRY(hni_realloc_array(context, "second", 10, 10, &second));
    HNI_TRY(hni_copy_text(context, "conv2.kernel", &text));
    HNI_TRY(hni_realloc_array(context, "second", 1000, 10, &second));
    assert_string_equal(text, "conv2.kernel");
cleanup:
    hni_free(context, first);
    hni_free(context, second);
    hni_free(context, text);
    return status;
}

static void test_each_request_may_fail(void **state)
{
    (void)state;
    long failures = 0;
    for (long n = 1; n < 100; n++) {
        test_allocator memory = {.fail_at = n, .fail_from_then = n % 2 == 0};
        hn_context_options options;
        hn_context_options_default(&options);
        options.allocator = test_allocator_hook(&memory);
        hn_context *context = NULL;
        hn_status status = hn_context_create(&options, &context);
        if (status == HN_OK) {
            status = do_something(context);
            assert_int_equal(hn_context_memory(context), 0);
            assert_int_equal(hn_context_error(context)->status, status);
        }
        assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
        failures++;
    }
    assert_int_equal(failures, 5);
}

static void test_bytes_as_text(void **state)
{
    (void)state;
    const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {1023, "1023 bytes"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1048575, "1023.9 KiB"},
        {1048576, "1.0 MiB"},
        {UINT64_C(61) << 30, "61.0 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(hni_bytes_print(cases[i].bytes, text, sizeof text), cases[i].text);
}

static void test_surroundings_are_poisoned(void **state)
{
    (void)state;
#ifdef HNI_HAVE_ASAN
    test_allocator memory = {0};
    hn_context *context = context_on(&memory, 0);
    for (size_t size = 1; size < 150; size++) {
        void *block = NULL;
        assert_int_equal(hni_alloc(context, "test", size, &block), HN_OK);
        char *bytes = block;
        assert_null(__asan_region_is_poisoned(bytes, size));
        assert_true(__asan_address_is_poisoned(bytes - 1));
        assert_true(__asan_address_is_poisoned(bytes - sizeof(void *)));
        assert_true(__asan_address_is_poisoned(bytes + size));
        hni_free(context, block);
    }
    hn_context_destroy(context);
#else
    skip(); /* built without AddressSanitizer */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_aligned_zeroed_and_counted),
        cmocka_unit_test(test_arrays_grow_and_shrink),
        cmocka_unit_test(test_limit_is_exact_and_says_what_is_missing),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_refused_by_the_system),
        cmocka_unit_test(test_each_request_may_fail),
        cmocka_unit_test(test_bytes_as_text),
        cmocka_unit_test(test_surroundings_are_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
