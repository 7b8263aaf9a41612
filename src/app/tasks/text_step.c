/* A training step on text: B windows of T characters, the state carried from one window to the next (truncated
 * back-propagation through time), zero at the start of an epoch. */
#include "app/tasks/text.h"

/* Where the rows of update `step` begin in the corpus; a function of nothing but data, recipe and step. */
static void window_starts(const hni_task_work *work, int64_t step, int64_t offset, int64_t *out_starts)
{
    const int64_t window = step % work->tracks.windows;
    for (int64_t row = 0; row < work->data.batch; row++) {
        out_starts[row] =
            work->text->start[HNI_TEXT_TRAIN] + row * work->tracks.track + window * work->data.length + offset;
    }
}

/* What is read (offset 0) or to be predicted (offset 1): i32 [B,T]. Without data, which only a dry graph accepts, row 0. */
static hn_status read_windows(hni_task_work *work, int64_t step, int64_t offset, hn_tensor *out_symbols)
{
    const int64_t batch = work->data.batch, length = work->data.length;
    if (work->text == NULL) {
        if (!hn_graph_is_dry(work->graph)) return hni_error(work->context, HN_ERROR_STATE, "text: opened without data");
        *out_symbols = hn_tensor_from(work->graph, HN_DTYPE_I32, HN_SHAPE2(batch, length), NULL, false);
        return HN_OK;
    }
    window_starts(work, step, offset, work->starts);
    *out_symbols = hn_gather_windows(work->graph, work->corpus, work->starts, batch, length);
    return HN_OK;
}

hn_status hni_text_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss)
{
    const bool fresh = work->text == NULL || step % work->tracks.windows == 0;
    const hn_shape shape = HN_SHAPE2(work->data.batch, hni_text_state_size(work));
    hn_window window = {.divisor = 0};
    hn_tensor state[HN_MAX_LAYERS];
    hn_status status;
    *out_loss = HN_NO_TENSOR;
    HNI_TRY(read_windows(work, step, 0, &window.symbols));
    HNI_TRY(read_windows(work, step, 1, &window.targets));
    for (int k = 0; k < work->model.layers; k++) {
        state[k] =
            fresh ? hn_tensor_from(work->graph, hn_graph_dtype(work->graph), shape, NULL, false) : work->state[k];
    }
    const hn_language_result result = hn_language_run(work->weights, &work->model, &window, state, NULL);
    for (int k = 0; k < work->model.layers; k++)
        work->latest[k] = result.state[k];
    *out_loss = result.loss;
    status = hn_graph_status(work->graph);
cleanup:
    return status;
}

hn_status hni_text_advance(hni_task_work *work, int64_t step)
{
    hn_status status = HN_OK;
    (void)step;
    for (int k = 0; status == HN_OK && k < work->model.layers; k++)
        status = hn_tensor_store(work->graph, work->latest[k], work->state[k]);
    return status;
}
