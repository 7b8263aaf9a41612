/* The drawings in all three forms: same bytes each time, damage by no input, and what they show stands in the SVG. */
#include "pictures.h"

#include "app/plot/axis.h"
#include "app/plot/curves.h"
#include "app/plot/heat.h"
#include "core/alloc.h"

#define BYTES_OF_TEXT 12
static const unsigned char sample[] = "ab <c>\n\xff"
                                      "é d"; /* é: two bytes */

typedef struct heat_case {
    hni_heat heat;
    float values[HNI_GATES][BYTES_OF_TEXT];
} heat_case;

static void fill_heat(heat_case *made)
{
    made->heat = (hni_heat){.bytes = sample, .count = BYTES_OF_TEXT};
    for (int gate = 0; gate < HNI_GATES; gate++) {
        made->heat.change[gate] = made->values[gate];
        for (int i = 0; i < BYTES_OF_TEXT; i++)
            made->values[gate][i] = (float)(i + 1) * (float)(gate + 1);
    }
}

static hni_text draw_heat(hn_context *context, const hni_heat *heat, hni_picture_format format)
{
    hni_text picture = {.context = context};
    hni_canvas_options options = {.format = format, .title = "weights <&>"};
    assert_int_equal(hni_heat_picture(context, heat, 40, &options, &picture), HN_OK);
    return picture;
}

static hni_text draw_curves(hn_context *context, const hni_curves *curves, hni_picture_format format)
{
    hni_text picture = {.context = context};
    hni_canvas_options options = {.format = format, .width = 640, .height = 360, .title = "curves"};
    assert_int_equal(hni_curves_picture(context, curves, &options, &picture), HN_OK);
    return picture;
}

/* ---- heat ------------------------------------------------------------------------------------------------------------ */

static void test_every_format_begins_as_it_should_and_repeats(void **state)
{
    static const char *const begins[] = {"<?xml", "\x89PNG", "%PDF"};
    heat_case made;
    fill_heat(&made);
    for (int format = HNI_PICTURE_SVG; format <= HNI_PICTURE_PDF; format++) {
        hni_text first = draw_heat(*state, &made.heat, (hni_picture_format)format);
        hni_text second = draw_heat(*state, &made.heat, (hni_picture_format)format);
        assert_memory_equal(first.data, begins[format], 4);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        hni_text_free(&first);
        hni_text_free(&second);
    }
}

static void test_heat_svg_shows_text_and_values(void **state)
{
    heat_case made;
    fill_heat(&made);
    made.values[2][0] = NAN;
    hni_text svg = draw_heat(*state, &made.heat, HNI_PICTURE_SVG);
    assert_non_null(strstr(svg.data, ">ab &lt;c&gt;</text>"));
    assert_non_null(strstr(svg.data, "<title>a: i 1, g 2, f no value, o 4</title>"));
    assert_non_null(strstr(svg.data, "<title>byte 0xff: i 8, g 16, f 24, o 32</title>"));
    assert_non_null(strstr(svg.data, "<title>é: i 10, g 20, f 30, o 40</title>")); /* the larger of two bytes */
    assert_non_null(strstr(svg.data, "<title>space:"));
    assert_non_null(strstr(svg.data, "2nd to 98th percentile"));
    assert_non_null(strstr(svg.data, "<title>weights &lt;&amp;&gt;</title>"));
    /* a cell for each of 11 glyphs and 4 gates, the colour bar, the paper */
    assert_int_equal(count_of(svg.data, "<rect"), 11 * 4 + HNI_HEAT_INKS + 1);
    hni_text_free(&svg);
}

/* An RNN has one gate and no name for it; other counts are numbered, or named by the caller. */
static void test_heat_of_other_gates(void **state)
{
    static const char *const names[] = {"aa", "longer", "<", "d", "e"};
    heat_case made;
    fill_heat(&made);
    made.heat.quantity = "change of scales";
    made.heat.gates = 1;
    hni_text svg = draw_heat(*state, &made.heat, HNI_PICTURE_SVG);
    assert_non_null(strstr(svg.data, "<title>a: 1</title>"));
    assert_non_null(strstr(svg.data, ">change of scales</text>"));
    assert_null(strstr(svg.data, ">i</text>"));
    assert_int_equal(count_of(svg.data, "<rect"), 11 * 1 + HNI_HEAT_INKS + 1);
    hni_text_free(&svg);
    made.heat.gates = 5;
    made.heat.change[4] = made.values[0];
    svg = draw_heat(*state, &made.heat, HNI_PICTURE_SVG);
    assert_non_null(strstr(svg.data, "<title>a: 0 1, 1 2, 2 3, 3 4, 4 1</title>"));
    assert_int_equal(count_of(svg.data, "<rect"), 11 * 5 + HNI_HEAT_INKS + 1);
    hni_text_free(&svg);
    made.heat.gate_names = names;
    svg = draw_heat(*state, &made.heat, HNI_PICTURE_SVG);
    assert_non_null(strstr(svg.data, "<title>a: aa 1, longer 2, &lt; 3, d 4, e 1</title>"));
    assert_non_null(strstr(svg.data, ">lo…</text>"));
    hni_text_free(&svg);
    made.heat.gates = 1;
    made.heat.gate_names = NULL;
    hni_text text = {.context = *state};
    assert_int_equal(hni_heat_ansi(*state, &made.heat, 40, HNI_ANSI_SHADES, &text), HN_OK);
    assert_memory_equal(text.data, "  ab <c>↵\n  ", 14);
    assert_int_equal(count_of(text.data, "\n"), 2 * 2 + 1); /* two lines of text with one of cells each, the bar */
    hni_text_free(&text);
}

