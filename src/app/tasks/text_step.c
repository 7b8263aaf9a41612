/* A training step on text: B windows of T characters, the state carried from one window to the next (truncated
 * back-propagation through time), zero at the start of an epoch. A step may be done in parts, each of some of the B rows. */
#include "app/tasks/text.h"
#include "core/parallel.h"

void hni_text_take_part(hni_task_work *work, int64_t part, int64_t parts)
{
    work->part = part;
    work->parts = parts;
}

/* The rows of the part that is being done. */
static int64_t part_rows(const hni_task_work *work, int64_t *out_first)
{
    int64_t end;
    hni_parallel_part(work->data.batch, (int)work->parts, (int)work->part, out_first, &end);
    return end - *out_first;
}

/* Where `rows` rows of update `step`, from `first` on, begin in the corpus; a function of nothing but data, recipe and step. */
static void window_starts(const hni_task_work *work, int64_t step, int64_t offset, int64_t first, int64_t rows)
{
    const int64_t window = step % work->tracks.windows;
    for (int64_t row = 0; row < rows; row++) {
        work->starts[row] = work->text->start[HNI_TEXT_TRAIN] + (first + row) * work->tracks.track +
                            window * work->data.length + offset;
    }
}

/* What is read (offset 0) or to be predicted (offset 1): i32 [rows,T]. Without data, which only a dry graph accepts, row 0. */
static hn_status read_windows(hni_task_work *work, int64_t step, int64_t offset, hn_tensor *out_symbols)
{
    int64_t first;
    const int64_t rows = part_rows(work, &first), length = work->data.length;
    if (work->text == NULL) {
        if (!hn_graph_is_dry(work->graph)) return hni_error(work->context, HN_ERROR_STATE, "text: opened without data");
        *out_symbols = hn_tensor_from(work->graph, HN_DTYPE_I32, HN_SHAPE2(rows, length), NULL, false);
        return HN_OK;
    }
    window_starts(work, step, offset, first, rows);
    *out_symbols = hn_gather_windows(work->graph, work->corpus, work->starts, rows, length);
    return HN_OK;
}

/* What the rows of the part begin with: [rows,S]. */
static hn_tensor begin_state(const hni_task_work *work, bool fresh, int layer, int64_t first, int64_t rows)
{
    const hn_shape shape = HN_SHAPE2(rows, hni_text_state_size(work));
    if (fresh) return hn_tensor_from(work->graph, hn_graph_dtype(work->graph), shape, NULL, false);
    return work->parts == 1 ? work->state[layer] : hn_slice(work->graph, work->state[layer], 0, first, rows);
}

hn_status hni_text_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss)
{
    const bool fresh = work->text == NULL || step % work->tracks.windows == 0;
    int64_t first;
    const int64_t rows = part_rows(work, &first);
    /* Of all rows: the sum of the parts is the mean over the batch. */
    hn_window window = {.divisor = (double)(work->data.batch * work->data.length), .first_row = first};
    hn_tensor state[HN_MAX_LAYERS];
    hn_status status;
    *out_loss = HN_NO_TENSOR;
    HNI_TRY(read_windows(work, step, 0, &window.symbols));
    HNI_TRY(read_windows(work, step, 1, &window.targets));
    for (int k = 0; k < work->model.layers; k++)
        state[k] = begin_state(work, fresh, k, first, rows);
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
    int64_t first;
    hn_status status = HN_OK;
    (void)step;
    (void)part_rows(work, &first);
    for (int k = 0; status == HN_OK && k < work->model.layers; k++)
        status = hn_tensor_store_rows(work->graph, work->latest[k], work->state[k], first);
    return status;
}
