/* Cases of the slot that gathers batches of images; see kernel_cases.h. */
#include "kernel_cases.h"

#include <math.h>

enum { SOURCES = 5, MOST_CHANNELS = 5, MOST_BATCH = 33 };

/* A set of images, in a layout with gaps if wanted. */
static kernel_tensor random_images(kernel_match *match, hn_shape shape)
{
    int64_t stride[HN_MAX_RANK] = {0}, step = kernel_random_chance(match, 0.3) ? 2 : 1;
    for (int d = 3; d >= 0; d--) {
        stride[d] = step;
        step = step * shape.size[d] + kernel_random(match, 2);
    }
    kernel_tensor source = kernel_tensor_strided(HN_DTYPE_U8, shape, stride, kernel_random(match, 3));
    for (int64_t i = 0; i < source.count; i++)
        kernel_tensor_set(&source, i, (double)kernel_random(match, 256));
    return source;
}

/* By whole pixels: shifted as far as beyond the image, mirrored in either direction. */
static void whole_place(kernel_match *match, int64_t width, int64_t height, double *matrix)
{
    const bool mirror = kernel_random_chance(match, 0.5), upside_down = kernel_random_chance(match, 0.2);
    matrix[0] = mirror ? -1 : 1;
    matrix[1] = matrix[3] = 0;
    matrix[2] = (double)(kernel_random(match, 2 * width + 3) - width - 1) + (mirror ? (double)(width - 1) : 0);
    matrix[4] = upside_down ? -1 : 1;
    matrix[5] = (double)(kernel_random(match, 2 * height + 3) - height - 1) + (upside_down ? (double)(height - 1) : 0);
}

/* Turned, scaled, sheared, shifted. */
static void free_place(kernel_match *match, int64_t width, int64_t height, double *matrix)
{
    for (int i = 0; i < 6; i++)
        matrix[i] = kernel_random_normal(match);
    matrix[2] += (double)width * kernel_random_unit(match);
    matrix[5] += (double)height * kernel_random_unit(match);
    if (kernel_random_chance(match, 0.1)) matrix[kernel_random(match, 6)] *= 1000; /* mostly outside */
}

static void run_images(kernel_match *match, bool whole)
{
    for (int repetition = 0; repetition < 60; repetition++) {
        const int64_t batch = kernel_random_size(match, MOST_BATCH), channels = 1 + kernel_random(match, MOST_CHANNELS);
        const int64_t height = kernel_random_size(match, 33), width = kernel_random_size(match, 80);
        kernel_tensor source = random_images(match, HN_SHAPE4(SOURCES, channels, height, width));
        kernel_pair out =
            kernel_pair_create(match, HN_SHAPE4(batch, height, width, channels), KERNEL_DENSE, KERNEL_NORMAL);
        double mean[MOST_CHANNELS], deviation[MOST_CHANNELS];
        hni_image_place places[MOST_BATCH];
        for (int64_t c = 0; c < channels; c++) {
            mean[c] = kernel_random_unit(match);
            deviation[c] = 0.2 + kernel_random_unit(match);
        }
        for (int64_t b = 0; b < batch; b++) {
            places[b].index = kernel_random(match, SOURCES);
            if (whole || kernel_random_chance(match, 0.2)) {
                whole_place(match, width, height, places[b].matrix);
            } else {
                free_place(match, width, height, places[b].matrix);
            }
        }
        const hni_image_gather gather = {places, mean, deviation};
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s], match->kernels[s]->gather_images(&match->bench[s].exec, &source.view, &gather,
                                                                         &out.side[s].view));
        }
        kernel_pair_match(match, &out, "out", 5);
        places[batch - 1].index = repetition % 2 == 0 ? -1 : SOURCES;
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_refused(
                &match->bench[s],
                match->kernels[s]->gather_images(&match->bench[s].exec, &source.view, &gather, &out.side[s].view),
                HN_ERROR_ARGUMENT, "asks for image");
        }
        kernel_pair_destroy(&out);
        kernel_tensor_destroy(&source);
    }
}

static void run_whole(kernel_match *match) { run_images(match, true); }
static void run_free(kernel_match *match) { run_images(match, false); }

/* A place is known to 2^-24 of where it is counted from, here up to a few hundred pixels, and slopes are up to 5 a pixel. */
const kernel_case kernel_cases_gather[] = {
    {"gather_images, whole pixels", run_whole, 0, 1e-7, 0},
    {"gather_images, between pixels", run_free, 0, 1e-6, 3e-5},
    {NULL, NULL, 0, 0, 0},
};
