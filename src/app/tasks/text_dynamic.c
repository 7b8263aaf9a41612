/* What a dynamic evaluation needs to be told and to have: its options checked, and its memory by a dry run. */
#include "app/tasks/text.h"
#include "optim/adapt.h"

hn_status hni_text_dynamic_check(const hni_task_work *work, const hni_dynamic_options *dynamic)
{
    if (dynamic->rate >= 0 && dynamic->rate <= 1e30 && dynamic->decay >= 0 && dynamic->decay <= 1 &&
        dynamic->length >= 1) {
        return HN_OK;
    }
    return hni_error(work->context, HN_ERROR_ARGUMENT,
                     "dynamic evaluation: rate %g must not be negative, decay %g must be from 0 to 1, length %lld at "
                     "least 1",
                     dynamic->rate, dynamic->decay, (long long)dynamic->length);
}

/* Step memory of a segment of `length` symbols, forward and backward, by a graph that computes nothing. */
static hn_status dry_segment(const hni_task_work *work, int64_t length, int64_t *out_bytes)
{
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    const hn_shape symbols = HN_SHAPE2(1, length), carried = HN_SHAPE2(1, hni_text_state_size(work));
    hn_graph *graph = NULL;
    hn_store *store = NULL;
    hn_weights *weights = NULL;
    hn_tensor state[HN_MAX_LAYERS];
    hn_window window = {.divisor = 0};
    hn_status status;
    HNI_TRY(hn_store_create(work->context, &store));
    HNI_TRY(hn_language_model_declare(store, &work->model));
    HNI_TRY(hn_graph_create(work->context, &options, &graph));
    HNI_TRY(hn_weights_create(graph, store, &weights));
    window.symbols = hn_tensor_from(graph, HN_DTYPE_I32, symbols, NULL, false);
    window.targets = hn_tensor_from(graph, HN_DTYPE_I32, symbols, NULL, false);
    for (int k = 0; k < work->model.layers; k++)
        state[k] = hn_tensor_from(graph, HN_DTYPE_F32, carried, NULL, false);
    const hn_language_result result = hn_language_run(weights, &work->model, &window, state, NULL);
    HNI_TRY(hn_backward(graph, result.loss));
    *out_bytes = hn_graph_peak_bytes(graph);
cleanup:
    hn_weights_destroy(weights);
    hn_store_destroy(store);
    hn_graph_destroy(graph);
    return status;
}

/* Two segments that a dry run is done with at once; what is longer goes on in a straight line. */
#define SHORT_SEGMENT 32
#define LONG_SEGMENT 64

hn_status hni_text_dynamic_bytes(hni_task_work *work, const hni_evaluate_options *options, int64_t *out_bytes)
{
    const int split = hni_text_split_find(options->split);
    int64_t length = options->dynamic->length, low = 0, high = 0;
    hn_status status;
    if (work->text != NULL && split >= 0 && length > work->text->count[split]) length = work->text->count[split];
    HNI_TRY(dry_segment(work, length < LONG_SEGMENT ? length : LONG_SEGMENT, &high));
    if (length > LONG_SEGMENT) HNI_TRY(dry_segment(work, SHORT_SEGMENT, &low));
    double bytes = (double)high;
    if (length > LONG_SEGMENT)
        bytes += (double)(high - low) / (LONG_SEGMENT - SHORT_SEGMENT) * (double)(length - LONG_SEGMENT);
    bytes += 4.0 * HNI_ADAPTER_BLOCKS * (double)hn_store_elements(hn_weights_store(work->weights));
    *out_bytes = bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
cleanup:
    return status;
}