static void test_heat_range_leaves_out_outliers_and_nan(void **state)
{
    enum { COUNT = 1000 };
    static float values[COUNT];
    static unsigned char text[COUNT];
    hni_heat heat = {.bytes = text, .count = COUNT, .change = {values, values, values, values}};
    hni_heat_range range;
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)i / (float)(COUNT - 1);
    values[0] = NAN;
    values[COUNT - 1] = 1e30f;
    assert_int_equal(hni_heat_range_of(*state, &heat, &range), HN_OK);
    assert_int_equal(range.values, 4 * (COUNT - 1));
    assert_close(range.low, 0.021, 0.0, 0.002);
    assert_close(range.high, 0.980, 0.0, 0.002);
    assert_close(hni_heat_share(&range, 1e30), 1.0, 0.0, 0.0);
    assert_close(hni_heat_share(&range, -1.0), 0.0, 0.0, 0.0);
    assert_true(isnan(hni_heat_share(&range, (double)NAN)));
}

static void test_heat_without_values_or_text(void **state)
{
    heat_case made;
    fill_heat(&made);
    for (int gate = 0; gate < HNI_GATES; gate++)
        for (int i = 0; i < BYTES_OF_TEXT; i++)
            made.values[gate][i] = NAN;
    hni_text svg = draw_heat(*state, &made.heat, HNI_PICTURE_SVG);
    assert_non_null(strstr(svg.data, "no finite values"));
    hni_text_free(&svg);
    made.heat.count = 0;
    svg = draw_heat(*state, &made.heat, HNI_PICTURE_PNG);
    assert_true(svg.size > 0);
    hni_text_free(&svg);
}

static void assert_lines(hn_context *context, const char *text, int columns, const char *expected)
{
    hni_heat heat = {.bytes = (const unsigned char *)text, .count = strlen(text)};
    hni_heat_line *lines = NULL;
    size_t count = 0;
    hni_text joined = {.context = context};
    assert_int_equal(hni_heat_wrap(context, &heat, columns, &lines, &count), HN_OK);
    for (size_t i = 0; i < count; i++) {
        hni_text_add_bytes(&joined, text + lines[i].start, lines[i].end - lines[i].start);
        hni_text_add(&joined, "|");
    }
    assert_string_equal(joined.data, expected);
    hni_text_free(&joined);
    hni_free(context, lines);
}

static void test_wrapping(void **state)
{
    assert_lines(*state, "one two three", 8, "one two |three|");
    assert_lines(*state, "one\n\ntwo", 8, "one\n|\n|two|");
    assert_lines(*state, "abcdefghij", 4, "abcd|efgh|ij|");
    assert_lines(*state, "a bcdefghij", 8, "a bcdefg|hij|"); /* a break after "a " would waste the line */
    assert_lines(*state, "日本語日本語", 5, "日本|語日|本語|");
    hni_heat heat = {.bytes = sample, .count = 3};
    hni_heat_line *lines = NULL;
    size_t count = 0;
    assert_int_equal(hni_heat_wrap(*state, &heat, 3, &lines, &count), HN_ERROR_ARGUMENT);
}

