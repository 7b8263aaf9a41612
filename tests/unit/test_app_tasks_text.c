/* The task "text": counts, batches, carried state, evaluation and checkpointed state, each against a computation by hand with
 * the library's stream, which shares no code with windows and tracks. */
#include <math.h>

#include "hypernet/io.h"
#include "test_task.h"

/* ---- counts of the paper ---- */

static int64_t count_parameters(hn_cell_kind kind, bool layer_norm)
{
    test_task t;
    hn_graph_options options;
    test_task_prepare(&t, 1000);
    hn_graph_options_default(&options);
    options.backend = HN_BACKEND_DRY;
    t.data.vocabulary_size = 50;
    t.model.cell.kind = kind;
    t.model.cell.layer_norm = layer_norm;
    t.model.cell.units = 1000;
    t.model.cell.hyper_units = 128;
    t.model.cell.embedding_size = 4;
    const hni_task_open open = {.context = t.context, .data = &t.data, .model = &t.model};
    test_task_ok(&t, t.task->open(&open, &t.work));
    test_task_ok(&t, hn_store_create(t.context, &t.store));
    test_task_ok(&t, t.task->declare(t.work, t.store));
    test_task_ok(&t, hn_graph_create(t.context, &options, &t.graph));
    test_task_ok(&t, hn_store_seal(t.store, t.graph, 1));
    int64_t count = 0;
    for (int64_t i = 0; i < hn_store_count(t.store); i++)
        count += hn_store_parameter(t.store, i)->elements;
    assert_int_equal(count, hn_store_elements(t.store));
    test_task_close(&t);
    return count;
}

static void counts_are_the_papers(void **state)
{
    (void)state;
    assert_int_equal(count_parameters(HN_CELL_LSTM, false), 4254050);
    assert_int_equal(count_parameters(HN_CELL_LSTM, true), 4260050);
    assert_int_equal(count_parameters(HN_CELL_HYPERLSTM, false), 4911874);
    assert_int_equal(count_parameters(HN_CELL_HYPERLSTM, true), 4922642);
}

/* ---- the text again, read by hand ---- */

static hni_text_data *read_again(const test_task *t)
{
    const hni_text_source source = {.places = &t->places};
    hni_text_data *text = NULL;
    test_task_ok(t, hni_text_open(t->context, &t->data, &source, &text));
    return text;
}

/* Nats of symbol `target` under these logits. */
static double nats(const float *logits, int64_t size, int target)
{
    double sum = 0;
    for (int64_t i = 0; i < size; i++)
        sum += exp((double)logits[i] - (double)logits[target]);
    return log(sum);
}

/* Sum of nats of `count` predictions from symbols[0] on; the stream goes on where it stands. */
static double predict(const test_task *t, hn_stream *stream, const uint8_t *symbols, int64_t count)
{
    float logits[256];
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const int32_t symbol = symbols[i];
        test_task_ok(t, hn_stream_step(stream, &symbol, logits));
        sum += nats(logits, t->model.vocabulary_size, symbols[i + 1]);
    }
    return sum;
}

static double loss_of(const test_task *t, int64_t step)
{
    hn_tensor loss;
    double value;
    hn_graph_reset(t->graph);
    hn_graph_set_step(t->graph, 9, (uint32_t)step);
    test_task_ok(t, t->task->loss(t->work, step, &loss));
    test_task_ok(t, hn_tensor_read(t->graph, loss, HN_DTYPE_F64, 1, &value));
    return value;
}

/* ---- training ---- */

