/* One symbol drawn from a model's logits: softmax(logits / temperature), cut to the K most probable symbols, and of these to the
 * fewest that together have the share P. Knows nothing of models. */
#ifndef HNI_APP_TASKS_TEXT_DRAW_H
#define HNI_APP_TASKS_TEXT_DRAW_H

#include "core/context.h"

typedef struct hni_text_candidate {
    double probability;
    int row;
} hni_text_candidate;

typedef struct hni_text_drawer {
    hn_context *context;
    int count; /* rows that stand for a symbol: only these are drawn */
    double temperature;
    int64_t top_k;             /* 0: not cut */
    double top_p;              /* 0: not cut */
    double *probabilities;     /* [count], not normalised */
    hni_text_candidate *order; /* [count] */
} hni_text_drawer;

/* The settings are filled by the caller; takes memory for `count`. */
HN_MUST_USE hn_status hni_text_drawer_open(hni_text_drawer *drawer);
void hni_text_drawer_close(hni_text_drawer *drawer);
/* uniform in [0, 1). Logits [count] that are not finite are an error. */
HN_MUST_USE hn_status hni_text_draw(hni_text_drawer *drawer, const float *logits, double uniform, int *out_row);

/* The row with the largest logit; of equals the lowest. */
int hni_most_probable(const float *logits, int count);
/* -log2 softmax(logits)[row] over all `count` rows, as the loss has it. */
double hni_text_bits(const float *logits, int64_t count, int64_t row);

#endif
