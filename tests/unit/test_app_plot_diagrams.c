/* Histograms, paths, and a given figure on the learning curves: what they show, the same bytes each time, damage by no input. */
#include "pictures.h"

#include "app/plot/curves.h"
#include "app/plot/histogram.h"
#include "app/plot/path.h"
#include "app/plot/ranks.h"

static hn_status draw_histogram(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_histogram_picture(context, data, options, out);
}

static hn_status draw_path(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_path_picture(context, data, options, out);
}

static hn_status draw_ranks(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_ranks_picture(context, data, options, out);
}

static hn_status draw_curves(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_curves_picture(context, data, options, out);
}

static void test_counting(void **state)
{
    static const float values[] = {-1.0f,  -0.96f, -0.95f, -0.9f, 0.0f,     0.95f,
                                   0.951f, 1.0f,   7.0f,   NAN,   INFINITY, -INFINITY};
    (void)state;
    hni_histogram_counts counts = {0};
    assert_true(isnan(hni_histogram_saturated(&counts)));
    hni_histogram_add(&counts, values, sizeof values / sizeof values[0]);
    assert_int_equal(counts.total, 11);
    assert_int_equal(counts.bins[0], 3);  /* -1, -0.96, -inf */
    assert_int_equal(counts.bins[1], 1);  /* -0.95: |φ| is not above it */
    assert_int_equal(counts.bins[20], 1); /* 0 */
    assert_int_equal(counts.bins[38], 1); /* 0.95 */
    assert_int_equal(counts.bins[39], 4); /* 0.951, 1, 7, inf */
    assert_close(hni_histogram_saturated(&counts), 7.0 / 11.0, 0.0, 1e-15);
    hni_histogram_add(&counts, values + 4, 1);
    assert_int_equal(counts.bins[20], 2);
    assert_int_equal(counts.total, 12);
}

static void test_histogram_shows_names_and_shares(void **state)
{
    hni_histogram_series series[] = {{.name = HOSTILE}, {.name = "HyperLSTM"}, {.name = "nothing"}};
    static const float first[] = {-1.0f, 0.01f, 0.02f, 0.96f}, second[] = {0.5f};
    hni_histogram_add(&series[0].counts, first, 4);
    hni_histogram_add(&series[1].counts, second, 1);
    hni_histogram histogram = {.series = series, .count = 3};
    hni_text svg = draw_everywhere(*state, draw_histogram, &histogram);
    assert_holds(svg.data, ">" HOSTILE_SHOWN "</text>");
    assert_holds(svg.data, ">50.0 % saturated</text>");
    assert_holds(svg.data, ">0.0 % saturated</text>");
    assert_int_equal(count_of(svg.data, ">no values</text>"), 1);
    assert_holds(svg.data, ": 50 % between 0.00 and 0.05</title>");
    assert_holds(svg.data, "HyperLSTM: 100 % between 0.50 and 0.55</title>");
    assert_holds(svg.data, "saturated: |φ(c)| &gt; 0.95");
    /* the paper, the legend's key, a key for each name, and the bars: 3 and 1 */
    assert_int_equal(count_of(svg.data, "<rect"), 1 + 1 + 3 + 4);
    hni_text_free(&svg);
    histogram.quantity = "φ(LN(c))";
    svg = draw(*state, draw_histogram, &histogram, HNI_PICTURE_SVG, 600);
    assert_holds(svg.data, "saturated: |φ(LN(c))| &gt; 0.95");
    hni_text_free(&svg);
}

static void test_histogram_survives_odd_input(void **state)
{
    hni_histogram_series series[9] = {{.name = ""}};
    for (size_t s = 0; s < 9; s++) {
        series[s].name = "ééééééééééééééééééééééééééééééééééééééééééééééééé";
        for (size_t bin = 0; bin < HNI_HISTOGRAM_BINS; bin++)
            series[s].counts.bins[bin] = UINT64_MAX / HNI_HISTOGRAM_BINS;
        series[s].counts.total = UINT64_MAX;
    }
    for (size_t count = 0; count <= 9; count++) {
        hni_text svg = draw_everywhere(*state, draw_histogram, &(hni_histogram){.series = series, .count = count});
        if (count == 0) assert_holds(svg.data, "no values yet");
        if (count > 0) assert_int_equal(count_of(svg.data, ">5.0 % saturated</text>"), count);
        hni_text_free(&svg);
    }
}

