/* Mosaics: what the SVG says is drawn again here, square by square, and compared with what was asked for. */
#include "pictures.h"

#include "app/plot/backend.h"
#include "app/plot/scale.h"

enum { SIDE = 96, CELLS = 13 };

/* A small generator of its own: the tests must not depend on the library's. */
static unsigned next_random(unsigned *state) { return (*state = *state * 1664525u + 1013904223u) >> 16; }

typedef struct mosaic_case {
    int left[CELLS], top[CELLS];
    uint8_t paints[CELLS * CELLS];
    hni_colour colours[8];
    hni_mosaic mosaic;
} mosaic_case;

static void make_case(mosaic_case *made, unsigned *random)
{
    const int cell = 1 + (int)(next_random(random) % 4), first = next_random(random) % 2 ? HNI_INK_GREY : 0;
    const bool coloured = first == 0;
    *made = (mosaic_case){.mosaic = {.at = {3.25, 7.5}, .unit = 0.5, .cell = cell}};
    hni_mosaic *mosaic = &made->mosaic;
    mosaic->columns = 1 + next_random(random) % CELLS;
    mosaic->rows = 1 + next_random(random) % CELLS;
    for (int i = 0, x = 0, y = 0; i < CELLS; i++) {
        made->left[i] = x += i > 0 ? cell + (next_random(random) % 3 == 0 ? 2 : 0) : 0;
        made->top[i] = y += i > 0 ? cell + (next_random(random) % 3 == 0 ? 1 : 0) : 0;
    }
    for (int i = 0; i < 8; i++)
        made->colours[i] = (hni_colour){(uint8_t)(i * 31), (uint8_t)(255 - i), 7};
    for (int i = 0; i < CELLS * CELLS; i++)
        made->paints[i] = (uint8_t)(first + (int)(next_random(random) % 8) / 3);
    mosaic->left = made->left;
    mosaic->top = made->top;
    mosaic->paints = made->paints;
    if (coloured) mosaic->colours = made->colours;
}

static void fill(int raster[SIDE][SIDE], int x, int y, const int size[2], int paint)
{
    for (int row = y; row < y + size[1]; row++) {
        for (int column = x; column < x + size[0]; column++) {
            assert_in_range(row, 0, SIDE - 1);
            assert_in_range(column, 0, SIDE - 1);
            raster[row][column] = paint;
        }
    }
}

/* The paint of a path: its ink, or the place of its colour. */
static int paint_of(const mosaic_case *made, const char *path)
{
    int ink;
    unsigned colour;
    if (sscanf(path, "<path class=\"%*1[fl]%d\"", &ink) == 1) return ink;
    assert_true(sscanf(path, "<path fill=\"#%x\"", &colour) == 1 || sscanf(path, "<path stroke=\"#%x\"", &colour) == 1);
    for (int i = 0; i < 8; i++) {
        const hni_colour *known = &made->colours[i];
        if (colour == ((unsigned)known->red << 16 | (unsigned)known->green << 8 | known->blue)) return i;
    }
    fail_msg("a colour that nobody asked for: %06x", colour);
    return -1;
}

static void draw_path(const mosaic_case *made, const char *path, int raster[SIDE][SIDE])
{
    const int paint = paint_of(made, path), cell = made->mosaic.cell;
    const char *at = strstr(path, " d=\"") + 4, *end = strchr(at, '"');
    int x, y, width, height, used = 0;
    double middle;
    if (sscanf(at, "M%d %dh%dv%d", &x, &y, &width, &height) == 4) {
        for (; at < end; at = strchr(at, 'z') + 1) {
            assert_int_equal(sscanf(at, "M%d %dh%dv%d", &x, &y, &width, &height), 4);
            fill(raster, x, y, (int[]){width, height}, paint);
        }
        return;
    }
    assert_int_equal(sscanf(at, "M0 %lf%n", &middle, &used), 1);
    assert_close(middle, cell / 2.0, 0.0, 0.0);
    x = y = 0;
    for (at += used; at < end; at += used) {
        int right, down;
        assert_int_equal(sscanf(at, "m%d %dh%d%n", &right, &down, &width, &used), 3);
        fill(raster, x += right, y += down, (int[]){width, cell}, paint);
        x += width;
    }
}