static void loss_is_the_mean_over_tracks(void **state)
{
    test_task t;
    hni_task_size size;
    hn_stream *streams[3];
    (void)state;
    test_task_prepare(&t, 200);
    test_task_open(&t, 4);
    hni_text_data *text = read_again(&t);
    t.task->size(t.work, &size);
    const int64_t track = text->count[HNI_TEXT_TRAIN] / 3;
    assert_int_equal(size.windows_per_epoch, (track - 1) / 7);
    assert_int_equal(size.symbols_per_step, 21);
    assert_true(size.windows_per_epoch >= 3);
    for (int b = 0; b < 3; b++)
        test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &streams[b]));
    for (int64_t step = 0; step < 2 * size.windows_per_epoch; step++) {
        const int64_t window = step % size.windows_per_epoch;
        double sum = 0;
        for (int b = 0; b < 3; b++) {
            if (window == 0) test_task_ok(&t, hn_stream_reset(streams[b], -1));
            sum += predict(&t, streams[b], text->symbols + b * track + window * 7, 7);
        }
        assert_close(loss_of(&t, step), sum / 21, 1e-5, 0);
        test_task_ok(&t, t.task->advance(t.work, step));
    }
    for (int b = 0; b < 3; b++)
        hn_stream_destroy(streams[b]);
    hni_text_close(text);
    test_task_close(&t);
}

static void batch_is_a_pure_function_of_the_step(void **state)
{
    test_task t;
    hni_task_size size;
    (void)state;
    test_task_prepare(&t, 300);
    t.model.keep_input = t.model.keep_output = t.model.cell.keep_recurrent = 0.8;
    test_task_open(&t, 4);
    t.task->size(t.work, &size);
    const double first = loss_of(&t, 0), second = loss_of(&t, 1); /* nothing was advanced: both begin with zeros */
    const double later = loss_of(&t, 5);
    assert_true(first == loss_of(&t, 0));
    assert_true(later == loss_of(&t, 5));
    assert_true(second == loss_of(&t, 1));
    assert_true(first != second && second != later);
    assert_true(first != loss_of(&t, size.windows_per_epoch)); /* the same window, other masks */
    test_task_close(&t);
}

static void a_step_takes_nothing_from_the_allocator(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 300);
    test_task_open(&t, 4);
    uint64_t before = 0;
    for (int64_t step = 0; step < 6; step++) {
        hn_tensor loss;
        if (step == 3) before = hn_context_allocations(t.context);
        hn_graph_reset(t.graph);
        test_task_ok(&t, t.task->loss(t.work, step, &loss));
        test_task_ok(&t, hn_backward(t.graph, loss));
        test_task_ok(&t, t.task->advance(t.work, step));
    }
    assert_int_equal(hn_context_allocations(t.context), before);
    test_task_close(&t);
}

/* ---- evaluation ---- */

typedef struct told {
    char bytes[4096];
    int64_t rows[4096];
    double bits;
    int64_t count;
} told;

static void take_symbol(void *user, int64_t row, const char *bytes, size_t size, double bits)
{
    told *all = user;
    assert_int_equal(size, 1);
    all->rows[all->count] = row;
    all->bytes[all->count] = bytes[0];
    if (all->count++ > 0)
        all->bits += bits;
    else
        assert_true(isnan(bits)); /* nothing predicts the first */
}

/* Bits per character by hand: ranges of predictions as equal as can be, the longer ones first. */
static double bits_by_hand(const test_task *t, const uint8_t *symbols, int64_t count, int64_t tracks)
{
    const int64_t base = (count - 1) / tracks, longer = (count - 1) % tracks;
    double sum = 0;
    int64_t begin = 0;
    for (int64_t k = 0; k < tracks; k++) {
        hn_stream *stream = NULL;
        const int64_t length = base + (k < longer);
        test_task_ok(t, hn_stream_create(t->store, &t->model, 1, &stream));
        sum += predict(t, stream, symbols + begin, length);
        hn_stream_destroy(stream);
        begin += length;
    }
    assert_int_equal(begin, count - 1);
    return sum / (double)(count - 1) / log(2);
}

