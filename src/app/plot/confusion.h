/* Confusion matrix: which class was taken for which. What was right and what was wrong have a scale each, or the diagonal would drown
 * the errors; at the right edge stands what share of each class was right. Knows nothing of data.
 *
 *     uint64_t counts[4] = {90, 10, 5, 95};
 *     const char *names[2] = {"cat", "dog"};
 *     HNI_TRY(hni_confusion_picture(ctx, &(hni_confusion){.classes = 2, .counts = counts, .names = names}, &options, &picture));
 */
#ifndef HNI_APP_PLOT_CONFUSION_H
#define HNI_APP_PLOT_CONFUSION_H

#include "app/plot/canvas.h"

#define HNI_CONFUSION_MOST 256 /* classes */

typedef struct hni_confusion {
    size_t classes;
    const uint64_t *counts;   /* [classes,classes]: row is what an example is, column what was said */
    const char *const *names; /* [classes], cut after 12 characters; NULL: numbers from 0 */
} hni_confusion;

/* The examples of a class, and what share of them was right: 0 to 1, NaN without any. */
uint64_t hni_confusion_count(const hni_confusion *confusion, size_t class);
double hni_confusion_share_right(const hni_confusion *confusion, size_t class);

/* Draws into options->width (at least 240); options->height is ignored: the picture is as high as it needs. Counts stand in cells that
 * have room for them, names beside rows that are high enough; an SVG shows both under the pointer. Without any example the picture says
 * so. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_confusion_picture(hn_context *context, const hni_confusion *confusion,
                                            const hni_canvas_options *options, hni_text *out_bytes);

#endif
