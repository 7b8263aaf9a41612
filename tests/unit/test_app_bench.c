/* What `hypernet bench` counts and computes, on figures that are known: quartiles, fits, the list of multiplies, memory, and that a probe
 * multiplies what it says. No test looks at how long anything took. */
#include <math.h>

#include "app/bench/machine.h"
#include "app/bench/measure.h"
#include "app/bench/timing.h"
#include "kernels/probe.h"
#include "kernels/table.h"
#include "test_support.h"

static hn_context *open_context(int threads)
{
    hn_context_options options;
    hn_context *context = NULL;
    hn_context_options_default(&options);
    options.threads = threads;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    return context;
}

static void ok(const hn_context *context, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(context)->text);
}

/* ---- timing ---- */

static void quartiles_lie_between_measurements(void **state)
{
    hni_bench_times times = {.count = 0};
    (void)state;
    assert_true(isnan(hni_bench_spread_of(&times).median));
    hni_bench_times_add(&times, 7);
    assert_close(hni_bench_spread_of(&times).low, 7, 0, 0);
    assert_close(hni_bench_spread_of(&times).high, 7, 0, 0);
    for (int i = 0; i < 3; i++)
        hni_bench_times_add(&times, 3 - i); /* 7 3 2 1 */
    assert_close(hni_bench_spread_of(&times).low, 1.75, 1e-12, 0);
    assert_close(hni_bench_spread_of(&times).median, 2.5, 1e-12, 0);
    assert_close(hni_bench_spread_of(&times).high, 4, 1e-12, 0);
    for (int i = 0; i < 2 * HNI_BENCH_REPEATS_MOST; i++)
        hni_bench_times_add(&times, 1);
    assert_int_equal(times.count, HNI_BENCH_REPEATS_MOST);
}

static void fits_find_the_power(void **state)
{
    double x[6], y[6];
    (void)state;
    for (int i = 0; i < 6; i++) {
        x[i] = pow(2, i);
        y[i] = 3 * pow(x[i], 1.75);
    }
    assert_close(hni_bench_fit_of(x, y, 6).slope, 1.75, 1e-9, 0);
    assert_close(hni_bench_fit_of(x, y, 6).factor, 3, 1e-9, 0);
    y[2] = (double)NAN; /* no figure, no share in the fit */
    y[4] = 0;
    assert_close(hni_bench_fit_of(x, y, 6).slope, 1.75, 1e-9, 0);
    assert_true(isnan(hni_bench_fit_of(x, y, 1).slope));
    x[1] = x[0];
    assert_true(isnan(hni_bench_fit_of(x, y, 2).slope));
    /* least squares in logarithms: (0,0) (1,2) (2,1) has the slope 1/2 */
    const double three_x[] = {1, exp(1), exp(2)}, three_y[] = {1, exp(2), exp(1)};
    assert_close(hni_bench_fit_of(three_x, three_y, 3).slope, 0.5, 1e-9, 0);
}

/* ---- multiplies ---- */

static const hni_bench_multiply *find(const hni_bench_multiply *rows, size_t count, const char *matrix,
                                      const char *pass)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].matrix, matrix) == 0 && strcmp(rows[i].pass, pass) == 0) return &rows[i];
    return NULL;
}

static void multiplies_are_those_of_the_paper(void **state)
{
    hni_bench_multiply rows[HNI_BENCH_MULTIPLIES_MOST];
    (void)state;
    const hni_bench_size *ptb = hni_bench_size_find("ptb");
    hni_bench_model model = hni_bench_hyper(ptb);
    size_t count = hni_bench_multiplies_list(&model, rows);
    const hni_bench_multiply *row = find(rows, count, "W_h", "forward");
    assert_non_null(row);
    assert_true(row->m == 128 && row->k == 1000 && row->n == 4000 && row->count == 100);
    row = find(rows, count, "W_h", "weights");
    assert_true(row->m == 1000 && row->n == 4000 && row->k == 12800 && row->count == 1);
    row = find(rows, count, "hyper W_h", "data");
    assert_true(row->m == 128 && row->k == 512 && row->n == 128 && row->count == 100);
    row = find(rows, count, "embeddings", "forward");
    assert_true(row->k == 128 && row->n == 48);
    assert_null(find(rows, count, "W_x", "forward"));
    assert_null(find(rows, count, "W_z", "forward"));
    /* forward, to the data and for the weights, 2 operations each, of every row of every step */
    const double hyper = 2.0 * 3 * 12800 * (1000 * 4512 + 128 * (512 + 48) + 1000 * 50);
    assert_close(hni_bench_multiplies_operations(rows, count), hyper, 1e-12, 0);
    model = hni_bench_plain(ptb);
    count = hni_bench_multiplies_list(&model, rows);
    assert_close(hni_bench_multiplies_operations(rows, count), 2.0 * 3 * 12800 * (1000 * 4000 + 1000 * 50), 1e-12, 0);
}

