/* Pictures of kernels, and strips of them: grids, borders, ranges and words; damage by no input. */
#include "pictures.h"

#include "app/plot/kernels.h"
#include "app/plot/strip.h"

static hn_status draw_kernels(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_kernels_picture(context, data, options, out);
}

static hn_status draw_strip(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_strip_picture(context, data, options, out);
}

static float weights[16 * 16 * 7 * 7], others[16 * 16 * 7 * 7];

static void fill_weights(void)
{
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        weights[i] = (float)sin(0.37 * (double)i);
        others[i] = (float)cos(1.7 * (double)i) * 0.01f;
    }
}

static const hni_filters second_kernel = {.rows = 16, .columns = 16, .height = 7, .width = 7};

static void test_kernels_show_names_words_and_ranges(void **state)
{
    fill_weights();
    const hni_kernels_panel panels[] = {{.name = HOSTILE, .values = weights},
                                        {.name = "generated", .values = others, .low = -0.5, .high = 0.25}};
    hni_kernels kernels = {
        .panels = panels, .count = 2, .filters = second_kernel, .row_word = "<input>", .column_word = "output channel"};
    hni_text svg = draw_everywhere(*state, draw_kernels, &kernels);
    assert_holds(svg.data, ">" HOSTILE_SHOWN "</text>");
    assert_holds(svg.data, ">generated</text>");
    assert_int_equal(count_of(svg.data, ">output channel</text>"), 2);
    assert_int_equal(count_of(svg.data, ")rotate(-90)\""), 2);
    assert_int_equal(count_of(svg.data, ">&lt;input&gt;</text>"), 2);
    assert_holds(svg.data, ">-0.999</text>"); /* a percentile of a sine */
    assert_holds(svg.data, ">-0.5</text>");
    assert_holds(svg.data, ">0.25</text>");
    assert_int_equal(count_of(svg.data, "1st and 99th percentile"), 1);
    assert_int_equal(count_of(svg.data, "shape-rendering"), 2); /* a mosaic each */
    hni_text_free(&svg);

    kernels.panels = panels + 1;
    kernels.count = 1;
    kernels.scale = HNI_SCALE_DIVERGING;
    svg = draw_everywhere(*state, draw_kernels, &kernels);
    assert_null(strstr(svg.data, "percentile"));
    assert_holds(svg.data, ">0.5</text>"); /* both sides alike */
    assert_null(strstr(svg.data, ">0.25</text>"));
    hni_text_free(&svg);
}

/* Where mosaic `index` stands. */
static hni_point place_of(const hni_text *svg, int index)
{
    const char *at = svg->data;
    hni_point place = {NOT_A_NUMBER, NOT_A_NUMBER};
    for (int i = 0; i <= index; i++) {
        at = strstr(at + 1, "<g transform=\"translate(");
        assert_non_null(at);
    }
    assert_int_equal(sscanf(at, "<g transform=\"translate(%lf %lf)", &place.x, &place.y), 2);
    return place;
}

static void test_panels_stand_side_by_side_where_there_is_room(void **state)
{
    fill_weights();
    const hni_kernels_panel panels[] = {{.values = weights}, {.values = others}};
    hni_kernels kernels = {.panels = panels, .count = 2, .filters = second_kernel};
    const struct {
        double width;
        bool above, beside;
    } cases[] = {{864, false, true}, {864, true, false}, {328, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kernels.above = cases[i].above;
        hni_text svg = draw(*state, draw_kernels, &kernels, HNI_PICTURE_SVG, cases[i].width);
        const hni_point first = place_of(&svg, 0), second = place_of(&svg, 1);
        assert_int_equal(second.x > first.x, cases[i].beside);
        assert_int_equal(second.y > first.y, !cases[i].beside);
        hni_text_free(&svg);
    }
}

/* Rows are input channels and columns output channels of a kernel [O,C,f,f]: the filters are drawn where they belong. */
static void test_strides_lay_out_the_filters(void **state)
{
    enum { OUT = 3, IN = 2, SIDE = 2 };
    float kernel[OUT][IN][SIDE][SIDE], laid[IN][OUT][SIDE][SIDE], gathered[OUT * IN * SIDE * SIDE];
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++)
            for (int k = 0; k < SIDE * SIDE; k++)
                kernel[o][i][k / SIDE][k % SIDE] = laid[i][o][k / SIDE][k % SIDE] = (float)(100 * o + 10 * i + k);
    hni_filters filters = {.rows = IN, .columns = OUT, .height = SIDE, .width = SIDE};
    const hni_kernels_panel straight = {.values = &laid[0][0][0][0]}, strided = {.values = &kernel[0][0][0][0]};
    hni_text first = draw(*state, draw_kernels, &(hni_kernels){.panels = &straight, .count = 1, .filters = filters},
                          HNI_PICTURE_SVG, 400);
    filters.strides[0] = SIDE * SIDE;
    filters.strides[1] = IN * SIDE * SIDE;
    filters.strides[2] = SIDE;
    filters.strides[3] = 1;
    hni_text second = draw(*state, draw_kernels, &(hni_kernels){.panels = &strided, .count = 1, .filters = filters},
                           HNI_PICTURE_SVG, 400);
    assert_string_equal(first.data, second.data);
    hni_text_free(&first);
    hni_text_free(&second);

    hni_filters_gather(&filters, strided.values, gathered);
    const float expected[] = {0,  1,  100, 101, 200, 201, 2,  3,  102, 103, 202, 203,
                              10, 11, 110, 111, 210, 211, 12, 13, 112, 113, 212, 213};
    assert_memory_equal(gathered, expected, sizeof expected);
}

