/* Small images: palettes, on a terminal, and in rows with words under each; damage by no input. */
#include "pictures.h"

#include "app/plot/album.h"

static hn_status draw_album(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_album_picture(context, data, options, out);
}

static unsigned random_state;
static uint8_t random_byte(void) { return (uint8_t)((random_state = random_state * 1664525u + 1013904223u) >> 24); }

/* ---- palettes ---- */

static int distance(hni_colour a, hni_colour b)
{
    return abs(a.red - b.red) + abs(a.green - b.green) + abs(a.blue - b.blue);
}

/* The largest distance of a pixel from what it is drawn as; every colour of the palette is used. */
static int worst_of(hn_context *context, const hni_bitmap *bitmap, size_t *out_colours)
{
    static uint8_t places[64 * 64];
    size_t used[HNI_PALETTE_MOST] = {0};
    hni_palette palette;
    int worst = 0;
    assert_int_equal(hni_palette_of(context, bitmap, &palette, places), HN_OK);
    assert_in_range(palette.count, 1, HNI_PALETTE_MOST);
    for (size_t y = 0; y < bitmap->height; y++) {
        for (size_t x = 0; x < bitmap->width; x++) {
            const uint8_t place = places[y * bitmap->width + x];
            assert_true(place < palette.count);
            used[place]++;
            const int off = distance(hni_bitmap_colour(bitmap, y, x), palette.colours[place]);
            worst = off > worst ? off : worst;
        }
    }
    for (size_t i = 0; i < palette.count; i++)
        assert_true(used[i] > 0);
    *out_colours = palette.count;
    return worst;
}

static void test_palettes(void **state)
{
    static uint8_t pixels[3 * 64 * 64];
    size_t colours;
    const hni_bitmap one = {pixels, 1, 1, 1}, grey = {pixels, 1, 64, 64}, photo = {pixels, 3, 64, 64};
    assert_int_equal(worst_of(*state, &one, &colours), 0);
    assert_int_equal(colours, 1);
    assert_int_equal(worst_of(*state, &photo, &colours), 0); /* all black */
    assert_int_equal(colours, 1);
    for (int i = 0; i < 64 * 64; i++)
        pixels[i] =
            (uint8_t)(i < 3000 ? 60 : i % HNI_PALETTE_MOST); /* as many as there can be, one much more often: exact */
    assert_int_equal(worst_of(*state, &grey, &colours), 0);
    assert_int_equal(colours, HNI_PALETTE_MOST);
    for (int i = 0; i < 64 * 64; i++)
        pixels[i] = (uint8_t)i;
    assert_true(worst_of(*state, &grey, &colours) <= 3); /* two greys become one */
    assert_int_equal(colours, HNI_PALETTE_MOST);
    for (int i = 0; i < 3 * 64 * 64; i++)
        pixels[i] = (uint8_t)(i / 4096 == 0 ? i % 64 * 4 : i / 4096 == 1 ? i / 64 % 64 * 4 : 128 + random_byte() / 32);
    assert_true(worst_of(*state, &photo, &colours) <= 48); /* a plane: 4096 colours by 128 */
    /* one red pixel among greys keeps its colour, or nearly */
    for (int i = 0; i < 3 * 64 * 64; i++)
        pixels[i] = (uint8_t)(i % 4096 % 253);
    pixels[100] = 255;
    pixels[4096 + 100] = pixels[2 * 4096 + 100] = 0;
    assert_true(worst_of(*state, &photo, &colours) <= 12);
}

/* ---- on a terminal ---- */

static char *ansi_of(hn_context *context, const hni_bitmaps *images, int columns, hni_ansi ansi)
{
    hni_text text = {.context = context};
    char *copy;
    assert_int_equal(hni_bitmaps_ansi(context, images, columns, ansi, &text), HN_OK);
    copy = strdup(text.data == NULL ? "" : text.data);
    hni_text_free(&text);
    return copy;
}

static void assert_ansi(hn_context *context, const hni_bitmaps *images, int columns, hni_ansi ansi,
                        const char *expected)
{
    char *text = ansi_of(context, images, columns, ansi);
    assert_string_equal(text, expected);
    free(text);
}

