/* Context: options, the error record (the first error stays, one line, no broken characters), log, version. */
#include <limits.h>

#include "core/context.h"
#include "test_allocator.h"

static hn_context *new_context(void)
{
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_non_null(context);
    return context;
}

static void test_status_names_are_distinct(void **state)
{
    (void)state;
    assert_string_equal(hn_status_name(HN_OK), "ok");
    assert_string_equal(hn_status_name(HN_ERROR_SHAPE), "shape");
    for (int a = HN_OK; a <= HN_ERROR_CANCELLED; a++) {
        assert_string_not_equal(hn_status_name((hn_status)a), "unknown");
        for (int b = HN_OK; b < a; b++)
            assert_string_not_equal(hn_status_name((hn_status)a), hn_status_name((hn_status)b));
    }
    assert_string_equal(hn_status_name((hn_status)(HN_ERROR_CANCELLED + 1)), "unknown");
}

static void test_version_text_and_number_agree(void **state)
{
    (void)state;
    int major = -1, minor = -1, patch = -1;
    assert_int_equal(sscanf(hn_version(), "%d.%d.%d", &major, &minor, &patch), 3);
    assert_int_equal(hn_version_number(), major * 10000 + minor * 100 + patch);
    assert_true(hn_version_number() >= 100);
}

static void test_options(void **state)
{
    (void)state;
    hn_context_options options;
    hn_context_options_default(&options);
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    assert_true(hn_context_threads(context) >= 1);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);

    options.threads = 3;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    assert_int_equal(hn_context_threads(context), 3);
    hn_context_destroy(context);

    const int wrong_threads[] = {-1, INT_MIN, INT_MAX};
    for (size_t i = 0; i < 3; i++) {
        options.threads = wrong_threads[i];
        context = (hn_context *)&options;
        assert_int_equal(hn_context_create(&options, &context), HN_ERROR_ARGUMENT);
        assert_null(context);
    }
    options.threads = 1;
    options.memory_limit = -1;
    assert_int_equal(hn_context_create(&options, &context), HN_ERROR_ARGUMENT);
    assert_null(context);
    hn_context_destroy(NULL);
}

static void test_context_lives_in_the_hook(void **state)
{
    (void)state;
    test_allocator memory = {.fail_at = 1};
    hn_context_options options;
    hn_context_options_default(&options);
    options.allocator = test_allocator_hook(&memory);
    hn_context *context = (hn_context *)&options;
    assert_int_equal(hn_context_create(&options, &context), HN_ERROR_MEMORY);
    assert_null(context);
    assert_int_equal(memory.blocks, 0);

    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    assert_int_equal(memory.blocks, 1);
    assert_int_equal(hn_context_allocations(context), 1);
    assert_int_equal(hn_context_error(context)->status, HN_OK);
    assert_string_equal(hn_context_error(context)->text, "");
    hn_context_destroy(context);
    assert_int_equal(memory.blocks, 0);
}

static void test_first_error_stays(void **state)
{
    (void)state;
    hn_context *context = new_context();
    assert_int_equal(hni_error(context, HN_ERROR_IO, "%s: no such file", "a.txt"), HN_ERROR_IO);
    const hni_blame blame = {.op = "later", .argument = "later", .shape_a = "[1]", .shape_b = "[2]"};
    assert_int_equal(hni_error_at(context, HN_ERROR_SHAPE, &blame, "later"), HN_ERROR_SHAPE);
    assert_int_equal(hni_error(context, HN_ERROR_MEMORY, "later"), HN_ERROR_MEMORY);

    const hn_error *error = hn_context_error(context);
    assert_int_equal(error->status, HN_ERROR_IO);
    assert_string_equal(error->text, "a.txt: no such file");
    assert_string_equal(error->op, "");
    assert_string_equal(error->shapes[0], "");

    hn_context_clear(context);
    assert_int_equal(error->status, HN_OK);
    assert_string_equal(error->text, "");
    assert_int_equal(hni_error(context, HN_ERROR_STATE, "second"), HN_ERROR_STATE);
    assert_string_equal(error->text, "second");
    hn_context_destroy(context);
}