static void test_path_shows_points_and_shares(void **state)
{
    hni_path_point points[] = {
        {0.0, 0.0, "<", 1},  {1.0, 1.0, " ", 1}, {NOT_A_NUMBER, 1.0, "z", 1},
        {2.0, 0.0, "\n", 1}, {3.0, 1.0, "é", 2}, {4.0, 0.5, NULL, 0},
    };
    hni_path path = {.name = HOSTILE, .points = points, .count = 6, .share = {0.614, NOT_A_NUMBER}};
    hni_text svg = draw_everywhere(*state, draw_path, &path);
    assert_holds(svg.data, ">" HOSTILE_SHOWN "</text>");
    assert_holds(svg.data, "first component, 61 % of variance</text>");
    assert_holds(svg.data, ">second component</text>");
    assert_holds(svg.data, "<title>1: &lt;</title>");
    assert_holds(svg.data, "<title>2: ␣</title>");
    assert_holds(svg.data, "<title>4: ↵</title>");
    assert_holds(svg.data, "<title>5: é</title>");
    assert_holds(svg.data, "<title>6</title>");
    assert_null(strstr(svg.data, "z</text>"));
    assert_holds(svg.data, ">5 symbols</text>");
    assert_int_equal(count_of(svg.data, "<circle"), 5);
    assert_holds(svg.data, ">é</text>");
    hni_text_free(&svg);
}

/* Distances mean the same in both directions. */
static void test_path_has_one_scale(void **state)
{
    hni_path_point points[] = {{0, 0, NULL, 0}, {10, 0, NULL, 0}, {10, 10, NULL, 0}};
    hni_text svg = draw(*state, draw_path, &(hni_path){.points = points, .count = 3}, HNI_PICTURE_SVG, 864);
    double x[3], y[3];
    const char *at = svg.data;
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "<circle");
        assert_non_null(at);
        assert_int_equal(sscanf(strstr(at, "cx="), "cx=\"%lf\" cy=\"%lf\"", &x[i], &y[i]), 2);
        at++;
    }
    assert_true(x[1] - x[0] > 50.0);
    assert_close(x[1] - x[0], y[1] - y[2], 0.0, 0.02);
    hni_text_free(&svg);
}

static void test_long_path_is_thinned(void **state)
{
    enum { COUNT = 100000 };
    hni_path_point *points = calloc(COUNT, sizeof *points);
    for (int i = 0; i < COUNT; i++)
        points[i] = (hni_path_point){sin(i * 0.001), cos(i * 0.0017), "ab", 1};
    hni_text svg = draw(*state, draw_path, &(hni_path){.points = points, .count = COUNT}, HNI_PICTURE_SVG, 864);
    assert_sound(&svg);
    assert_holds(svg.data, ">100000 symbols, one of 50 drawn</text>");
    assert_int_equal(count_of(svg.data, "<circle"), 2000);
    assert_true(count_of(svg.data, ">a</text>") > 20);
    assert_true(count_of(svg.data, ">a</text>") <= 90);
    hni_text_free(&svg);
    free(points);
}

