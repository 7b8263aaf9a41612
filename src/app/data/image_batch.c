/* See image_batch.h.
 *
 * A shuffle is a Feistel network over the smallest 2^bits >= n: two halves of a number, each in turn xored with a random function of the
 * other, which can be undone and so is one to one; a result outside [0, n) goes through again until it lies inside (less than two
 * rounds on average). Nothing is kept between steps. */
#include "app/data/image_batch.h"

#include <math.h>

#include "core/rng.h"

enum { ROUNDS = 8, DRAWS = 8 };

int64_t hni_shuffled_place(uint64_t seed, const char *name, uint32_t epoch, int64_t n, int64_t i)
{
    const hni_rng_key key = {.seed = seed, .step = epoch, .site = hni_rng_site(name)};
    int bits = 1;
    while (bits < 62 && ((int64_t)1 << bits) < n)
        bits++;
    const int low_bits = bits / 2, high_bits = bits - low_bits;
    const uint64_t low_mask = ((uint64_t)1 << low_bits) - 1, high_mask = ((uint64_t)1 << high_bits) - 1;
    uint64_t x = (uint64_t)i;
    do {
        uint64_t low = x & low_mask, high = x >> low_bits;
        for (uint64_t round = 0; round < ROUNDS; round += 2) {
            low ^= hni_rng_word(&key, round << 32 | high) & low_mask;
            high ^= hni_rng_word(&key, (round + 1) << 32 | low) & high_mask;
        }
        x = high << low_bits | low;
    } while (x >= (uint64_t)n);
    return (int64_t)x;
}

int64_t hni_image_batches(const hni_images *images, int64_t batch)
{
    return images->part[HNI_IMAGES_TRAIN].count / batch;
}

void hni_image_batch_rows(const hni_images *images, const hni_image_batch *batch, int64_t *out_rows)
{
    const hni_images_part *train = &images->part[HNI_IMAGES_TRAIN];
    const int64_t batches = hni_image_batches(images, batch->batch);
    const uint32_t epoch = (uint32_t)(batch->step / batches);
    const int64_t start = batch->step % batches * batch->batch + batch->first;
    for (int64_t i = 0; i < batch->count; i++)
        out_rows[i] = train->rows[hni_shuffled_place(batch->seed, "order of images", epoch, train->count, start + i)];
}

/* A whole number in [-most, most]. */
static double draw_whole(uint32_t word, double most) { return floor(hni_rng_unit(word) * (2 * most + 1)) - most; }
/* In [-most, most). */
static double draw(uint32_t word, double most) { return (2 * hni_rng_unit(word) - 1) * most; }

/* One image's view out of its eight random words. */
static hn_image_view draw_view(const hni_images *images, const hni_images_settings *settings, const uint32_t *words,
                               int64_t row)
{
    const double width = (double)images->width, height = (double)images->height;
    const double middle_x = (width - 1) / 2, middle_y = (height - 1) / 2;
    const double crop_x = draw_whole(words[0], (double)settings->pad);
    const double crop_y = draw_whole(words[1], (double)settings->pad);
    const double mirror = settings->flip && hni_rng_unit(words[2]) < 0.5 ? -1 : 1;
    const double angle = draw(words[3], settings->rotate) * (acos(-1.0) / 180);
    const double factor = 1 / (1 + draw(words[4], settings->scale));
    const double shift_x = draw_whole(words[5], floor(settings->shift * width));
    const double shift_y = draw_whole(words[6], floor(settings->shift * height));
    /* A pixel of the result, from the middle and moved back; turned and scaled back; mirrored; in the piece that was cut out. */
    const double along = settings->rotate > 0 ? factor * cos(angle) : factor;
    const double across = settings->rotate > 0 ? factor * sin(angle) : 0;
    const double x0 = -middle_x - shift_x, y0 = -middle_y - shift_y;
    return (hn_image_view){.index = row,
                           .matrix = {mirror * along, mirror * across,
                                      mirror * (along * x0 + across * y0) + middle_x + crop_x, -across, along,
                                      -across * x0 + along * y0 + middle_y + crop_y}};
}

void hni_image_batch_views(const hni_images *images, const hni_images_settings *settings, const hni_image_batch *batch,
                           const int64_t *rows, hn_image_view *out_views)
{
    const hni_rng_key key = {.seed = batch->seed, .step = (uint32_t)batch->step, .site = hni_rng_site("image views")};
    for (int64_t i = 0; i < batch->count; i++) {
        uint32_t words[DRAWS];
        const uint64_t block = (uint64_t)(batch->first + i) * (DRAWS / 4);
        hni_rng_block(&key, block, words);
        hni_rng_block(&key, block + 1, words + 4);
        out_views[i] = draw_view(images, settings, words, rows[i]);
    }
}

hn_image_view hni_image_view_plain(int64_t row) { return (hn_image_view){.index = row, .matrix = {1, 0, 0, 0, 1, 0}}; }
