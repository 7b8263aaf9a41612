/* Dynamic evaluation of text: against a computation by hand, without a trace in the model, and better where the text is another. */
#include <math.h>

#include "hypernet/optim.h"
#include "test_task.h"

enum { MOST = 4096 };

typedef struct told {
    double bits[MOST];
    int64_t count;
} told;

static void take_symbol(void *user, int64_t row, const char *bytes, size_t size, double bits)
{
    told *all = user;
    (void)row, (void)bytes, (void)size;
    assert_true(all->count < MOST);
    all->bits[all->count++] = bits;
}

static hni_metric evaluate(const test_task *t, const hni_dynamic_options *dynamic, int64_t window, told *all)
{
    const hni_evaluate_options options = {.split = "valid",
                                          .tracks = 1,
                                          .symbol = all != NULL ? take_symbol : NULL,
                                          .user = all,
                                          .window = window,
                                          .dynamic = dynamic};
    hni_metric metric;
    if (all != NULL) all->count = 0;
    test_task_ok(t, t->task->evaluate(t->work, &options, &metric));
    return metric;
}

/* All parameters behind each other; the caller frees them. */
static float *parameters(const test_task *t, size_t *out_size)
{
    float *all = calloc((size_t)hn_store_elements(t->store), sizeof *all), *next = all;
    assert_non_null(all);
    for (int64_t i = 0; i < hn_store_count(t->store); i++) {
        const int64_t count = hn_store_parameter(t->store, i)->elements;
        test_task_ok(t, hn_store_read(t->store, i, HN_DTYPE_F32, count, next));
        next += count;
    }
    *out_size = (size_t)hn_store_elements(t->store) * sizeof *all;
    return all;
}

static void rate_0_is_static(void **state)
{
    static const hn_backend backends[] = {HN_BACKEND_GENERIC, HN_BACKEND_BEST};
    static told plain, moved;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        test_task t;
        test_task_prepare(&t, 3000);
        t.backend = backends[i];
        t.model.layers = 2;
        t.model.keep_input = t.model.keep_output = t.model.cell.keep_recurrent = 0.5; /* must not act here */
        test_task_open(&t, 4);
        const hni_dynamic_options none = {.rate = 0, .decay = 0.4, .length = 13}, some = {0.1, 0.4, 13};
        const hni_metric first = evaluate(&t, NULL, 13, &plain), second = evaluate(&t, &none, 0, &moved);
        const double share = 1e-6; /* what is observed comes from a composition, whose sums have another order */
        assert_close(first.value, second.value, share, 0);
        assert_int_equal(plain.count, moved.count);
        for (int64_t k = 1; k < plain.count; k++)
            assert_close(moved.bits[k], plain.bits[k], share, share);
        assert_true(evaluate(&t, &some, 0, NULL).value != first.value);
        assert_string_equal(second.note, "one stream, weights follow: rate 0, decay 0.4, segments of 13");
        test_task_close(&t);
    }
}