static void test_path_survives_odd_input(void **state)
{
    static const hni_path_point one[] = {{3, 4, "a", 1}}, zero[] = {{0, 0, "\xff", 1}, {0, 0, "b", 1}},
                                bad[] = {{NOT_A_NUMBER, 0, "a", 1}, {0, HUGE_VAL, "a", 1}},
                                huge[] = {{1e300, -1e300, "a", 1}, {-1e308, 1e308, "b", 1}},
                                tiny[] = {{1e-300, 1e-300, "a", 1}, {2e-300, 1e-300, "b", 1}};
    const struct {
        const hni_path_point *points;
        size_t count, shown;
    } cases[] = {{one, 1, 1}, {zero, 2, 2}, {bad, 2, 0}, {huge, 2, 2}, {tiny, 2, 2}, {NULL, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hni_path path = {.points = cases[i].points, .count = cases[i].count, .share = {HUGE_VAL, NOT_A_NUMBER}};
        hni_text svg = draw_everywhere(*state, draw_path, &path);
        assert_int_equal(count_of(svg.data, "<circle"), cases[i].shown);
        if (cases[i].shown == 0) assert_holds(svg.data, "no values yet");
        hni_text_free(&svg);
    }
}

static const hni_point train[] = {{10, 3.0}, {20, 2.0}, {1500, 1.5}};
static const hni_point valid[] = {{20, 2.75}, {1500, 2.25}};

static void test_first_point_at_a_level(void **state)
{
    (void)state;
    hni_point first;
    hni_series both = {"both", train, 3, valid, 2}, only = {"only", train, 3, NULL, 0};
    assert_true(hni_series_first(&both, 2.5, &first));
    assert_close(first.x, 1500, 0, 0);
    assert_true(hni_series_first(&both, 2.75, &first)); /* at it is enough */
    assert_close(first.x, 20, 0, 0);
    assert_false(hni_series_first(&both, 2.0, &first)); /* training does not count where there is validation */
    assert_true(hni_series_first(&only, 2.0, &first));
    assert_close(first.x, 20, 0, 0);
    assert_false(hni_series_first(&only, NOT_A_NUMBER, &first));
}

static void test_level_has_marks_and_a_table(void **state)
{
    hni_series series[] = {{HOSTILE, train, 3, valid, 2}, {"only", train, 3, NULL, 0}, {"empty", NULL, 0, NULL, 0}};
    hni_curves curves = {.quantity = "bits per character", .series = series, .count = 3, .level = 2.5};
    hni_text svg = draw_everywhere(*state, draw_curves, &curves);
    assert_holds(svg.data, "first at or below 2.500 bits per character after</text>");
    assert_holds(svg.data, ">1,500 steps</text>");
    assert_holds(svg.data, ">20 steps</text>");
    assert_int_equal(count_of(svg.data, ">not reached</text>"), 1);
    assert_holds(svg.data, HOSTILE_SHOWN ": at or below 2.500 first after 1,500 steps</title>");
    hni_text_free(&svg);
    curves.axis = HNI_CURVES_EPOCHS;
    svg = draw(*state, draw_curves, &curves, HNI_PICTURE_SVG, 864);
    assert_holds(svg.data, ">epochs</text>");
    assert_holds(svg.data, ">20 epochs</text>");
    hni_text_free(&svg);
    curves.axis = HNI_CURVES_SECONDS;
    svg = draw(*state, draw_curves, &curves, HNI_PICTURE_SVG, 864);
    assert_holds(svg.data, ">25 min 0 s</text>");
    hni_text_free(&svg);
    curves.plain_level = true;
    svg = draw(*state, draw_curves, &curves, HNI_PICTURE_SVG, 864);
    assert_null(strstr(svg.data, "first at or below 2.500 bits per character after</text>"));
    assert_holds(svg.data, "first after 25 min 0 s</title>");
    hni_text_free(&svg);
    curves.level = 0;
    svg = draw(*state, draw_curves, &curves, HNI_PICTURE_SVG, 864);
    assert_null(strstr(svg.data, "first at"));
    hni_text_free(&svg);
}

static void test_odd_levels(void **state)
{
    static const double levels[] = {1e300, -1e300, 1e-300, NOT_A_NUMBER, HUGE_VAL, -3.0};
    hni_series series[] = {{"one", train, 3, valid, 2}};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        for (size_t count = 0; count <= 1; count++) {
            hni_curves curves = {
                .quantity = "bpc", .series = series, .count = count, .level = levels[i], .logarithmic = i % 2 == 0};
            hni_text svg = draw_everywhere(*state, draw_curves, &curves);
            hni_text_free(&svg);
        }
    }
}

static void assert_place(hni_curves_axis axis, double x, const char *expected)
{
    char text[64];
    hni_curves_place_text(axis, x, text, sizeof text);
    assert_string_equal(text, expected);
}

