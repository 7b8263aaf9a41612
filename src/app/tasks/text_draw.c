/* See text_draw.h. Rows are gone through in their own order, so that a draw without a cut does not depend on sorting. */
#include "app/tasks/text_draw.h"

#include <math.h>
#include <stdlib.h>

#include "core/alloc.h"

hn_status hni_text_drawer_open(hni_text_drawer *drawer)
{
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(drawer->context, "sample", (size_t)drawer->count, sizeof(double), &memory));
    drawer->probabilities = memory;
    HNI_TRY(hni_alloc_array(drawer->context, "sample", (size_t)drawer->count, sizeof(hni_text_candidate), &memory));
    drawer->order = memory;
cleanup:
    return status;
}

void hni_text_drawer_close(hni_text_drawer *drawer)
{
    hni_free(drawer->context, drawer->probabilities);
    hni_free(drawer->context, drawer->order);
}

int hni_most_probable(const float *logits, int count)
{
    int best = 0;
    for (int row = 1; row < count; row++)
        if (logits[row] > logits[best]) best = row;
    return best;
}

/* The more probable first; of equals the lower row. */
static int compare_candidates(const void *left, const void *right)
{
    const hni_text_candidate *a = left, *b = right;
    if (a->probability != b->probability) return a->probability > b->probability ? -1 : 1;
    return a->row - b->row;
}

/* The first of the sorted `kept` that together have the share P of all of them. */
static int fewest_with_share(const hni_text_drawer *drawer, int kept)
{
    double total = 0, sum = 0;
    for (int i = 0; i < kept; i++)
        total += drawer->order[i].probability;
    for (int i = 0; i < kept; i++) {
        sum += drawer->order[i].probability;
        if (sum >= drawer->top_p * total) return i + 1;
    }
    return kept;
}

/* Takes the probability away from all that is not to be drawn. */
static void cut(hni_text_drawer *drawer)
{
    int kept = drawer->count;
    for (int row = 0; row < drawer->count; row++)
        drawer->order[row] = (hni_text_candidate){drawer->probabilities[row], row};
    qsort(drawer->order, (size_t)drawer->count, sizeof drawer->order[0], compare_candidates);
    if (drawer->top_k > 0 && drawer->top_k < kept) kept = (int)drawer->top_k;
    if (drawer->top_p > 0) kept = fewest_with_share(drawer, kept);
    for (int i = kept; i < drawer->count; i++)
        drawer->probabilities[drawer->order[i].row] = 0;
}

hn_status hni_text_draw(hni_text_drawer *drawer, const float *logits, double uniform, int *out_row)
{
    const int best = hni_most_probable(logits, drawer->count);
    double left = 0;
    *out_row = best;
    if (!isfinite(logits[best])) {
        return hni_error(drawer->context, HN_ERROR_NONFINITE,
                         "sampling: the model's output is not a number: its weights are damaged");
    }
    if (drawer->temperature == 0) return HN_OK;
    for (int row = 0; row < drawer->count; row++)
        drawer->probabilities[row] = exp(((double)logits[row] - (double)logits[best]) / drawer->temperature);
    if (drawer->top_k > 0 || drawer->top_p > 0) cut(drawer);
    for (int row = 0; row < drawer->count; row++)
        left += drawer->probabilities[row];
    left *= uniform;
    for (int row = 0; row < drawer->count; row++) {
        left -= drawer->probabilities[row];
        if (left < 0) {
            *out_row = row;
            return HN_OK;
        }
    }
    return HN_OK; /* rounding left a crumb: the most probable one */
}

double hni_text_bits(const float *logits, int64_t count, int64_t row)
{
    double largest = (double)logits[0], sum = 0;
    for (int64_t i = 1; i < count; i++)
        largest = fmax(largest, (double)logits[i]);
    for (int64_t i = 0; i < count; i++)
        sum += exp((double)logits[i] - largest);
    return (log(sum) + largest - (double)logits[row]) / 0.6931471805599453;
}