static void dense_inputs_and_wide_embeddings_count(void **state)
{
    hni_bench_multiply rows[HNI_BENCH_MULTIPLIES_MOST];
    (void)state;
    hni_bench_model model = hni_bench_hyper(hni_bench_size_find("handwriting"));
    size_t count = hni_bench_multiplies_list(&model, rows);
    const hni_bench_multiply *row = find(rows, count, "W_x", "forward");
    assert_non_null(row);
    assert_true(row->m == 32 * 700 && row->k == 3 && row->n == 3600 && row->count == 1);
    assert_null(find(rows, count, "W_x", "data")); /* nobody asks for the gradient of the data */
    assert_non_null(find(rows, count, "hyper W_x, of x", "weights"));
    model = hni_bench_hyper(hni_bench_size_find("enwik8"));
    count = hni_bench_multiplies_list(&model, rows);
    row = find(rows, count, "W_z", "forward");
    assert_non_null(row);
    assert_true(row->k == 64 && row->n == 1800 && row->count == 12 * 250);
    const double hyper =
        2.0 * 3 * 32000 * (1800.0 * 4 * (1800 + 256) + 256 * (1024 + 768) + 12 * 64 * 1800 + 1800 * 205);
    assert_close(hni_bench_multiplies_operations(rows, count), hyper, 1e-12, 0);
}

static double product_at(const hni_probe_shape *s, int64_t row, int64_t column)
{
    double sum = 0;
    for (int64_t k = 0; k < s->k; k++) {
        const int64_t a = s->transpose_a ? k * s->m + row : row * s->k + k;
        const int64_t b = s->transpose_b ? column * s->k + k : k * s->n + column;
        sum += (double)hni_probe_number(0, a) * (double)hni_probe_number(1, b);
    }
    return sum;
}