static void evaluation_equals_a_computation_by_hand(void **state)
{
    static const int64_t tracks[] = {1, 2, 3, 5, 64};
    test_task t;
    (void)state;
    test_task_prepare(&t, 1500);
    t.data.test_fraction = 0.2;
    t.model.keep_input = t.model.keep_output = t.model.cell.keep_recurrent = 0.5; /* must not act here */
    test_task_open(&t, 4);
    hni_text_data *text = read_again(&t);
    for (size_t i = 0; i < sizeof tracks / sizeof tracks[0]; i++) {
        const hni_evaluate_options options = {.split = "test", .tracks = tracks[i]};
        hni_metric metric;
        test_task_ok(&t, t.task->evaluate(t.work, &options, &metric));
        assert_int_equal(metric.count, 299);
        assert_close(metric.value, bits_by_hand(&t, text->symbols + text->start[HNI_TEXT_TEST], 300, tracks[i]), 1e-5,
                     0);
        assert_true(hn_graph_is_recording(t.graph) && hn_graph_is_training(t.graph));
    }
    hni_text_close(text);
    test_task_close(&t);
}

static void evaluation_tells_symbols_and_tracks(void **state)
{
    test_task t;
    hni_metric metric;
    told all = {.count = 0};
    (void)state;
    test_task_prepare(&t, 40000);
    t.data.valid_fraction = 0.1;
    test_task_open(&t, 4);
    hni_text_data *text = read_again(&t);
    hni_evaluate_options options = {.split = "valid", .tracks = 1, .symbol = take_symbol, .user = &all};
    test_task_ok(&t, t.task->evaluate(t.work, &options, &metric));
    assert_string_equal(metric.note, "one stream, state carried");
    assert_int_equal(all.count, 4000);
    assert_close(all.bits / 3999, metric.value, 1e-12, 0);
    for (int64_t i = 0; i < 4000; i++) {
        size_t size;
        assert_int_equal(all.rows[i], text->symbols[text->start[HNI_TEXT_VALID] + i]);
        assert_int_equal(all.bytes[i], hn_vocabulary_symbol(text->vocabulary, all.rows[i], &size)[0]);
    }
    options.tracks = 0;
    options.symbol = NULL;
    test_task_ok(&t, t.task->evaluate(t.work, &options, &metric));
    assert_string_equal(metric.note, "7 tracks, state carried");
    assert_int_equal(metric.count, 3999);
    hni_text_close(text);
    test_task_close(&t);
}

static void evaluation_leaves_training_alone(void **state)
{
    test_task t;
    hni_metric metric;
    const hni_evaluate_options options = {.split = "valid"};
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    (void)loss_of(&t, 0);
    test_task_ok(&t, t.task->advance(t.work, 0));
    const double before = loss_of(&t, 1);
    test_task_ok(&t, t.task->evaluate(t.work, &options, &metric));
    assert_true(before == loss_of(&t, 1));
    test_task_close(&t);
}

static bool stop(void *user, int64_t done, int64_t total)
{
    (void)user;
    assert_true(done > 0 && done <= total);
    return false;
}

static void evaluation_can_be_stopped_and_refuses_unknown_splits(void **state)
{
    test_task t;
    hni_metric metric;
    hni_evaluate_options options = {.split = "valid", .tracks = 1, .progress = stop};
    (void)state;
    test_task_prepare(&t, 500);
    t.data.test_fraction = 0;
    test_task_open(&t, 4);
    assert_int_equal(t.task->evaluate(t.work, &options, &metric), HN_ERROR_CANCELLED);
    hn_context_clear(t.context);
    options = (hni_evaluate_options){.split = "holdout"};
    assert_int_not_equal(t.task->evaluate(t.work, &options, &metric), HN_OK);
    assert_non_null(strstr(hn_context_error(t.context)->text, "'holdout' is unknown: it is valid, test"));
    hn_context_clear(t.context);
    options.split = "test";
    assert_int_not_equal(t.task->evaluate(t.work, &options, &metric), HN_OK);
    assert_non_null(strstr(hn_context_error(t.context)->text, "data.test_fraction"));
    hn_context_clear(t.context);
    test_task_close(&t);
}