/* An upright border has weights on neither side nearer than the frame has them. */
static void assert_stands_free(const hni_text *svg, double x)
{
    const hni_point corner = place_of(svg, 0);
    for (const char *at = strstr(svg->data, " d=\"M") + 4; *at == 'M'; at = strchr(at, 'z') + 1) {
        int left, top, width;
        assert_int_equal(sscanf(at, "M%d %dh%d", &left, &top, &width), 3);
        const double from = corner.x + left / 2.0, to = from + width / 2.0;
        assert_true(to <= x - 2.0 || from >= x + 1.0 + 2.0);
    }
}

static void test_borders_stand_between_tiles(void **state)
{
    static const float zeros[32 * 32 * 9];
    const hni_kernels_panel panel = {.values = zeros, .low = -1, .high = 1};
    hni_kernels kernels = {
        .panels = &panel, .count = 1, .filters = {.rows = 32, .columns = 32, .height = 3, .width = 3}};
    const size_t tiles[] = {0, 32, 16, 15, 1};
    const size_t lines[] = {0, 0, 2, 4, 62};
    char frame[32], border[32];
    (void)snprintf(frame, sizeof frame, "<rect class=\"f%d\"", HNI_INK_AXIS);
    (void)snprintf(border, sizeof border, "<rect class=\"f%d\"", HNI_INK_TEXT);
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
        kernels.filters.tile_rows = kernels.filters.tile_columns = tiles[i];
        hni_text svg = draw_everywhere(*state, draw_kernels, &kernels);
        assert_int_equal(count_of(svg.data, frame), 4);
        assert_int_equal(count_of(svg.data, border), lines[i]);
        for (const char *at = strstr(svg.data, border); at != NULL; at = strstr(at + 1, border)) {
            double x, y, width;
            assert_int_equal(sscanf(at + strlen(border), " x=\"%lf\" y=\"%lf\" width=\"%lf\"", &x, &y, &width), 3);
            if (width == 1.0) assert_stands_free(&svg, x);
        }
        hni_text_free(&svg);
    }
}

/* Weights are whole half pixels, as large as fit. */
static void test_sizes(void **state)
{
    (void)state;
    const double widths[] = {1000, 400, 150, 60, 20, 1};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        const hni_filters_size size = hni_filters_fit(&second_kernel, widths[i]);
        assert_true(size.width <= widths[i] * (1 + 1e-12) && size.cell >= 1);
        assert_close(size.width, size.height, 1e-12, 0.0);
        assert_int_equal(size.unit == 0.5, widths[i] > 70);
        hni_filters_size larger = size;
        larger.cell++;
        if (size.cell < 24) assert_true(size.width + 112 * size.unit > widths[i]);
    }
    assert_close(hni_filters_fit(&(hni_filters){.rows = 1, .columns = 1, .height = 3, .width = 3}, 800).weight, 12.0, 0,
                 0);
}

