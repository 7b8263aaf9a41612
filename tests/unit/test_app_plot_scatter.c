/* Points on two components: colours, shapes and words of groups, one scale on both axes; damage by no input. */
#include "pictures.h"

#include "app/plot/scatter.h"

static hn_status draw_scatter(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_scatter_picture(context, data, options, out);
}

static size_t discs_of(const hni_text *svg, int ink)
{
    char disc[40];
    (void)snprintf(disc, sizeof disc, "<circle class=\"f%d\"", ink);
    return count_of(svg->data, disc);
}

static void test_points_have_the_colours_of_their_groups(void **state)
{
    static const char *const groups[] = {"conv2", HOSTILE, "empty"};
    static const hni_scatter_point points[] = {{0, 0, 0, "layer 1 <tile 1>"},
                                               {1, 2, 0, NULL},
                                               {2, 1, 1, HOSTILE},
                                               {NOT_A_NUMBER, 0, 2, "x"},
                                               {1, 1, 7, "foreign"}};
    const hni_scatter scatter = {"<embeddings>", points, 5, groups, 3, false, {0.614, NOT_A_NUMBER}};
    hni_text svg = draw_everywhere(*state, draw_scatter, &scatter);
    assert_holds(svg.data, ">&lt;embeddings&gt;</text>");
    assert_holds(svg.data, ">conv2</text>");
    assert_holds(svg.data, ">" HOSTILE_SHOWN "</text>");
    assert_null(strstr(svg.data, ">empty</text>"));
    assert_holds(svg.data, "<title>layer 1 &lt;tile 1&gt;</title>");
    assert_holds(svg.data, "<title>conv2</title>"); /* without words: the group */
    assert_holds(svg.data, "<title>" HOSTILE_SHOWN "</title>");
    assert_holds(svg.data, "first component, 61 % of variance</text>");
    assert_holds(svg.data, ">second component</text>");
    assert_int_equal(discs_of(&svg, HNI_INK_SERIES), 2 + 1); /* and a key */
    assert_int_equal(discs_of(&svg, HNI_INK_SERIES + 1), 1 + 1);
    assert_int_equal(discs_of(&svg, HNI_INK_SERIES + 2), 0);
    assert_int_equal(discs_of(&svg, HNI_INK_MUTED), 1);
    hni_text_free(&svg);
}

static void test_many_groups_are_told_apart(void **state)
{
    enum { MANY = 40 };
    static const char *names[MANY];
    static hni_scatter_point points[MANY];
    char text[MANY][16];
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(text[i], sizeof text[i], "layer %zu", i);
        names[i] = text[i];
        points[i] = (hni_scatter_point){(double)i, sin((double)i), i, NULL};
    }
    hni_scatter scatter = {.points = points, .count = 18, .groups = names, .group_count = 18};
    hni_text svg = draw_everywhere(*state, draw_scatter, &scatter);
    assert_int_equal(discs_of(&svg, HNI_INK_SERIES), 2 * 2);          /* a disc and a ring, and their keys */
    assert_int_equal(discs_of(&svg, HNI_INK_PAPER), 2 * (6 + 2 * 6)); /* rims, and holes of rings */
    assert_int_equal(count_of(svg.data, "</text>"), 18 + 1 + count_of(svg.data, "text-anchor"));
    hni_text_free(&svg);

    scatter.count = scatter.group_count = MANY; /* more than there are shapes: a scale, with a bar */
    svg = draw_everywhere(*state, draw_scatter, &scatter);
    assert_holds(svg.data, ">layer 0</text>");
    assert_holds(svg.data, ">layer 39</text>");
    assert_null(strstr(svg.data, ">layer 20</text>"));
    assert_int_equal(discs_of(&svg, HNI_INK_HEAT + HNI_HEAT_INKS - 1), 1);
    assert_int_equal(discs_of(&svg, HNI_INK_SERIES), 0);
    hni_text_free(&svg);

    scatter.count = scatter.group_count = 3;
    scatter.ordered = true;
    svg = draw_everywhere(*state, draw_scatter, &scatter);
    assert_holds(svg.data, ">layer 1</text>");
    assert_int_equal(discs_of(&svg, HNI_INK_HEAT + HNI_HEAT_INKS - 1), 1 + 1);
    hni_text_free(&svg);
}