/* ---- checkpointed state ---- */

#define MOST_TENSORS 4

/* Everything that a checkpoint holds of the task, written and opened again. */
static hn_safetensors *save(const test_task *t, const char *path)
{
    hn_file_tensor tensors[MOST_TENSORS];
    hni_task_tensor got[MOST_TENSORS];
    void *copies[MOST_TENSORS];
    hn_safetensors_content content = {.tensors = tensors};
    hn_safetensors *file = NULL;
    for (int64_t i = 0;; i++) {
        bool more;
        assert_true(i <= MOST_TENSORS);
        hni_task_tensor tensor;
        test_task_ok(t, t->task->state_get(t->work, i, &tensor, &more));
        if (!more) break;
        const size_t size = (size_t)hn_shape_elements(tensor.shape) * hn_dtype_size(tensor.dtype);
        got[i] = tensor;
        copies[i] = malloc(size);
        assert_non_null(copies[i]);
        memcpy(copies[i], tensor.data, size);
        tensors[i] = (hn_file_tensor){got[i].name, tensor.dtype, tensor.shape, copies[i]};
        content.tensor_count = i + 1;
    }
    test_task_ok(t, hn_safetensors_write(t->context, path, &content));
    test_task_ok(t, hn_safetensors_open(t->context, path, &file));
    for (int64_t i = 0; i < content.tensor_count; i++)
        free(copies[i]);
    return file;
}

static void state_comes_back_from_a_checkpoint(void **state)
{
    test_task first, second;
    (void)state;
    test_task_prepare(&first, 500);
    first.model.layers = 2;
    test_task_open(&first, 4);
    for (int64_t step = 0; step < 2; step++) {
        (void)loss_of(&first, step);
        test_task_ok(&first, first.task->advance(first.work, step));
    }
    char *path = test_path_join(first.folder, "state.safetensors");
    hn_safetensors *file = save(&first, path);
    assert_non_null(hn_safetensors_find(file, "blob.vocabulary"));
    assert_non_null(hn_safetensors_find(file, "state.layers.1"));
    test_task_prepare(&second, 500);
    second.model.layers = 2;
    test_task_open(&second, 4);
    assert_true(loss_of(&second, 2) != loss_of(&first, 2));
    test_task_ok(&second, second.task->state_set(second.work, file));
    assert_true(loss_of(&second, 2) == loss_of(&first, 2));
    hn_safetensors_close(file);
    free(path);
    test_task_close(&second);
    test_task_close(&first);
}

static void state_of_another_run_is_refused(void **state)
{
    test_task first, second;
    (void)state;
    test_task_prepare(&first, 500);
    test_task_open(&first, 4);
    char *path = test_path_join(first.folder, "state.safetensors");
    hn_safetensors *file = save(&first, path);
    test_task_prepare(&second, 500);
    second.data.batch = 4;
    test_task_open(&second, 4);
    assert_int_not_equal(second.task->state_set(second.work, file), HN_OK);
    assert_non_null(strstr(hn_context_error(second.context)->text, "'state.layers.0' is F32 [3,"));
    hn_context_clear(second.context);
    hn_safetensors_close(file);
    free(path);
    test_task_close(&second);
    test_task_close(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_the_papers),
        cmocka_unit_test(loss_is_the_mean_over_tracks),
        cmocka_unit_test(batch_is_a_pure_function_of_the_step),
        cmocka_unit_test(a_step_takes_nothing_from_the_allocator),
        cmocka_unit_test(evaluation_equals_a_computation_by_hand),
        cmocka_unit_test(evaluation_tells_symbols_and_tracks),
        cmocka_unit_test(evaluation_leaves_training_alone),
        cmocka_unit_test(evaluation_can_be_stopped_and_refuses_unknown_splits),
        cmocka_unit_test(state_comes_back_from_a_checkpoint),
        cmocka_unit_test(state_of_another_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