static void test_words_for_places(void **state)
{
    (void)state;
    assert_place(HNI_CURVES_STEPS, 0, "0 steps");
    assert_place(HNI_CURVES_STEPS, 1, "1 step");
    assert_place(HNI_CURVES_STEPS, 12345, "12,345 steps");
    assert_place(HNI_CURVES_STEPS, 2500000, "2.5M steps");
    assert_place(HNI_CURVES_EPOCHS, 0.25, "0.25 epochs");
    assert_place(HNI_CURVES_SECONDS, 1.23, "1.2 s");
    assert_place(HNI_CURVES_SECONDS, 52, "52 s");
    assert_place(HNI_CURVES_SECONDS, 500, "8 min 20 s");
    assert_place(HNI_CURVES_SECONDS, 7500, "2 h 5 min");
    assert_place(HNI_CURVES_SECONDS, NOT_A_NUMBER, "–");
    assert_place(HNI_CURVES_STEPS, -1, "–");
}

static const hni_point rising[] = {{100, 1.0}, {200, 2.5}, {300, NOT_A_NUMBER}, {1500, 3.75}};

static void test_ranks_show_gates_bounds_and_values(void **state)
{
    const hni_ranks_line gates[] = {{"i", rising, 4}, {HOSTILE, rising, 2}, {"f", NULL, 0}};
    const hni_ranks_line alone[] = {{"", rising, 4}};
    const hni_ranks_panel panels[] = {{"z_h", gates, 3}, {HOSTILE, alone, 1}};
    hni_ranks ranks = {.panels = panels, .count = 2, .most = 4};
    hni_text svg = draw_everywhere(*state, draw_ranks, &ranks);
    assert_holds(svg.data, ">z_h</text>");
    assert_holds(svg.data, ">" HOSTILE_SHOWN "</text>");
    assert_holds(svg.data, "dashed: 1, the least, and E = 4</text>");
    assert_holds(svg.data, "<title>z_h, i: 3.750 after 1,500 steps</title>");
    assert_holds(svg.data, ": 2.500 after 200 steps</title>");
    assert_int_equal(count_of(svg.data, "<circle"), 3 + 2 + 3);
    assert_int_equal(count_of(svg.data, "stroke-dasharray=\"4\""), 2 * 2); /* both bounds in each diagram */
    hni_text_free(&svg);
    ranks.most = NOT_A_NUMBER;
    svg = draw(*state, draw_ranks, &ranks, HNI_PICTURE_SVG, 864);
    assert_int_equal(count_of(svg.data, "stroke-dasharray=\"4\""), 2);
    assert_null(strstr(svg.data, "E ="));
    hni_text_free(&svg);
}

/* The line at E and that at 1 are as far apart as the numbers at the axis say, in both kinds of axis. */
static void test_large_ranks_have_a_logarithmic_axis(void **state)
{
    static const hni_point flat[] = {{100, 0.9999999}, {200, 8.0}, {300, 64.0}}; /* 1 but for rounding */
    const hni_ranks_line line = {"", flat, 3};
    const hni_ranks_panel panel = {"z_h", &line, 1};
    hni_text svg =
        draw(*state, draw_ranks, &(hni_ranks){.panels = &panel, .count = 1, .most = 64}, HNI_PICTURE_SVG, 400);
    double y[3];
    const char *at = svg.data;
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "<circle");
        assert_non_null(at);
        assert_int_equal(sscanf(strstr(at, "cy="), "cy=\"%lf\"", &y[i]), 1);
        at++;
    }
    assert_close(y[0] - y[1], y[1] - y[2], 0.0, 0.05); /* equal factors, equal distances */
    hni_text_free(&svg);
}