/* Distances mean the same in both directions. */
static void test_both_axes_have_one_scale(void **state)
{
    static const hni_scatter_point points[] = {{0, 0, 0, NULL}, {10, 0, 0, NULL}, {10, 10, 0, NULL}};
    hni_text svg = draw(*state, draw_scatter, &(hni_scatter){.points = points, .count = 3}, HNI_PICTURE_SVG, 864);
    double x[3], y[3];
    const char *at = svg.data;
    char disc[40];
    (void)snprintf(disc, sizeof disc, "<circle class=\"f%d\"", HNI_INK_SERIES);
    for (int i = 0; i < 3; i++) {
        at = strstr(at, disc);
        assert_non_null(at);
        assert_int_equal(sscanf(strstr(at, "cx="), "cx=\"%lf\" cy=\"%lf\"", &x[i], &y[i]), 2);
        at++;
    }
    assert_true(x[1] - x[0] > 50.0);
    assert_close(x[1] - x[0], y[1] - y[2], 0.0, 0.02);
    hni_text_free(&svg);
}

static void test_scatter_survives_odd_input(void **state)
{
    static const char *const long_names[] = {"ééééééééééééééééééééééééééééééééééééééééééééééé", ""};
    static const hni_scatter_point one[] = {{3, 4, 0, NULL}}, zero[] = {{0, 0, 0, "a"}, {0, 0, 1, ""}},
                                   bad[] = {{NOT_A_NUMBER, 0, 0, "a"}, {0, HUGE_VAL, 0, "a"}},
                                   huge[] = {{1e300, -1e300, 0, "a"}, {-1e308, 1e308, SIZE_MAX, NULL}},
                                   tiny[] = {{1e-300, 1e-300, 0, "a"}, {2e-300, 1e-300, 0, "b"}};
    const struct {
        const hni_scatter_point *points;
        size_t count, shown;
    } cases[] = {{one, 1, 1}, {zero, 2, 2}, {bad, 2, 0}, {huge, 2, 2}, {tiny, 2, 2}, {NULL, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t groups = 0; groups <= 2; groups++) {
            const hni_scatter scatter = {NULL,   cases[i].points, cases[i].count,          long_names,
                                         groups, groups == 1,     {HUGE_VAL, NOT_A_NUMBER}};
            hni_text svg = draw_everywhere(*state, draw_scatter, &scatter);
            assert_true(discs_of(&svg, HNI_INK_PAPER) >= cases[i].shown);
            assert_int_equal(strstr(svg.data, "no values yet") != NULL, cases[i].shown == 0);
            hni_text_free(&svg);
        }
    }
}

static void test_impossible_pictures_are_refused(void **state)
{
    const double sizes[][2] = {{100, 300}, {300, 100}, {NOT_A_NUMBER, 300}, {1e6, 300}};
    hni_text picture = {.context = *state};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const hni_canvas_options options = {.format = HNI_PICTURE_PNG, .width = sizes[i][0], .height = sizes[i][1]};
        hn_context_clear(*state);
        assert_int_equal(hni_scatter_picture(*state, &(hni_scatter){0}, &options, &picture), HN_ERROR_ARGUMENT);
        assert_true(strlen(hn_context_error(*state)->text) > 10);
    }
    hni_text_free(&picture);
}

static hn_status draw_all(hn_context *context, hni_picture_format format)
{
    static const hni_scatter_point points[] = {{0, 0, 0, "a"}, {1, 2, 0, NULL}};
    static const char *const groups[] = {"conv2"};
    const hni_canvas_options options = {.format = format, .width = 300, .height = 220};
    const hni_scatter scatter = {.points = points, .count = 2, .groups = groups, .group_count = 1};
    hni_text picture = {.context = context};
    hn_status status = hni_scatter_picture(context, &scatter, &options, &picture);
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
        WITH_CONTEXT(test_points_have_the_colours_of_their_groups),
        WITH_CONTEXT(test_many_groups_are_told_apart),
        WITH_CONTEXT(test_both_axes_have_one_scale),
        WITH_CONTEXT(test_scatter_survives_odd_input),
        WITH_CONTEXT(test_impossible_pictures_are_refused),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
