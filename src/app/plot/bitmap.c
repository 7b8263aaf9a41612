/* See bitmap.h: colours and palettes. */
#include "app/plot/bitmap.h"

#include <stdlib.h>

#include "core/alloc.h"

bool hni_bitmap_can_be_shown(const hni_bitmap *bitmap)
{
    const size_t most = HNI_BITMAP_SIDE_MOST;
    return (bitmap->channels == 1 || bitmap->channels == 3) && bitmap->height > 0 && bitmap->width > 0 &&
           bitmap->height <= most && bitmap->width <= most;
}

hn_status hni_bitmap_check(hn_context *context, const char *what, const hni_bitmap *bitmap)
{
    if (hni_bitmap_can_be_shown(bitmap)) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "%s: an image of %zu channels and %zu x %zu pixels cannot be shown: it needs 1 or 3 channels and "
                     "sides of 1 to %zu",
                     what, bitmap->channels, bitmap->width, bitmap->height, (size_t)HNI_BITMAP_SIDE_MOST);
}

hni_colour hni_bitmap_colour(const hni_bitmap *bitmap, size_t y, size_t x)
{
    const size_t place = y * bitmap->width + x, plane = bitmap->height * bitmap->width;
    const uint8_t *pixels = bitmap->pixels;
    if (bitmap->channels == 1) return (hni_colour){pixels[place], pixels[place], pixels[place]};
    return (hni_colour){pixels[place], pixels[plane + place], pixels[2 * plane + place]};
}

hni_colour hni_colour_mean(const size_t sums[3], size_t count)
{
    const size_t n = count > 0 ? count : 1;
    return (hni_colour){(uint8_t)((sums[0] + n / 2) / n), (uint8_t)((sums[1] + n / 2) / n),
                        (uint8_t)((sums[2] + n / 2) / n)};
}

/* ---- palette ---- */

typedef struct pixel {
    uint8_t parts[3];
    uint32_t place;
} pixel;

/* Pixels first .. first+count-1 of the sorted list become one colour. */
typedef struct colour_box {
    size_t first, count;
    int longest; /* of the three parts */
    int length;  /* of that: largest less smallest */
} colour_box;

/* By place too, so that the order is one. */
static int compare(const pixel *a, const pixel *b, int first)
{
    for (int i = 0; i < 3; i++) {
        const int part = (first + i) % 3;
        if (a->parts[part] != b->parts[part]) return a->parts[part] < b->parts[part] ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

static int by_red(const void *a, const void *b) { return compare(a, b, 0); }
static int by_green(const void *a, const void *b) { return compare(a, b, 1); }
static int by_blue(const void *a, const void *b) { return compare(a, b, 2); }

static colour_box measure(const pixel *pixels, size_t first, size_t count)
{
    colour_box box = {.first = first, .count = count, .length = -1};
    for (int part = 0; part < 3; part++) {
        int low = 255, high = 0;
        for (size_t i = first; i < first + count; i++) {
            const int value = pixels[i].parts[part];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        if (high - low > box.length) {
            box.length = high - low;
            box.longest = part;
        }
    }
    return box;
}

/* Where equal colours stop: one behind the last of the first half, so that a colour is never in two boxes. */
static size_t middle_of(const pixel *pixels, const colour_box *box)
{
    const int part = box->longest;
    const size_t half = box->first + box->count / 2, end = box->first + box->count;
    size_t up = half, down = half;
    while (up < end && pixels[up].parts[part] == pixels[up - 1].parts[part])
        up++;
    while (down > box->first && pixels[down].parts[part] == pixels[down - 1].parts[part])
        down--;
    return up < end && up - half <= half - down ? up : down > box->first ? down : up;
}

/* Cuts the box whose colours are farthest apart, counting how many pixels they colour, until there are enough or all are of one colour. */
static size_t cut(pixel *pixels, colour_box *boxes)
{
    static int (*const orders[3])(const void *, const void *) = {by_red, by_green, by_blue};
    size_t count = 1;
    while (count < HNI_PALETTE_MOST) {
        size_t chosen = 0;
        double most = 0;
        for (size_t i = 0; i < count; i++) {
            const double spread = (double)boxes[i].length * (double)boxes[i].length * (double)boxes[i].count;
            if (spread > most) {
                most = spread;
                chosen = i;
            }
        }
        if (!(most > 0)) break;
        const colour_box box = boxes[chosen];
        qsort(pixels + box.first, box.count, sizeof *pixels, orders[box.longest]);
        const size_t middle = middle_of(pixels, &box);
        boxes[chosen] = measure(pixels, box.first, middle - box.first);
        boxes[count++] = measure(pixels, middle, box.first + box.count - middle);
    }
    return count;
}

static hni_colour mean_of(const pixel *pixels, const colour_box *box)
{
    size_t sums[3] = {0, 0, 0};
    for (size_t i = box->first; i < box->first + box->count; i++)
        for (int part = 0; part < 3; part++)
            sums[part] += pixels[i].parts[part];
    return hni_colour_mean(sums, box->count);
}

hn_status hni_palette_of(hn_context *context, const hni_bitmap *bitmap, hni_palette *out_palette, uint8_t *out_places)
{
    const size_t count = bitmap->height * bitmap->width;
    colour_box boxes[HNI_PALETTE_MOST];
    pixel *pixels = NULL;
    hn_status status = HN_OK;
    HNI_TRY(hni_alloc_array(context, "palette", count, sizeof *pixels, (void **)&pixels));
    for (size_t i = 0; i < count; i++) {
        const hni_colour colour = hni_bitmap_colour(bitmap, i / bitmap->width, i % bitmap->width);
        pixels[i] = (pixel){{colour.red, colour.green, colour.blue}, (uint32_t)i};
    }
    boxes[0] = measure(pixels, 0, count);
    out_palette->count = cut(pixels, boxes);
    for (size_t b = 0; b < out_palette->count; b++) {
        out_palette->colours[b] = mean_of(pixels, &boxes[b]);
        for (size_t i = boxes[b].first; i < boxes[b].first + boxes[b].count; i++)
            out_places[pixels[i].place] = (uint8_t)b;
    }

cleanup:
    hni_free(context, pixels);
    return status;
}