/* The same on another graph and store, with the update in double on the host. */
static double nats_by_hand(const test_task *t, const hni_dynamic_options *dynamic, const int32_t *symbols,
                           int64_t count)
{
    const hn_shape carried = HN_SHAPE2(1, hn_cell_state_size(&t->model.cell));
    size_t size;
    float *trained = parameters(t, &size), *state = calloc((size_t)carried.size[1], sizeof *state);
    double sum = 0;
    hn_graph_train(t->graph, false);
    for (int64_t at = 0; at + 1 < count; at += dynamic->length) {
        const int64_t length = at + dynamic->length < count ? dynamic->length : count - 1 - at;
        double loss;
        hn_graph_reset(t->graph);
        const hn_tensor start = hn_tensor_from(t->graph, HN_DTYPE_F32, carried, state, false);
        const hn_window window = {
            .symbols = hn_tensor_from(t->graph, HN_DTYPE_I32, HN_SHAPE2(1, length), symbols + at, false),
            .targets = hn_tensor_from(t->graph, HN_DTYPE_I32, HN_SHAPE2(1, length), symbols + at + 1, false)};
        const hn_language_result result = hn_language_run(t->weights, &t->model, &window, &start, NULL);
        test_task_ok(t, hn_tensor_read(t->graph, result.loss, HN_DTYPE_F64, 1, &loss));
        test_task_ok(t, hn_store_zero_gradients(t->store));
        test_task_ok(t, hn_backward(t->graph, result.loss));
        test_task_ok(t, hn_tensor_read(t->graph, result.state[0], HN_DTYPE_F32, carried.size[1], state));
        sum += loss * (double)length;
        const float *from = trained;
        for (int64_t i = 0; i < hn_store_count(t->store); i++) {
            const int64_t elements = hn_store_parameter(t->store, i)->elements;
            double *value = calloc((size_t)elements, sizeof *value), *slope = calloc((size_t)elements, sizeof *slope);
            test_task_ok(t, hn_store_read(t->store, i, HN_DTYPE_F64, elements, value));
            test_task_ok(t, hn_store_gradient_read(t->store, i, HN_DTYPE_F64, elements, slope));
            for (int64_t k = 0; k < elements; k++)
                value[k] += dynamic->decay * ((double)from[k] - value[k]) - dynamic->rate * slope[k];
            test_task_ok(t, hn_store_write(t->store, i, HN_DTYPE_F64, elements, value));
            from += elements;
            free(value);
            free(slope);
        }
    }
    free(state);
    free(trained);
    return sum;
}

static void it_equals_a_computation_by_hand(void **state)
{
    const hni_dynamic_options dynamic = {.rate = 0.2, .decay = 0.05, .length = 11};
    test_task t;
    hni_text_data *text = NULL;
    int32_t symbols[MOST];
    (void)state;
    test_task_prepare(&t, 4000);
    test_task_open(&t, 4);
    const hni_text_source source = {.places = &t.places};
    test_task_ok(&t, hni_text_open(t.context, &t.data, &source, &text));
    const int64_t count = text->count[HNI_TEXT_VALID];
    assert_true(count > 100 && count < MOST);
    for (int64_t i = 0; i < count; i++)
        symbols[i] = hni_text_row(text, text->start[HNI_TEXT_VALID] + i);
    hni_text_close(text);
    const hni_metric metric = evaluate(&t, &dynamic, 0, NULL), plain = evaluate(&t, NULL, 0, NULL);
    assert_int_equal(metric.count, count - 1);
    assert_true(fabs(metric.value - plain.value) > 0.01);
    assert_close(metric.value, nats_by_hand(&t, &dynamic, symbols, count) / (double)(count - 1) / log(2), 1e-5, 0);
    test_task_close(&t);
}

static bool stop(void *user, int64_t done, int64_t total)
{
    (void)user;
    return done < total / 2;
}

static void the_model_is_as_it_was(void **state)
{
    const hni_dynamic_options some = {0.1, 0.01, 20}, wild = {1e30, 0, 20};
    hni_evaluate_options options = {.split = "valid", .tracks = 1, .dynamic = &some};
    test_task t;
    hni_metric metric;
    size_t size;
    (void)state;
    test_task_prepare(&t, 3000);
    test_task_open(&t, 4);
    const double before = evaluate(&t, NULL, 0, NULL).value;
    float *trained = parameters(&t, &size);
    for (int round = 0; round < 3; round++) {
        const hn_status expected[] = {HN_OK, HN_ERROR_CANCELLED, HN_ERROR_NONFINITE};
        options.progress = round == 1 ? stop : NULL;
        options.dynamic = round == 2 ? &wild : &some;
        assert_int_equal(t.task->evaluate(t.work, &options, &metric), expected[round]);
        if (round == 2) assert_non_null(strstr(hn_context_error(t.context)->text, "take a smaller rate"));
        hn_context_clear(t.context);
        float *now = parameters(&t, &size);
        assert_memory_equal(now, trained, size);
        free(now);
    }
    assert_true(evaluate(&t, NULL, 0, NULL).value == before);
    assert_true(evaluate(&t, &some, 0, NULL).value == evaluate(&t, &some, 0, NULL).value);
    assert_true(hn_graph_is_recording(t.graph) && hn_graph_is_training(t.graph));
    free(trained);
    test_task_close(&t);
}

