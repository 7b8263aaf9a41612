/* See bitmap.h: images on a terminal. A character shows two pixels: the upper one in its own colour as "▀", the lower one as the ground. */
#include <string.h>

#include "app/plot/bitmap.h"
#include "app/plot/utf8.h"

#define GAP 2 /* columns between images */

/* An image made smaller by a whole factor. */
typedef struct small_image {
    const hni_bitmap *bitmap;
    size_t factor, height, width;
} small_image;

static size_t divide_up(size_t size, size_t by) { return (size + by - 1) / by; }

static small_image shrink(const hni_bitmap *bitmap, size_t columns)
{
    const size_t factor = divide_up(bitmap->width, columns);
    return (small_image){bitmap, factor, divide_up(bitmap->height, factor), divide_up(bitmap->width, factor)};
}

/* Mean over a square of pixels, as far as the image has them. */
static hni_colour colour_at(const small_image *image, size_t y, size_t x)
{
    const size_t bottom = (y + 1) * image->factor, right = (x + 1) * image->factor;
    size_t sums[3] = {0, 0, 0}, count = 0;
    for (size_t row = y * image->factor; row < bottom && row < image->bitmap->height; row++) {
        for (size_t column = x * image->factor; column < right && column < image->bitmap->width; column++, count++) {
            const hni_colour colour = hni_bitmap_colour(image->bitmap, row, column);
            sums[0] += colour.red;
            sums[1] += colour.green;
            sums[2] += colour.blue;
        }
    }
    return hni_colour_mean(sums, count);
}

static void add_blanks(hni_text *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hni_markup_text(out, " ");
}

static double brightness(hni_colour colour)
{
    return (0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue) / 255.0;
}

static void add_shades(hni_text *out, const small_image *image, size_t line)
{
    for (size_t x = 0; x < image->width; x++) {
        const double upper = brightness(colour_at(image, 2 * line, x));
        const bool is_last = 2 * line + 1 == image->height;
        hni_markup_text(out,
                        hni_ansi_shade(is_last ? upper : (upper + brightness(colour_at(image, 2 * line + 1, x))) / 2));
    }
}

static void add_colours(hni_text *out, const small_image *image, size_t line, hni_ansi ansi)
{
    const bool is_last = 2 * line + 1 == image->height; /* of an odd number of pixels: no lower one */
    hni_colour upper = {0}, lower = {0};
    for (size_t x = 0; x < image->width; x++) {
        const hni_colour above = colour_at(image, 2 * line, x);
        const hni_colour below = is_last ? above : colour_at(image, 2 * line + 1, x);
        if (x == 0 || memcmp(&above, &upper, sizeof above) != 0) hni_ansi_ink(out, above, ansi);
        if (!is_last && (x == 0 || memcmp(&below, &lower, sizeof below) != 0)) hni_ansi_ground(out, below, ansi);
        hni_markup_text(out, "▀");
        upper = above;
        lower = below;
    }
    hni_markup_text(out, "\033[0m");
}

/* The words, cut or filled up to `width` columns; what a terminal could take for an order is a dot. */
static void add_words(hni_text *out, const char *words, size_t width)
{
    const unsigned char *bytes = (const unsigned char *)words;
    const size_t size = strlen(words);
    size_t used = 0, at = 0;
    while (at < size) {
        const hni_glyph glyph = hni_glyph_at(bytes, size, at);
        const bool is_last = at + glyph.size == size;
        if (used + (size_t)glyph.columns + (is_last ? 0 : 1) > width) break;
        if (glyph.symbol != NULL) {
            hni_markup_text(out, glyph.symbol);
        } else {
            hni_text_add_bytes(out, bytes + at, glyph.size);
        }
        used += (size_t)glyph.columns;
        at += glyph.size;
    }
    if (at < size && used < width) {
        hni_markup_text(out, "…");
        used++;
    }
    add_blanks(out, width - used);
}

/* Images first .. last-1 in one row, and their words below. */
static void add_row(hni_text *out, const hni_bitmaps *images, const size_t range[2], size_t columns, hni_ansi ansi)
{
    size_t lines = 0;
    for (size_t i = range[0]; i < range[1]; i++) {
        const size_t own = divide_up(shrink(&images->bitmaps[i], columns).height, 2);
        lines = own > lines ? own : lines;
    }
    for (size_t line = 0; line < lines; line++) {
        for (size_t i = range[0]; i < range[1]; i++) {
            const small_image image = shrink(&images->bitmaps[i], columns);
            if (i > range[0]) add_blanks(out, GAP);
            if (2 * line >= image.height) {
                add_blanks(out, image.width);
            } else if (ansi == HNI_ANSI_SHADES) {
                add_shades(out, &image, line);
            } else {
                add_colours(out, &image, line, ansi);
            }
        }
        hni_markup_text(out, "\n");
    }
    if (images->words == NULL) return;
    for (size_t i = range[0]; i < range[1]; i++) {
        if (i > range[0]) add_blanks(out, GAP);
        add_words(out, images->words[i], shrink(&images->bitmaps[i], columns).width);
    }
    hni_markup_text(out, "\n");
}

hn_status hni_bitmaps_ansi(hn_context *context, const hni_bitmaps *images, int columns, hni_ansi ansi,
                           hni_text *out_text)
{
    if (columns < 8)
        return hni_error(context, HN_ERROR_ARGUMENT, "images: %d columns are too few: give at least 8", columns);
    for (size_t i = 0; i < images->count; i++) {
        const hn_status status = hni_bitmap_check(context, "images", &images->bitmaps[i]);
        if (status != HN_OK) return status;
    }
    const size_t room = (size_t)columns;
    for (size_t first = 0, next; first < images->count && out_text->status == HN_OK; first = next) {
        size_t used = shrink(&images->bitmaps[first], room).width;
        for (next = first + 1; next < images->count; next++) {
            const size_t width = shrink(&images->bitmaps[next], room).width;
            if (used + GAP + width > room) break;
            used += GAP + width;
        }
        add_row(out_text, images, (size_t[]){first, next}, room, ansi);
    }
    return out_text->status;
}
