/* Confusion matrices: counts, shares and names; errors that the diagonal does not drown; damage by no input. */
#include "pictures.h"

#include "app/plot/confusion.h"

static hn_status draw_confusion(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_confusion_picture(context, data, options, out);
}

/* The ink of the first cell behind this text under the pointer. */
static int ink_of(const hni_text *svg, const char *title)
{
    int ink = -1;
    const char *at = strstr(svg->data, title);
    if (at == NULL) fail_msg("no cell is described by '%s'", title);
    assert_int_equal(sscanf(strstr(at, "<rect"), "<rect class=\"f%d\"", &ink), 1);
    return ink;
}

static void test_counts_shares_and_names(void **state)
{
    static const uint64_t counts[] = {960, 36, 4, 0, 500, 0, 3, 0, 997};
    static const char *const names[] = {HOSTILE, "dog", "abcdefghijklmnop"};
    const hni_confusion confusion = {3, counts, names};
    hni_text svg = draw_everywhere(*state, draw_confusion, &confusion);
    assert_holds(svg.data, ">2500 examples, 98.28 % right</text>");
    assert_int_equal(count_of(svg.data, ">" HOSTILE_SHOWN "</text>"), 2); /* a row and a column */
    assert_int_equal(count_of(svg.data, ">abcdefghijkl…</text>"), 2);
    assert_holds(svg.data, HOSTILE_SHOWN ", said dog: 36 of 1000 (3.6 %)</title>");
    assert_holds(svg.data, "<title>dog, said dog: 500 of 500 (100 %)</title>");
    assert_holds(svg.data, ">36</text>");
    assert_holds(svg.data, ">0.40 %</text>");
    assert_holds(svg.data, ">96.0 %</text>"); /* behind the row */
    assert_int_equal(count_of(svg.data, "<title>"), 1 + 6);
    assert_null(strstr(svg.data, ">0</text>")); /* an empty cell is empty */
    hni_text_free(&svg);
}

/* Whatever is right is on one side of the scale, whatever is wrong on the other, and the largest error is as strong as can be. */
static void test_errors_have_a_scale_of_their_own(void **state)
{
    static const uint64_t counts[] = {9990, 10, 0, 1, 9998, 1, 0, 0, 5000};
    const hni_confusion confusion = {3, counts, NULL};
    const int middle = HNI_INK_DIVERGING + HNI_DIVERGING_INKS / 2;
    hni_text svg = draw(*state, draw_confusion, &confusion, HNI_PICTURE_SVG, 864);
    assert_holds(svg.data, "up to 0.10 % of a class");
    assert_int_equal(ink_of(&svg, "<title>0, said 1: 10"), HNI_INK_DIVERGING + HNI_DIVERGING_INKS - 1);
    assert_in_range(ink_of(&svg, "<title>1, said 2: 1"), middle + 2, middle + 6);
    assert_int_equal(ink_of(&svg, "<title>2, said 2"), HNI_INK_DIVERGING);
    assert_in_range(ink_of(&svg, "<title>0, said 0"), HNI_INK_DIVERGING, HNI_INK_DIVERGING + 1);
    assert_holds(svg.data, ">99.9 %</text>"); /* 99.98 % is not all */
    hni_text_free(&svg);
}

static void test_without_errors_or_examples(void **state)
{
    static const uint64_t right[] = {7, 0, 0, 0}, none[] = {0, 0, 0, 0};
    hni_text svg = draw_everywhere(*state, draw_confusion, &(hni_confusion){2, right, NULL});
    assert_holds(svg.data, ">7 examples, 100.00 % right</text>");
    assert_null(strstr(svg.data, "wrong"));
    assert_holds(svg.data, ">–</text>"); /* a class without an example */
    hni_text_free(&svg);
    for (size_t classes = 0; classes <= 2; classes++) {
        svg = draw_everywhere(*state, draw_confusion, &(hni_confusion){classes, none, NULL});
        assert_holds(svg.data, "no examples yet");
        hni_text_free(&svg);
    }
}

/* Words get smaller, and are left out where nobody could read them; no cell is lost. */
static void test_many_classes(void **state)
{
    enum { MOST = HNI_CONFUSION_MOST };
    static uint64_t counts[MOST * MOST];
    static const char *names[MOST];
    for (size_t i = 0; i < MOST; i++)
        names[i] = i % 2 ? "éééééééééééé" : "plate";
    const size_t sizes[] = {1, 2, 10, 30, 100, MOST};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const size_t classes = sizes[s];
        for (size_t i = 0; i < classes * classes; i++)
            counts[i] = i % (classes + 1) == 0 ? UINT64_MAX / 2 : i % 7 == 0 ? 1 : 0;
        size_t expected = 1;
        for (size_t i = 0; i < classes * classes; i++)
            expected += counts[i] > 0;
        const hni_confusion confusion = {classes, counts, names};
        hni_text svg = draw_everywhere(*state, draw_confusion, &confusion);
        assert_int_equal(count_of(svg.data, "<title>"), expected);
        assert_int_equal(count_of(svg.data, ">plate</text>") > 0, classes <= 100);
        hni_text_free(&svg);
    }
}

static void test_impossible_pictures_are_refused(void **state)
{
    static const uint64_t counts[] = {1};
    const double widths[] = {100, NOT_A_NUMBER, 1e6, -1};
    hni_text picture = {.context = *state};
    for (size_t i = 0; i <= sizeof widths / sizeof widths[0]; i++) {
        const bool many = i == sizeof widths / sizeof widths[0];
        const hni_canvas_options options = {.format = HNI_PICTURE_PNG, .width = many ? 400 : widths[i]};
        const hni_confusion confusion = {many ? HNI_CONFUSION_MOST + 1 : 1, counts, NULL};
        hn_context_clear(*state);
        assert_int_equal(hni_confusion_picture(*state, &confusion, &options, &picture), HN_ERROR_ARGUMENT);
        assert_true(strlen(hn_context_error(*state)->text) > 10);
    }
    hni_text_free(&picture);
}

static hn_status draw_all(hn_context *context, hni_picture_format format)
{
    static const uint64_t counts[] = {5, 1, 0, 7};
    const hni_canvas_options options = {.format = format, .width = 300};
    hni_text picture = {.context = context};
    hn_status status = hni_confusion_picture(context, &(hni_confusion){2, counts, NULL}, &options, &picture);
    hni_text_free(&picture);
    return status;
}

static void test_each_failing_allocation_is_reported(void **state)
{
    (void)state;
    assert_failing_allocations_are_reported(draw_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONTEXT(test_counts_shares_and_names),         WITH_CONTEXT(test_errors_have_a_scale_of_their_own),
        WITH_CONTEXT(test_without_errors_or_examples),      WITH_CONTEXT(test_many_classes),
        WITH_CONTEXT(test_impossible_pictures_are_refused), cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