static void test_ranks_survive_odd_input(void **state)
{
    enum { MANY = 5000 };
    static hni_point points[MANY];
    for (int i = 0; i < MANY; i++)
        points[i] = (hni_point){i, 1.0 + i % 3};
    static const hni_point one[] = {{0, 1.0}}, bad[] = {{NOT_A_NUMBER, 1}, {1, HUGE_VAL}, {1, -1}},
                           zero[] = {{1, 0}, {2, 0}}, huge[] = {{1e300, 1e300}, {1, 1e-300}};
    const hni_ranks_line lines[] = {{"a", one, 1},  {"b", bad, 3},       {"c", zero, 2}, {"d", huge, 2},
                                    {"e", NULL, 0}, {"f", points, MANY}, {"g", one, 1},  {"h", one, 1}};
    for (size_t first = 0; first < 6; first++) {
        for (size_t count = 0; count <= 3; count++) {
            const hni_ranks_panel panels[] = {{"", lines + first, count},
                                              {"z", lines, 0},
                                              {"ééééééééééééééééééé", lines, 8},
                                              {"w", lines + first, 1},
                                              {"v", lines, 1}};
            hni_ranks ranks = {.panels = panels,
                               .count = 5 * (count % 2) + 1 - count % 2,
                               .axis = (hni_curves_axis)(first % 3),
                               .most = 64};
            hni_text svg = draw_everywhere(*state, draw_ranks, &ranks);
            hni_text_free(&svg);
        }
    }
    hni_text svg = draw_everywhere(*state, draw_ranks, &(hni_ranks){.count = 0});
    assert_holds(svg.data, "no values yet");
    hni_text_free(&svg);
}

static void test_pictures_of_impossible_size_are_refused(void **state)
{
    const double sizes[] = {100, 1e6, NOT_A_NUMBER, -1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hni_canvas_options options = {.format = HNI_PICTURE_PNG, .width = sizes[i], .height = 300};
        hni_text picture = {.context = *state};
        hn_context_clear(*state);
        assert_int_equal(hni_histogram_picture(*state, &(hni_histogram){0}, &options, &picture), HN_ERROR_ARGUMENT);
        hn_context_clear(*state);
        assert_int_equal(hni_path_picture(*state, &(hni_path){0}, &options, &picture), HN_ERROR_ARGUMENT);
        hn_context_clear(*state);
        assert_int_equal(hni_ranks_picture(*state, &(hni_ranks){0}, &options, &picture), HN_ERROR_ARGUMENT);
        assert_true(strlen(hn_context_error(*state)->text) > 10);
        hni_text_free(&picture);
    }
}

static hn_status draw_all(hn_context *context, hni_picture_format format)
{
    static const hni_path_point points[] = {{0, 0, "a", 1}, {1, 2, "b", 1}};
    hni_histogram_series series[] = {{.name = "LSTM", .counts = {.bins = {1}, .total = 1}}};
    hni_series run[] = {{"run", train, 3, valid, 2}};
    const hni_ranks_line line = {"i", rising, 4};
    const hni_ranks_panel panel = {"z_h", &line, 1};
    hni_canvas_options options = {.format = format, .width = 300, .height = 220};
    hni_text picture = {.context = context};
    hn_status status = HN_OK;
    HNI_TRY(hni_histogram_picture(context, &(hni_histogram){.series = series, .count = 1}, &options, &picture));
    HNI_TRY(hni_path_picture(context, &(hni_path){.points = points, .count = 2}, &options, &picture));
    HNI_TRY(hni_ranks_picture(context, &(hni_ranks){.panels = &panel, .count = 1}, &options, &picture));
    HNI_TRY(hni_curves_picture(context, &(hni_curves){.quantity = "bpc", .series = run, .count = 1, .level = 2.5},
                               &options, &picture));

cleanup:
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
        cmocka_unit_test(test_counting),
        WITH_CONTEXT(test_histogram_shows_names_and_shares),
        WITH_CONTEXT(test_histogram_survives_odd_input),
        WITH_CONTEXT(test_path_shows_points_and_shares),
        WITH_CONTEXT(test_path_has_one_scale),
        WITH_CONTEXT(test_long_path_is_thinned),
        WITH_CONTEXT(test_path_survives_odd_input),
        cmocka_unit_test(test_first_point_at_a_level),
        WITH_CONTEXT(test_level_has_marks_and_a_table),
        WITH_CONTEXT(test_odd_levels),
        cmocka_unit_test(test_words_for_places),
        WITH_CONTEXT(test_ranks_show_gates_bounds_and_values),
        WITH_CONTEXT(test_large_ranks_have_a_logarithmic_axis),
        WITH_CONTEXT(test_ranks_survive_odd_input),
        WITH_CONTEXT(test_pictures_of_impossible_size_are_refused),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