static hni_text draw_case(hn_context *context, const hni_mosaic *mosaic, hni_picture_format format)
{
    hni_canvas *canvas = NULL;
    hni_text bytes = {.context = context};
    assert_int_equal(
        hni_canvas_create(context, &(hni_canvas_options){.format = format, .width = 60, .height = 60}, &canvas), HN_OK);
    hni_canvas_mosaic(canvas, mosaic);
    assert_int_equal(hni_canvas_finish(canvas, &bytes), HN_OK);
    hni_canvas_destroy(canvas);
    return bytes;
}

static void draw_expected(const mosaic_case *made, int raster[SIDE][SIDE])
{
    const hni_mosaic *mosaic = &made->mosaic;
    for (size_t y = 0; y < mosaic->rows; y++) {
        for (size_t x = 0; x < mosaic->columns; x++) {
            fill(raster, made->left[x], made->top[y], (int[]){mosaic->cell, mosaic->cell},
                 made->paints[y * mosaic->columns + x]);
        }
    }
}

static void test_every_square_has_its_colour_and_nothing_else_is_drawn(void **state)
{
    static mosaic_case made;
    unsigned random = 1;
    for (int round = 0; round < 300; round++) {
        static int expected[SIDE][SIDE], raster[SIDE][SIDE];
        make_case(&made, &random);
        memset(raster, 0xff, sizeof raster); /* -1: nothing is drawn */
        memset(expected, 0xff, sizeof expected);
        draw_expected(&made, expected);
        hni_text svg = draw_case(*state, &made.mosaic, HNI_PICTURE_SVG);
        assert_sound(&svg);
        for (const char *path = strstr(svg.data, "<path"); path != NULL; path = strstr(path + 1, "<path"))
            draw_path(&made, path, raster);
        assert_memory_equal(raster, expected, sizeof raster);
        hni_text_free(&svg);
    }
}

/* Runs that reach as far as the next cells, which are drawn later, leave no trace. */
static void test_what_reaches_under_neighbours_is_drawn_over(void **state)
{
    static mosaic_case made;
    unsigned random = 2;
    (void)state;
    for (int round = 0; round < 300; round++) {
        static int expected[SIDE][SIDE], raster[SIDE][SIDE];
        make_case(&made, &random);
        const hni_mosaic *mosaic = &made.mosaic;
        memset(raster, 0xff, sizeof raster);
        memset(expected, 0xff, sizeof expected);
        draw_expected(&made, expected);
        for (hni_mosaic_piece piece = {0}; hni_mosaic_next_run(mosaic, HNI_MOSAIC_ANY, &piece);) {
            const hni_mosaic_box box = hni_mosaic_box_of(mosaic, &piece);
            const int size[] = {box.width + (hni_mosaic_goes_on(mosaic, &piece, false) ? mosaic->cell : 0),
                                box.height + (hni_mosaic_goes_on(mosaic, &piece, true) ? mosaic->cell : 0)};
            fill(raster, box.x, box.y, size, made.paints[piece.row * mosaic->columns + piece.column]);
        }
        assert_memory_equal(raster, expected, sizeof raster);
    }
}

static void test_equal_neighbours_are_one_piece(void **state)
{
    static int starts[1000];
    static uint8_t paints[1000 * 1000];
    for (int i = 0; i < 1000; i++)
        starts[i] = i;
    memset(paints, HNI_INK_GREY, sizeof paints);
    for (int i = 0; i < 1000; i++)
        paints[i * 1000 + 500] = HNI_INK_GREY + 5;
    const hni_mosaic mosaic = {
        .unit = 0.01, .left = starts, .top = starts, .columns = 1000, .rows = 1000, .cell = 1, .paints = paints};
    hni_text svg = draw_case(*state, &mosaic, HNI_PICTURE_SVG);
    assert_holds(svg.data, "d=\"M0 0h1000v1000h-1000z\"");
    assert_holds(svg.data, "scale(.001)scale(10)");
    assert_true(svg.size < 20000);
    hni_text_free(&svg);
    for (int format = HNI_PICTURE_PNG; format <= HNI_PICTURE_PDF; format++) {
        hni_text picture = draw_case(*state, &mosaic, (hni_picture_format)format);
        assert_true(picture.size < 20000);
        hni_text_free(&picture);
    }
}