static void test_error_with_op_argument_and_shapes(void **state)
{
    (void)state;
    hn_context *context = new_context();
    const hni_blame blame = {
        .op = "conv2d", .argument = "kernel", .shape_a = "[16,8,3,3]", .shape_b = "[128,16,32,32]"};
    assert_int_equal(
        hni_error_at(context, HN_ERROR_SHAPE, &blame, "kernel needs %d input channels, input has %d", 8, 16),
        HN_ERROR_SHAPE);
    const hn_error *error = hn_context_error(context);
    assert_string_equal(error->text, "conv2d: kernel needs 8 input channels, input has 16");
    assert_string_equal(error->op, "conv2d");
    assert_string_equal(error->argument, "kernel");
    assert_string_equal(error->shapes[0], "[16,8,3,3]");
    assert_string_equal(error->shapes[1], "[128,16,32,32]");

    hn_context_clear(context);
    const hni_blame nothing = {.op = NULL};
    assert_int_equal(hni_error_at(context, HN_ERROR_ARGUMENT, &nothing, "plain"), HN_ERROR_ARGUMENT);
    assert_string_equal(error->text, "plain");
    hn_context_destroy(context);
}

static void test_text_is_one_clean_line(void **state)
{
    (void)state;
    hn_context *context = new_context();
    assert_int_equal(hni_error(context, HN_ERROR_FORMAT, "a\nb\tc\x1b[31md\x7f e\xc3\xa9"), HN_ERROR_FORMAT);
    assert_string_equal(hn_context_error(context)->text, "a b c?[31md? e\xc3\xa9");
    hn_context_destroy(context);
}

static void test_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        hn_context *context = new_context();
        char text[2000];
        memset(text, 'x', sizeof text);
        for (size_t i = (size_t)shift; i + 1 < sizeof text; i += 2)
            memcpy(text + i, "\xc3\xa9", 2);
        text[sizeof text - 1] = '\0';
        const hni_blame blame = {.op = text, .argument = text};
        assert_int_equal(hni_error_at(context, HN_ERROR_FORMAT, &blame, "%s", text), HN_ERROR_FORMAT);
        const hn_error *error = hn_context_error(context);
        const size_t length = strlen(error->text);
        assert_true(length < sizeof error->text && length >= sizeof error->text - 5);
        assert_string_equal(error->text + length - 3, "...");
        assert_true((unsigned char)error->text[length - 4] != 0xc3); /* no half character */
        assert_true((unsigned char)error->op[strlen(error->op) - 4] != 0xc3);
        assert_true(strlen(error->argument) < sizeof error->argument);
        hn_context_destroy(context);
    }
}

typedef struct heard {
    int calls;
    hn_log_level level;
    char text[64];
} heard;

static void listen(void *user, hn_log_level level, const char *text)
{
    heard *last = user;
    last->calls++;
    last->level = level;
    (void)snprintf(last->text, sizeof last->text, "%s", text);
}

static void test_log(void **state)
{
    (void)state;
    heard last = {0};
    hn_context_options options;
    hn_context_options_default(&options);
    options.log = listen;
    options.log_user = &last;
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    hni_log(context, HN_LOG_WARNING, "step %d", 12);
    assert_int_equal(last.calls, 1);
    assert_int_equal(last.level, HN_LOG_WARNING);
    assert_string_equal(last.text, "step 12");
    hn_context_destroy(context);

    context = new_context();
    hni_log(context, HN_LOG_WARNING, "to nobody");
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_names_are_distinct),
        cmocka_unit_test(test_version_text_and_number_agree),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_context_lives_in_the_hook),
        cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_error_with_op_argument_and_shapes),
        cmocka_unit_test(test_text_is_one_clean_line),
        cmocka_unit_test(test_long_text_is_cut_between_characters),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