/* 256 filters of 28 x 28, twice, all different: still a file that a page can hold. */
static void test_many_weights_stay_small(void **state)
{
    enum { COUNT = 256 * 28 * 28 };
    float *values = malloc(COUNT * sizeof *values);
    unsigned random = 1;
    for (int i = 0; i < COUNT; i++) {
        random = random * 1664525u + 1013904223u;
        values[i] = (float)(random >> 8);
    }
    const hni_kernels_panel panels[] = {{.values = values}, {.values = values}};
    const hni_kernels kernels = {
        .panels = panels, .count = 2, .filters = {.rows = 16, .columns = 16, .height = 28, .width = 28}};
    hni_text svg = draw(*state, draw_kernels, &kernels, HNI_PICTURE_SVG, 864);
    assert_sound(&svg);
    assert_in_range(svg.size, COUNT, 2 * COUNT * 10);
    hni_text_free(&svg);
    free(values);
}

static void test_kernels_survive_odd_input(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f, 0, -0.0f, 1};
    static const float empty[] = {NAN, NAN, NAN, NAN};
    const hni_kernels_panel panels[] = {
        {.name = "", .values = odd},
        {.name = "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
         .values = odd,
         .low = 3},
        {.name = "x", .values = odd, .low = NOT_A_NUMBER, .high = 1},
        {.name = "x", .values = odd, .low = -HUGE_VAL, .high = HUGE_VAL}};
    for (int scale = 0; scale < 2; scale++) {
        for (size_t count = 0; count <= 4; count++) {
            const hni_kernels kernels = {.panels = panels,
                                         .count = count,
                                         .scale = (hni_scale_kind)scale,
                                         .filters = {.rows = 3, .columns = 1, .height = 1, .width = 3},
                                         .row_word = "ééééééééééééééééééééééééééééééééééééééé"};
            hni_text svg = draw_everywhere(*state, draw_kernels, &kernels);
            if (count == 0) assert_holds(svg.data, "no kernels yet");
            hni_text_free(&svg);
        }
    }
    const hni_kernels_panel none = {.name = "none", .values = empty};
    hni_text svg = draw_everywhere(*state, draw_kernels,
                                   &(hni_kernels){.panels = &none, .count = 1, .filters = {1, 1, 2, 2, {0}, 7, 7}});
    assert_holds(svg.data, "no finite values");
    hni_text_free(&svg);
}

/* ---- strips ---- */

static void test_strips_have_labels_and_one_scale(void **state)
{
    fill_weights();
    const float *const kernels[] = {weights, others, weights, others, weights};
    static const char *const labels[] = {HOSTILE, "0.25", "0.5", "0.75", "1"};
    hni_strip strip = {"<way>", kernels, labels, 5, second_kernel, HNI_SCALE_DIVERGING};
    hni_text svg = draw_everywhere(*state, draw_strip, &strip);
    assert_holds(svg.data, ">&lt;way&gt;</text>");
    assert_holds(svg.data, ">" HOSTILE_SHOWN "</text>");
    assert_holds(svg.data, ">0.75</text>");
    assert_int_equal(count_of(svg.data, "shape-rendering"), 5);
    assert_int_equal(count_of(svg.data, "percentile"), 1);
    assert_true(place_of(&svg, 4).x > place_of(&svg, 0).x && place_of(&svg, 4).y == place_of(&svg, 0).y);
    hni_text_free(&svg);
    svg = draw(*state, draw_strip, &strip, HNI_PICTURE_SVG, 328); /* two rows of three and two */
    assert_true(place_of(&svg, 4).y > place_of(&svg, 0).y);
    hni_text_free(&svg);

    /* beside large weights small ones are all near the middle; alone they are not */
    for (size_t from = 1; from <= 2; from++) {
        const float *const pair[] = {others, from == 1 ? weights : others};
        const hni_strip two = {NULL, pair, NULL, 2, second_kernel, HNI_SCALE_DIVERGING};
        svg = draw(*state, draw_strip, &two, HNI_PICTURE_SVG, 864);
        const char *second = strstr(strstr(svg.data, "shape-rendering") + 1, "shape-rendering");
        const size_t colours = count_of(svg.data, "<path") - count_of(second, "<path"); /* of the first */
        assert_int_equal(colours <= 3, from == 1);
        hni_text_free(&svg);
    }
}