/* ---- scales ---- */

static void test_percentiles_leave_out_outliers(void **state)
{
    float values[1003];
    (void)state;
    for (int i = 0; i <= 1000; i++)
        values[i] = (float)(i * 17 % 1001) / 1000.0f - 0.25f;
    values[1001] = NAN;
    values[1002] = INFINITY;
    hni_scale scale = hni_scale_of(HNI_SCALE_GREY, values, 1003);
    assert_int_equal(scale.values, 1001);
    assert_close(scale.low, -0.24, 0.0, 1e-6);
    assert_close(scale.high, 0.74, 0.0, 1e-6);
    scale = hni_scale_of(HNI_SCALE_DIVERGING, values, 1003);
    assert_close(scale.low, -0.74, 0.0, 1e-6);
    assert_close(scale.high, 0.74, 0.0, 1e-6);
    assert_int_equal(hni_scale_ink(&scale, 0.0), HNI_INK_DIVERGING + HNI_DIVERGING_INKS / 2);
    assert_int_equal(hni_scale_ink(&scale, -9.0), HNI_INK_DIVERGING);
    assert_int_equal(hni_scale_ink(&scale, 0.74), HNI_INK_DIVERGING + HNI_DIVERGING_INKS - 1);
    assert_int_equal(hni_scale_ink(&scale, NOT_A_NUMBER), HNI_INK_EMPTY);
    assert_int_equal(hni_scale_ink(&scale, HUGE_VAL), HNI_INK_EMPTY);
}

static void test_scales_without_room(void **state)
{
    (void)state;
    hni_scale scale = hni_scale_of(HNI_SCALE_GREY, NULL, 0);
    assert_int_equal(scale.values, 0);
    const double bad[][2] = {{0.5, 0.5}, {2, 1}, {NOT_A_NUMBER, 1}, {0, HUGE_VAL}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scale = hni_scale_between(HNI_SCALE_GREY, bad[i][0], bad[i][1]);
        assert_int_equal(hni_scale_ink(&scale, 0.3), HNI_INK_GREY + HNI_GREY_INKS / 2);
    }
    float huge[] = {-3e38f, 3e38f};
    scale = hni_scale_of(HNI_SCALE_DIVERGING, huge, 2);
    assert_int_equal(hni_scale_ink(&scale, 0.0), HNI_INK_DIVERGING + HNI_DIVERGING_INKS / 2);
}

/* Grey rises; the two sides of the diverging scale are apart, and both leave the middle behind; in light and in dark. */
static int light_of(hni_ink ink, bool dark)
{
    const hni_colour colour = hni_ink_colour(ink, dark);
    return 299 * colour.red + 587 * colour.green + 114 * colour.blue;
}

static void test_scales_rise(void **state)
{
    (void)state;
    const int middle = HNI_INK_DIVERGING + HNI_DIVERGING_INKS / 2;
    for (int dark = 0; dark < 2; dark++) {
        for (int i = 1; i < HNI_GREY_INKS; i++)
            assert_true(light_of((hni_ink)(HNI_INK_GREY + i), dark) > light_of((hni_ink)(HNI_INK_GREY + i - 1), dark));
        for (int i = 1; i <= HNI_DIVERGING_INKS / 2; i++) {
            for (int side = -1; side <= 1; side += 2) {
                const int near = light_of((hni_ink)(middle + side * (i - 1)), dark);
                const int far = light_of((hni_ink)(middle + side * i), dark);
                assert_true(dark ? far > near : far < near);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONTEXT(test_every_square_has_its_colour_and_nothing_else_is_drawn),
        cmocka_unit_test(test_what_reaches_under_neighbours_is_drawn_over),
        WITH_CONTEXT(test_equal_neighbours_are_one_piece),
        cmocka_unit_test(test_percentiles_leave_out_outliers),
        cmocka_unit_test(test_scales_without_room),
        cmocka_unit_test(test_scales_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
