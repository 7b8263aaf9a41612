/* What `hypernet bench` measures of images: the networks are the paper's, their convolutions are counted as they are on the tape, parts of a
 * step add up to it. No test looks at how long anything took. */
#include <math.h>

#include "app/bench/image_measure.h"
#include "test_support.h"

static hn_context *open_context(void)
{
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    return context;
}

static void ok(const hn_context *context, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(context)->text);
}

/* ---- which there are ---- */

typedef struct expected {
    int64_t inputs, outputs, side, stride, count;
    bool wants_dx;
} expected;

static void assert_convolutions(const hni_bench_image_forecast *forecast, const expected *wanted, size_t count)
{
    assert_int_equal(forecast->count, count);
    for (size_t i = 0; i < count; i++) {
        const hni_bench_convolution *found = &forecast->convolutions[i];
        assert_int_equal(found->x.size[3], wanted[i].inputs);
        assert_int_equal(found->kernel.size[1], wanted[i].inputs);
        assert_int_equal(found->kernel.size[0], wanted[i].outputs);
        assert_int_equal(found->x.size[1], wanted[i].side);
        assert_int_equal(found->x.size[2], wanted[i].side);
        assert_int_equal(found->stride, wanted[i].stride);
        assert_int_equal(found->count, wanted[i].count);
        assert_int_equal(found->wants_dx, wanted[i].wants_dx);
        assert_true(found->has_bias && found->padding == found->kernel.size[2] / 2);
    }
}

static void convolutions_are_those_of_the_paper(void **state)
{
    static const expected resnet[] = {{3, 16, 32, 1, 1, false},  {16, 16, 32, 1, 12, true}, {16, 32, 32, 2, 1, true},
                                      {32, 32, 16, 1, 11, true}, {32, 64, 16, 2, 1, true},  {64, 64, 8, 1, 11, true}};
    static const expected mnist[] = {{1, 16, 28, 1, 1, false}, {16, 16, 14, 1, 1, true}};
    hn_context *context = open_context();
    hni_bench_image_forecast hyper, stored;
    (void)state;
    const hni_bench_image_size *size = hni_bench_image_size_find("wrn-40-1");
    ok(context, hni_bench_image_forecast_make(context, size, HN_IMAGE_WEIGHTS_HYPER, &hyper));
    ok(context, hni_bench_image_forecast_make(context, size, HN_IMAGE_WEIGHTS_STORED, &stored));
    assert_convolutions(&hyper, resnet, 6);
    assert_convolutions(&stored, resnet, 6);
    assert_int_equal(hyper.convolutions[0].x.size[0], 128);
    /* 83 million multiplications and additions an image */
    double operations = 0;
    for (size_t i = 0; i < hyper.count; i++)
        operations += hni_bench_convolution_operations(&hyper.convolutions[i]) * (double)hyper.convolutions[i].count;
    assert_close(operations / 2 / 128, 82.7e6, 1e6, 0);
    ok(context,
       hni_bench_image_forecast_make(context, hni_bench_image_size_find("mnist"), HN_IMAGE_WEIGHTS_HYPER, &hyper));
    assert_convolutions(&hyper, mnist, 2);
    assert_null(hni_bench_image_size_find("wrn-40-2"));
    assert_null(hni_bench_image_size_at(HNI_BENCH_IMAGE_SIZES));
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static void networks_have_the_papers_counts(void **state)
{
    static const struct {
        const char *size;
        hn_image_weights weights;
        int64_t parameters;
    } cases[] = {{"wrn-40-1", HN_IMAGE_WEIGHTS_HYPER, 96602},
                 {"wrn-40-1", HN_IMAGE_WEIGHTS_STORED, 562762},
                 {"mnist", HN_IMAGE_WEIGHTS_HYPER, 12910},
                 {"mnist", HN_IMAGE_WEIGHTS_STORED, 21210}};
    hn_context *context = open_context();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hni_bench_image_step *step = NULL;
        const hni_bench_image_size *size = hni_bench_image_size_find(cases[i].size);
        ok(context, hni_bench_image_step_open(context, size, cases[i].weights, &step));
        assert_int_equal(hni_bench_image_step_parameters(step), cases[i].parameters);
        hni_bench_image_step_close(step);
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

/* ---- what is computed ---- */

/* Two steps of each network on small images. */
static void steps_train_and_parts_add_up(void **state)
{
    hn_context *context = open_context();
    (void)state;
    for (size_t i = 0; i < HNI_BENCH_IMAGE_SIZES; i++) {
        const hni_bench_image_size size = hni_bench_image_size_quick(hni_bench_image_size_at(i));
        for (int stored = 0; stored < 2; stored++) {
            const hn_image_weights weights = stored ? HN_IMAGE_WEIGHTS_STORED : HN_IMAGE_WEIGHTS_HYPER;
            hni_bench_image_step *step = NULL;
            hni_bench_image_forecast forecast;
            hni_bench_image_report report;
            double losses[2];
            ok(context, hni_bench_image_forecast_make(context, &size, weights, &forecast));
            ok(context, hni_bench_image_step_open(context, &size, weights, &step));
            for (int k = 0; k < 2; k++) {
                double sum = 0;
                ok(context, hni_bench_image_step_run(step, &report));
                for (int part = 0; part < HNI_BENCH_PARTS; part++) {
                    const bool none = part == HNI_BENCH_PART_GENERATOR
                                          ? stored
                                          : part == HNI_BENCH_PART_NORM && size.network == HN_IMAGE_NETWORK_CONV;
                    assert_true(none ? report.parts[part] == 0 : report.parts[part] > 0);
                    sum += report.parts[part];
                }
                assert_close(sum, hni_bench_report_seconds(&report.step), 1e-9, 0);
                losses[k] = report.step.loss;
            }
            assert_true(isfinite(losses[0]) && losses[0] != losses[1]);
            assert_int_equal(hni_bench_image_step_bytes(step), forecast.bytes);
            hni_bench_image_step_close(step);
        }
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static void measuring_fills_every_figure(void **state)
{
    const hni_bench_plan plan = {.repeats = 2, .quick = true};
    hn_context *context = open_context();
    hni_bench_image_result result;
    (void)state;
    const hni_bench_image_size size = hni_bench_image_size_quick(hni_bench_image_size_find("wrn-40-1"));
    ok(context, hni_bench_image_measure(context, &size, &plan, &result));
    assert_false(result.skipped);
    assert_int_equal(result.hyper.step.count, 2);
    assert_int_equal(result.stored.parts[HNI_BENCH_PART_NORM].count, 2);
    assert_true(result.stored.parameters > result.hyper.parameters && result.hyper.parameters > 0);
    assert_true(hni_bench_over_stored(&result) > 0);
    double sum = 0;
    for (size_t i = 0; i < result.convolutions.count; i++) {
        const hni_bench_convolution_row *row = &result.convolutions.rows[i];
        for (hni_bench_pass pass = 0; pass < HNI_BENCH_PASSES; pass++) {
            assert_int_equal(row->times[pass].count, hni_bench_convolution_has(row, pass) ? 2 : 0);
            sum += hni_bench_convolution_seconds(row, pass);
        }
    }
    assert_false(hni_bench_convolution_has(&result.convolutions.rows[0], HNI_BENCH_PASS_DATA));
    assert_close(sum, hni_bench_convolutions_seconds(&result.convolutions), 1e-12, 0);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_those_of_the_paper),
        cmocka_unit_test(networks_have_the_papers_counts),
        cmocka_unit_test(steps_train_and_parts_add_up),
        cmocka_unit_test(measuring_fills_every_figure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