static void test_strips_survive_odd_input(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f}, empty[] = {NAN, NAN, NAN, NAN};
    static const float *kernels[100], *empties[] = {empty, empty};
    static const char *labels[100];
    for (size_t i = 0; i < 100; i++) {
        kernels[i] = odd;
        labels[i] = "ééééééééééééééééééééééééééééééé";
    }
    const size_t counts[] = {0, 1, 7, 100};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const hni_strip strip = {
            NULL, kernels, labels, counts[i], {.rows = 1, .columns = 1, .height = 2, .width = 2}, HNI_SCALE_GREY};
        hni_text svg = draw_everywhere(*state, draw_strip, &strip);
        assert_int_equal(count_of(svg.data, "shape-rendering"), counts[i]);
        if (counts[i] == 0) assert_holds(svg.data, "no kernels yet");
        hni_text_free(&svg);
    }
    const hni_strip none = {"none",        empties, NULL, 2, {.rows = 1, .columns = 1, .height = 2, .width = 2},
                            HNI_SCALE_GREY};
    hni_text svg = draw_everywhere(*state, draw_strip, &none);
    assert_holds(svg.data, "no finite values");
    hni_text_free(&svg);
}

static void test_impossible_kernels_are_refused(void **state)
{
    const hni_filters bad[] = {{1, 1, 0, 1, {0}, 0, 0}, {SIZE_MAX, 2, 2, 2, {0}, 0, 0}, {5000, 5000, 1, 1, {0}, 0, 0}};
    hni_text picture = {.context = *state};
    hni_canvas_options options = {.format = HNI_PICTURE_SVG, .width = 400};
    const hni_kernels_panel panel = {.values = weights};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const hni_kernels kernels = {.panels = &panel, .count = 1, .filters = bad[i]};
        hn_context_clear(*state);
        assert_int_equal(hni_kernels_picture(*state, &kernels, &options, &picture), HN_ERROR_ARGUMENT);
        assert_holds(hn_context_error(*state)->text, "kernels: ");
        const hni_strip strip = {.kernels = &panel.values, .count = 1, .filters = bad[i]};
        hn_context_clear(*state);
        assert_int_equal(hni_strip_picture(*state, &strip, &options, &picture), HN_ERROR_ARGUMENT);
        assert_holds(hn_context_error(*state)->text, "strip: ");
    }
    const double widths[] = {100, NOT_A_NUMBER, 1e6, -1};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        const hni_kernels kernels = {.panels = &panel, .count = 1, .filters = second_kernel};
        options.format = HNI_PICTURE_PNG;
        options.width = widths[i];
        hn_context_clear(*state);
        assert_int_equal(hni_kernels_picture(*state, &kernels, &options, &picture), HN_ERROR_ARGUMENT);
        hn_context_clear(*state);
        assert_int_equal(hni_strip_picture(*state, &(hni_strip){0}, &options, &picture), HN_ERROR_ARGUMENT);
    }
    hni_text_free(&picture);
}

static hn_status draw_all(hn_context *context, hni_picture_format format)
{
    const hni_filters small = {.rows = 3, .columns = 2, .height = 3, .width = 3};
    const hni_kernels_panel panels[] = {{.name = "a", .values = weights}, {.name = "b", .values = others}};
    const hni_kernels kernels = {.panels = panels, .count = 2, .filters = small};
    const hni_canvas_options options = {.format = format, .width = 300};
    hni_text picture = {.context = context};
    const float *const both[] = {weights, others};
    hn_status status;
    HNI_TRY(hni_kernels_picture(context, &kernels, &options, &picture));
    HNI_TRY(hni_strip_picture(context, &(hni_strip){"way", both, NULL, 2, small, HNI_SCALE_GREY}, &options, &picture));

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
        WITH_CONTEXT(test_kernels_show_names_words_and_ranges),
        WITH_CONTEXT(test_panels_stand_side_by_side_where_there_is_room),
        WITH_CONTEXT(test_strides_lay_out_the_filters),
        WITH_CONTEXT(test_borders_stand_between_tiles),
        cmocka_unit_test(test_sizes),
        WITH_CONTEXT(test_many_weights_stay_small),
        WITH_CONTEXT(test_kernels_survive_odd_input),
        WITH_CONTEXT(test_strips_have_labels_and_one_scale),
        WITH_CONTEXT(test_strips_survive_odd_input),
        WITH_CONTEXT(test_impossible_kernels_are_refused),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