static void probes_multiply_what_they_say(void **state)
{
    static const struct {
        hni_probe_kind kind;
        hni_probe_shape shape;
    } cases[] = {
        {HNI_PROBE_SGEMM, {7, 33, 19, false, false}},        {HNI_PROBE_SGEMM, {7, 33, 19, false, true}},
        {HNI_PROBE_SGEMM, {33, 7, 19, true, false}},         {HNI_PROBE_PACKED_F32, {7, 33, 19, false, false}},
        {HNI_PROBE_PACKED_BF16, {16, 64, 32, false, false}},
    };
    hn_context *context = open_context(2);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const hni_probe_shape *s = &cases[i].shape;
        hni_probe *probe = NULL;
        if (cases[i].kind == HNI_PROBE_PACKED_BF16 && hni_probe_bf16_support() == HNI_PROBE_BF16_ABSENT) continue;
        const hn_status status = hni_probe_create(context, cases[i].kind, s, 2, &probe);
        if (hni_kernels_cpu(HN_DTYPE_F32) == NULL) {
            assert_int_equal(status, HN_ERROR_UNSUPPORTED);
            assert_non_null(strstr(hn_context_error(context)->text, "HYPERNET_CPU=ON"));
            hn_context_clear(context);
            continue;
        }
        ok(context, status);
        assert_true(hni_probe_element(probe, s->m - 1, s->n - 1) == 0);
        ok(context, hni_probe_run(probe, 2));
        for (int64_t row = 0; row < s->m; row += 3)
            for (int64_t column = 0; column < s->n; column += 2)
                assert_close((double)hni_probe_element(probe, row, column), product_at(s, row, column), 1e-5, 1e-4);
        hni_probe_destroy(probe);
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static void a_packed_probe_refuses_a_turned_matrix(void **state)
{
    const hni_probe_shape shape = {4, 4, 4, true, false};
    hn_context *context = open_context(1);
    hni_probe *probe = NULL;
    (void)state;
    assert_int_equal(hni_probe_create(context, HNI_PROBE_PACKED_F32, &shape, 1, &probe), HN_ERROR_UNSUPPORTED);
    assert_null(probe);
    hn_context_destroy(context);
}

/* ---- steps ---- */

static void forecasts_are_what_steps_hold(void **state)
{
    hn_context *context = open_context(2);
    (void)state;
    for (size_t i = 0; i < 2 * HNI_BENCH_SIZES; i++) {
        const hni_bench_size size = hni_bench_size_quick(hni_bench_size_at(i / 2));
        const hni_bench_model model = i % 2 == 0 ? hni_bench_hyper(&size) : hni_bench_plain(&size);
        hni_bench_step *step = NULL;
        hni_bench_report first, later = {0, 0, 0, 0};
        int64_t bytes = 0;
        ok(context, hni_bench_forecast(context, &model, &bytes));
        assert_int_equal(hn_context_memory(context), 0);
        ok(context, hni_bench_step_open(context, &model, &step));
        ok(context, hni_bench_step_run(step, &first));
        for (int k = 0; k < 30; k++)
            ok(context, hni_bench_step_run(step, &later));
        assert_true(later.loss < first.loss); /* it learns: forward, backward and update were done */
        assert_true(first.forward > 0 && first.backward > 0 && first.update > 0);
        assert_close(hni_bench_report_seconds(&first), first.forward + first.backward + first.update, 1e-12, 0);
        assert_close((double)hni_bench_step_bytes(step), (double)bytes, 0.05, 0);
        hni_bench_step_close(step);
        assert_int_equal(hn_context_memory(context), 0);
    }
    hn_context_destroy(context);
}

static void every_dropout_is_on(void **state)
{
    hn_context *context = open_context(1);
    const hni_bench_size size = hni_bench_size_quick(hni_bench_size_find("ptb"));
    double losses[4];
    (void)state;
    for (int i = 0; i < 4; i++) { /* each one alone changes the loss */
        hni_bench_model model = hni_bench_hyper(&size);
        double *const keeps[] = {&model.keep_input, &model.keep_recurrent, &model.keep_output};
        hni_bench_step *step = NULL;
        hni_bench_report report;
        if (i < 3) *keeps[i] = 1;
        ok(context, hni_bench_step_open(context, &model, &step));
        ok(context, hni_bench_step_run(step, &report));
        losses[i] = report.loss;
        hni_bench_step_close(step);
    }
    for (int i = 0; i < 3; i++)
        assert_true(losses[i] != losses[3]);
    hn_context_destroy(context);
}

static void a_size_without_room_is_left_out(void **state)
{
    hn_context *context = open_context(1);
    hni_bench_result *result = malloc(sizeof *result);
    const hni_bench_plan plan = {.repeats = 1, .quick = true};
    hni_bench_size size = hni_bench_size_quick(hni_bench_size_find("laptop"));
    (void)state;
    assert_non_null(result);
    ok(context, hni_bench_measure(context, &size, &plan, result));
    assert_false(result->skipped);
    assert_int_equal(result->hyper.step.count, 1);
    assert_true(hni_bench_over_plain(result) > 0);
    assert_int_equal(hn_context_memory(context), 0);
    size.units = 20000;
    size.batch = 20000;
    size.length = 2000;
    ok(context, hni_bench_measure(context, &size, &plan, result));
    assert_true(result->skipped && result->hyper.forecast > result->free_bytes && result->free_bytes > 0);
    assert_int_equal(result->hyper.step.count, 0);
    free(result);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quartiles_lie_between_measurements), cmocka_unit_test(fits_find_the_power),
        cmocka_unit_test(multiplies_are_those_of_the_paper),  cmocka_unit_test(dense_inputs_and_wide_embeddings_count),
        cmocka_unit_test(probes_multiply_what_they_say),      cmocka_unit_test(a_packed_probe_refuses_a_turned_matrix),
        cmocka_unit_test(forecasts_are_what_steps_hold),      cmocka_unit_test(every_dropout_is_on),
        cmocka_unit_test(a_size_without_room_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