static void test_terminal_shows_pixels(void **state)
{
    static const uint8_t grey[] = {0, 255, 255, 0, 255, 8};                                /* three lines of two */
    static const uint8_t photo[] = {255, 0, 0, 255, /**/ 0, 0, 0, 0, /**/ 0, 0, 255, 255}; /* red, black; blue, pink */
    static const char *const words[] = {"a\033[31m", "b"};
    const hni_bitmap both[] = {{grey, 1, 3, 2}, {photo, 3, 2, 2}};
    hni_bitmaps images = {both, NULL, 1};
    assert_ansi(*state, &images, 80, HNI_ANSI_SHADES, "▒▒\n█ \n");
    assert_ansi(*state, &images, 80, HNI_ANSI_TRUE,
                "\033[38;2;0;0;0m\033[48;2;255;255;255m▀\033[38;2;255;255;255m\033[48;2;0;0;0m▀\033[0m\n"
                "\033[38;2;255;255;255m▀\033[38;2;8;8;8m▀\033[0m\n");
    assert_ansi(*state, &images, 80, HNI_ANSI_256,
                "\033[38;5;16m\033[48;5;231m▀\033[38;5;231m\033[48;5;16m▀\033[0m\n"
                "\033[38;5;231m▀\033[38;5;232m▀\033[0m\n"); /* 8 is a grey, not the cube's black */
    images = (hni_bitmaps){both, words, 2};
    assert_ansi(*state, &images, 80, HNI_ANSI_SHADES, "▒▒  ░░\n█     \na…  b \n"); /* no order reaches the terminal */
    images = (hni_bitmaps){both + 1, NULL, 1};
    assert_ansi(*state, &images, 80, HNI_ANSI_TRUE,
                "\033[38;2;255;0;0m\033[48;2;0;0;255m▀\033[38;2;0;0;0m\033[48;2;255;0;255m▀\033[0m\n");
}

static void test_terminal_has_an_end(void **state)
{
    static uint8_t pixels[100 * 100];
    static const char *const words[] = {"日本語日本語日本語", "", "c"};
    memset(pixels, 255, sizeof pixels);
    const hni_bitmap bitmaps[] = {{pixels, 1, 2, 5}, {pixels, 1, 4, 6}, {pixels, 1, 100, 100}};
    const hni_bitmaps images = {bitmaps, words, 3};
    /* the third is made smaller by 9, from 100 to 12: 11.1 and what is left */
    assert_ansi(*state, &images, 12, HNI_ANSI_SHADES,
                "█████\n日本…\n██████\n██████\n      \n"
                "████████████\n████████████\n████████████\n████████████\n████████████\n████████████\nc           \n");
    assert_ansi(*state, &(hni_bitmaps){bitmaps, NULL, 2}, 13, HNI_ANSI_SHADES, "█████  ██████\n       ██████\n");
    assert_ansi(*state, &(hni_bitmaps){bitmaps, NULL, 0}, 12, HNI_ANSI_TRUE, "");
    hni_text text = {.context = *state};
    assert_int_equal(hni_bitmaps_ansi(*state, &images, 7, HNI_ANSI_TRUE, &text), HN_ERROR_ARGUMENT);
    assert_holds(hn_context_error(*state)->text, "7 columns are too few");
}

/* ---- albums ---- */

static uint8_t digits[2][28 * 28], photo[3 * 32 * 32];

static void fill_images(void)
{
    for (size_t i = 0; i < sizeof photo; i++)
        photo[i] = random_byte();
    for (size_t i = 0; i < 28 * 28; i++) {
        digits[0][i] = i % 28 > 10 && i % 28 < 14 ? 255 : 0;
        digits[1][i] = (uint8_t)(i / 28 > 20 ? 200 : 0);
    }
}

