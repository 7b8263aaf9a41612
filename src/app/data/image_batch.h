/* Which images an update is made of and how each is seen: pure functions of data, recipe, seed and step, so that a run that goes on after
 * a stop, or is computed in parts, sees the same. Numbers come from the counter RNG (core/rng.h).
 *
 *     for each update `step`:
 *         hni_image_batch_rows(images, settings->batch, seed, step, rows);               // [B]
 *         hni_image_batch_views(images, settings, seed, step, rows, views);              // [B]
 *         hn_gather_images(graph, pixels, views, B, &(hn_image_norm){images->mean, images->deviation});
 */
#ifndef HNI_APP_DATA_IMAGE_BATCH_H
#define HNI_APP_DATA_IMAGE_BATCH_H

#include "app/data/images.h"
#include "hypernet/graph.h"

/* Updates of an epoch: whole batches of the training part. The images that are left fill no batch and are left out, others each epoch. */
int64_t hni_image_batches(const hni_images *images, int64_t batch);

/* Images `first` .. first + count - 1 of the batch of an update, as places in images->pixels: in each epoch every training image at most
 * once, in an order of that epoch. */
typedef struct hni_image_batch {
    int64_t batch; /* B, of the whole update */
    uint64_t seed;
    int64_t step;         /* counted from 0 over all epochs */
    int64_t first, count; /* 0, B: all of it */
} hni_image_batch;

void hni_image_batch_rows(const hni_images *images, const hni_image_batch *batch, int64_t *out_rows);

/* How each of these images is seen in training, the settings' steps in this order: a piece of the size of the image cut out of it with
 * `pad` zeros around; mirrored; scaled and turned about its middle; moved. Each draw depends on seed, step and the place in the batch. */
void hni_image_batch_views(const hni_images *images, const hni_images_settings *settings, const hni_image_batch *batch,
                           const int64_t *rows, hn_image_view *out_views);
/* The image as it is: evaluation. */
hn_image_view hni_image_view_plain(int64_t row);

/* Where i of [0, n) stands when [0, n) is shuffled by seed, name and epoch: a one-to-one map, computed for one i alone. */
int64_t hni_shuffled_place(uint64_t seed, const char *name, uint32_t epoch, int64_t n, int64_t i);

#endif