static void test_ansi(void **state)
{
    heat_case made;
    fill_heat(&made);
    made.values[0][0] = INFINITY;
    hni_text text = {.context = *state};
    assert_int_equal(hni_heat_ansi(*state, &made.heat, 40, HNI_ANSI_SHADES, &text), HN_OK);
    assert_null(strchr(text.data, '\033'));
    assert_memory_equal(text.data, "  ab <c>↵\ni ?", 14);
    hni_text_free(&text);
    assert_int_equal(hni_heat_ansi(*state, &made.heat, 40, HNI_ANSI_TRUE, &text), HN_OK);
    assert_non_null(strstr(text.data, "\033[48;2;"));
    hni_text_free(&text);
    assert_int_equal(hni_heat_ansi(*state, &made.heat, 40, HNI_ANSI_256, &text), HN_OK);
    assert_non_null(strstr(text.data, "\033[48;5;"));
    hni_text_free(&text);

    assert_int_equal(hni_ansi_choose("1", "truecolor", "xterm"), HNI_ANSI_SHADES);
    assert_int_equal(hni_ansi_choose("", "truecolor", "xterm"), HNI_ANSI_TRUE); /* an empty NO_COLOR does not count */
    assert_int_equal(hni_ansi_choose(NULL, NULL, "xterm-256color"), HNI_ANSI_256);
    assert_int_equal(hni_ansi_choose(NULL, NULL, "dumb"), HNI_ANSI_SHADES);
    assert_int_equal(hni_ansi_choose(NULL, NULL, NULL), HNI_ANSI_SHADES);
}

/* ---- curves ------------------------------------------------------------------------------------------------------------ */

static const hni_point train[] = {{1, 8.0}, {50, 3.0}, {100, 2.5}, {150, (double)NAN}, {200, 2.2}};
static const hni_point valid[] = {{100, 2.6}, {200, 2.3}};

static void test_curves_svg_names_runs_and_values(void **state)
{
    hni_series series[] = {{"A <&> B", train, 5, valid, 2}, {"only training", train, 5, NULL, 0}};
    hni_curves curves = {.quantity = "bits per character", .series = series, .count = 2};
    hni_text svg = draw_curves(*state, &curves, HNI_PICTURE_SVG);
    assert_non_null(strstr(svg.data, "A &lt;&amp;&gt; B: 2.6000 bits per character after 100 steps"));
    assert_non_null(strstr(svg.data, "2.30  A &lt;&amp;&gt; B"));
    assert_non_null(strstr(svg.data, "2.20  only training"));
    assert_non_null(strstr(svg.data, "begins at 8.00"));
    assert_null(strstr(svg.data, "nan"));
    hni_text_free(&svg);
}

static void test_curves_survive_odd_input(void **state)
{
    static const hni_point one[] = {{0, 5.0}}, equal[] = {{1, 2.0}, {2, 2.0}},
                           bad[] = {{(double)NAN, 1.0}, {1.0, (double)INFINITY}};
    static const hni_point huge[] = {{1, 1e300}, {1e300, -1e300}};
    static const char long_name[] = "ééééééééééééééééééééééééééééééééééééééééééééééééééé\xff";
    hni_series series[] = {
        {"one", one, 1, one, 1},       {"equal", equal, 2, equal, 2}, {"bad", bad, 2, NULL, 0},
        {"", NULL, 0, NULL, 0},        {long_name, huge, 2, huge, 2}, {"six", train, 5, valid, 2},
        {"seven", train, 5, valid, 2},
    };
    for (int format = HNI_PICTURE_SVG; format <= HNI_PICTURE_PDF; format++) {
        for (size_t first = 0; first < 7; first++) {
            for (size_t count = 0; first + count <= 7; count++) {
                hni_curves curves = {.quantity = "bits per character",
                                     .series = series + first,
                                     .count = count,
                                     .logarithmic = count % 2 == 1,
                                     .axis = count % 3 == 0 ? HNI_CURVES_SECONDS : HNI_CURVES_STEPS};
                hni_text picture = draw_curves(*state, &curves, (hni_picture_format)format);
                assert_true(picture.size > 0);
                hni_text_free(&picture);
            }
        }
    }
}

/* Names stand once: at the lines' ends where there is room, else in a legend; a run without values has only the legend. */
static void test_curves_name_each_run_once(void **state)
{
    const hni_point points[2] = {{1, 4}, {2, 3}};
    hni_series series[2] = {{.name = "first", .train = points, .train_count = 2},
                            {.name = "second", .train = points, .train_count = 2}};
    hni_curves curves = {.quantity = "bits per character", .series = series, .count = 2, .axis = HNI_CURVES_STEPS};
    hni_text wide = draw_curves(*state, &curves, HNI_PICTURE_SVG);
    assert_int_equal(count_of(wide.data, ">first</text>"), 0);
    assert_int_equal(count_of(wide.data, "  first</text>"), 1);
    hni_text narrow = {.context = *state};
    const hni_canvas_options options = {.format = HNI_PICTURE_SVG, .width = 330, .height = 300};
    assert_int_equal(hni_curves_picture(*state, &curves, &options, &narrow), HN_OK);
    assert_int_equal(count_of(narrow.data, "first</text>"), 1);
    series[1].train_count = 0;
    hni_text empty = draw_curves(*state, &curves, HNI_PICTURE_SVG);
    assert_int_equal(count_of(empty.data, ">second</text>"), 1);
    hni_text_free(&wide);
    hni_text_free(&narrow);
    hni_text_free(&empty);
}