/* Nine tenths of the text are words of one kind, the rest of another, in the same letters. */
static void write_shifted(const test_task *t)
{
    static const char *const words[2][4] = {{"tan ", "net ", "ate ", "ant "}, {"sees ", "seas ", "ease ", "asses "}};
    char text[6000 + 8];
    uint32_t number = 5;
    size_t size = 0;
    while (size < 6000) {
        number = number * 1664525u + 1013904223u;
        const char *word = words[size >= 5400][number >> 30];
        memcpy(text + size, word, strlen(word));
        size += strlen(word);
    }
    test_file_write(t->data.path, text, 6000);
}

static void it_is_lower_where_the_text_changes(void **state)
{
    const hni_dynamic_options dynamic = {.rate = 0.5, .decay = 0.001, .length = 10};
    hn_optimizer *optimizer = NULL;
    test_task t;
    (void)state;
    test_task_prepare(&t, 100);
    t.data.valid_fraction = 0.1;
    t.data.test_fraction = 0;
    write_shifted(&t);
    test_task_open(&t, 4);
    test_task_ok(&t, hn_optimizer_create(t.store, NULL, &optimizer));
    for (int64_t step = 0; step < 150; step++) {
        hn_tensor loss;
        hn_graph_reset(t.graph);
        test_task_ok(&t, hn_store_zero_gradients(t.store));
        test_task_ok(&t, t.task->loss(t.work, step, &loss));
        test_task_ok(&t, hn_backward(t.graph, loss));
        test_task_ok(&t, hn_optimizer_step(optimizer, 0.02, NULL));
        test_task_ok(&t, t.task->advance(t.work, step));
    }
    hn_optimizer_destroy(optimizer);
    const double plain = evaluate(&t, NULL, 10, NULL).value, moved = evaluate(&t, &dynamic, 0, NULL).value;
    if (!(moved < plain - 0.5)) fail_msg("static %g, dynamic %g", plain, moved);
    test_task_close(&t);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const hni_dynamic_options wrong[] = {
        {-0.1, 0, 20}, {0.1, 1.5, 20}, {0.1, -1, 20}, {0.1, 0, 0}, {0, (double)NAN, 20}};
    test_task t;
    hni_metric metric;
    (void)state;
    test_task_prepare(&t, 3000);
    test_task_open(&t, 4);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const hni_evaluate_options options = {.split = "valid", .tracks = 1, .dynamic = &wrong[i]};
        assert_int_equal(t.task->evaluate(t.work, &options, &metric), HN_ERROR_ARGUMENT);
        assert_non_null(strstr(hn_context_error(t.context)->text, "must not be negative"));
        hn_context_clear(t.context);
    }
    const hni_dynamic_options right = {0.1, 0.001, 20};
    const hni_evaluate_options options = {.split = "valid", .tracks = 2, .dynamic = &right};
    assert_int_equal(t.task->evaluate(t.work, &options, &metric), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(t.context)->text, "follow one text, not 2 tracks"));
    hn_context_clear(t.context);
    test_task_close(&t);
}

/* The forecast is a little more than what the largest segment really takes. */
static void memory_is_forecast(void **state)
{
    static const int64_t lengths[] = {5, 64, 500};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const hni_dynamic_options dynamic = {0.1, 0.001, lengths[i]};
        const hni_evaluate_options options = {.split = "valid", .tracks = 1, .dynamic = &dynamic};
        test_task t;
        hni_metric metric;
        int64_t bytes = 0;
        test_task_prepare(&t, 12000);
        t.model.cell.units = 40;
        test_task_open(&t, 4);
        test_task_ok(&t, t.task->dynamic_bytes(t.work, &options, &bytes));
        test_task_ok(&t, t.task->evaluate(t.work, &options, &metric));
        const double blocks = 2 * 4.0 * (double)hn_store_elements(t.store);
        const double share = (double)hn_graph_peak_bytes(t.graph) / ((double)bytes - blocks);
        if (!(share > 0.8 && share < 1.1)) fail_msg("segments of %d: %g", (int)lengths[i], share);
        test_task_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_0_is_static),
        cmocka_unit_test(it_equals_a_computation_by_hand),
        cmocka_unit_test(the_model_is_as_it_was),
        cmocka_unit_test(it_is_lower_where_the_text_changes),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(memory_is_forecast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