static void test_albums_have_words_and_pixels(void **state)
{
    fill_images();
    const hni_album_item items[] = {{{digits[0], 1, 28, 28}, "4, said 9 (0.98)", NULL},
                                    {{digits[1], 1, 28, 28}, HOSTILE, "<test 17>"},
                                    {{photo, 3, 32, 32}, "automobile, said truck (0.98)", NULL},
                                    {{digits[0], 1, 1, 784}, NULL, NULL}};
    hni_text svg = draw_everywhere(*state, draw_album, &(hni_album){"<worst>", items, 4});
    assert_holds(svg.data, ">&lt;worst&gt;</text>");
    assert_holds(svg.data, "<title>4, said 9 (0.98)</title>");
    assert_holds(svg.data, "<title>&lt;test 17&gt;</title>");
    assert_null(strstr(svg.data, "<title>" HOSTILE_SHOWN "</title>"));
    assert_holds(svg.data, ">A &lt;&amp;&gt; &quot;B&quot;·\n</text>");
    assert_holds(svg.data, ">automobile,</text>"); /* broken where it must be */
    assert_holds(svg.data, ">said truck</text>");
    assert_int_equal(count_of(svg.data, "shape-rendering"), 4);
    assert_holds(svg.data, "stroke=\"#c8c8c8\" d=\"M0 0.5m0 21h28m-28 1h28m"); /* the lower lines of a digit */
    assert_holds(svg.data, "<path fill=\"#000000\" d=\"M0 0h28v28h-28z\"/>");
    hni_text_free(&svg);
}

static void test_albums_survive_odd_input(void **state)
{
    fill_images();
    static hni_album_item items[60];
    for (size_t i = 0; i < 60; i++) {
        items[i].image = i % 2 ? (hni_bitmap){digits[1], 1, 1 + i % 28, 28} : (hni_bitmap){photo, 3, 32, 1 + i % 32};
        items[i].words = i % 5 == 0   ? "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
                         : i % 5 == 1 ? ""
                         : i % 5 == 2
                             ? "   a    b      c    d     e      f     g     h     i   j  k  l m n o p q r s t u v"
                         : i % 5 == 3 ? "\xff\xff\xff\xff"
                                      : NULL;
    }
    const size_t counts[] = {0, 1, 9, 60};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        hni_text svg = draw_everywhere(*state, draw_album, &(hni_album){NULL, items, counts[i]});
        assert_int_equal(count_of(svg.data, "shape-rendering"), counts[i]);
        if (counts[i] == 0) assert_holds(svg.data, "no images");
        hni_text_free(&svg);
    }
}

static void test_impossible_images_are_refused(void **state)
{
    const hni_bitmap bad[] = {{photo, 2, 4, 4}, {photo, 0, 4, 4}, {photo, 1, 0, 4}, {photo, 3, 4, 1025}};
    hni_canvas_options options = {.format = HNI_PICTURE_SVG, .width = 400};
    hni_text picture = {.context = *state};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const hni_album_item item = {bad[i], NULL, NULL};
        hn_context_clear(*state);
        assert_int_equal(hni_album_picture(*state, &(hni_album){NULL, &item, 1}, &options, &picture),
                         HN_ERROR_ARGUMENT);
        assert_holds(hn_context_error(*state)->text, "1 or 3 channels");
        hn_context_clear(*state);
        assert_int_equal(hni_bitmaps_ansi(*state, &(hni_bitmaps){&bad[i], NULL, 1}, 80, HNI_ANSI_TRUE, &picture),
                         HN_ERROR_ARGUMENT);
    }
    const double widths[] = {100, NOT_A_NUMBER, 1e6, -1};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        options.format = HNI_PICTURE_PNG;
        options.width = widths[i];
        hn_context_clear(*state);
        assert_int_equal(hni_album_picture(*state, &(hni_album){0}, &options, &picture), HN_ERROR_ARGUMENT);
    }
    hni_text_free(&picture);
}

static hn_status draw_all(hn_context *context, hni_picture_format format)
{
    const hni_bitmap image = {photo, 3, 8, 8};
    const hni_album_item item = {image, "words", NULL};
    const hni_canvas_options options = {.format = format, .width = 300};
    hni_text picture = {.context = context};
    hn_status status;
    HNI_TRY(hni_album_picture(context, &(hni_album){"name", &item, 1}, &options, &picture));
    HNI_TRY(hni_bitmaps_ansi(context, &(hni_bitmaps){&image, NULL, 1}, 80, HNI_ANSI_TRUE, &picture));

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
        WITH_CONTEXT(test_palettes),
        WITH_CONTEXT(test_terminal_shows_pixels),
        WITH_CONTEXT(test_terminal_has_an_end),
        WITH_CONTEXT(test_albums_have_words_and_pixels),
        WITH_CONTEXT(test_albums_survive_odd_input),
        WITH_CONTEXT(test_impossible_images_are_refused),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