static void test_pictures_of_impossible_size_are_refused(void **state)
{
    const double sizes[][2] = {{100, 100}, {1e6, 400}, {0.0 / 0.0, 400}, {400, -1}};
    hni_curves curves = {.quantity = "bits per character", .series = NULL};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hni_text picture = {.context = *state};
        hni_canvas_options options = {.format = HNI_PICTURE_PNG, .width = sizes[i][0], .height = sizes[i][1]};
        hn_context_clear(*state);
        assert_int_equal(hni_curves_picture(*state, &curves, &options, &picture), HN_ERROR_ARGUMENT);
        assert_true(strlen(hn_context_error(*state)->text) > 10);
        hni_text_free(&picture);
    }
}

static void test_format_of_a_name(void **state)
{
    hni_picture_format format = HNI_PICTURE_SVG;
    assert_int_equal(hni_picture_format_of(*state, "a/b.PDF", &format), HN_OK);
    assert_int_equal(format, HNI_PICTURE_PDF);
    assert_int_equal(hni_picture_format_of(*state, "b.png", &format), HN_OK);
    assert_int_equal(format, HNI_PICTURE_PNG);
    assert_int_equal(hni_picture_format_of(*state, "b.jpeg", &format), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(*state)->text, ".svg, .png or .pdf"));
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static hn_status draw_both(hn_context *context, hni_picture_format format)
{
    heat_case made;
    hni_series series[] = {{"run", train, 5, valid, 2}};
    hni_curves curves = {.quantity = "bits per character", .series = series, .count = 1};
    hni_canvas_options options = {.format = format, .width = 300, .height = 200};
    hni_text picture = {.context = context};
    hn_status status = HN_OK;
    fill_heat(&made);
    HNI_TRY(hni_heat_picture(context, &made.heat, 40, &options, &picture));
    HNI_TRY(hni_curves_picture(context, &curves, &options, &picture));

cleanup:
    hni_text_free(&picture);
    return status;
}

static void test_each_failing_allocation_is_reported(void **state)
{
    (void)state;
    assert_failing_allocations_are_reported(draw_both);
}

/* ---- axes ---------------------------------------------------------------------------------------------------------------- */

static void assert_axis(double low, double high, bool logarithmic, const char *expected)
{
    hni_axis axis;
    char text[1024] = "", label[64];
    hni_axis_make(&axis, low, high, 5, logarithmic);
    for (size_t i = 0; i < axis.tick_count; i++) {
        hni_axis_label(&axis, axis.ticks[i], label, sizeof label);
        strcat(strcat(text, label), " ");
    }
    assert_string_equal(text, expected);
}

static void test_ticks(void **state)
{
    (void)state;
    assert_axis(0, 10, false, "0 2 4 6 8 10 ");
    assert_axis(1.93, 2.61, false, "2.0 2.1 2.2 2.3 2.4 2.5 2.6 ");
    assert_axis(0, 5000, false, "0 1,000 2,000 3,000 4,000 5,000 ");
    assert_axis(0, 3000000, false, "0 500k 1M 1.5M 2M 2.5M 3M ");
    assert_axis(-0.2, 0.2, false, "-0.2 -0.1 0 0.1 0.2 ");
    assert_axis(-0.0002, 0.0004, false, "-2e-4 -1e-4 0 1e-4 2e-4 3e-4 4e-4 ");
    assert_axis(1, 100, true, "1 2 5 10 20 50 100 ");
    assert_axis(1, 1e6, true, "1 100 10k 1M ");
    hni_axis axis;
    hni_axis_make(&axis, (double)INFINITY, -(double)INFINITY, 5, false);
    assert_true(axis.low < axis.high);
    hni_axis_make(&axis, 3, 3, 5, false);
    assert_true(axis.low < 3 && axis.high > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONTEXT(test_every_format_begins_as_it_should_and_repeats),
        WITH_CONTEXT(test_heat_svg_shows_text_and_values),
        WITH_CONTEXT(test_heat_of_other_gates),
        WITH_CONTEXT(test_heat_range_leaves_out_outliers_and_nan),
        WITH_CONTEXT(test_heat_without_values_or_text),
        WITH_CONTEXT(test_wrapping),
        WITH_CONTEXT(test_ansi),
        WITH_CONTEXT(test_curves_svg_names_runs_and_values),
        WITH_CONTEXT(test_curves_name_each_run_once),
        WITH_CONTEXT(test_curves_survive_odd_input),
        WITH_CONTEXT(test_pictures_of_impossible_size_are_refused),
        WITH_CONTEXT(test_format_of_a_name),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
        cmocka_unit_test(test_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
