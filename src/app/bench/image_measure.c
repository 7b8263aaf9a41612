/* See image_measure.h. */
#include "app/bench/image_measure.h"

#include "app/bench/machine.h"
#include "app/train/trainer.h"

#define WARM_UP 2                /* steps before the first that counts: the second needs no new memory */
#define CONVOLUTION_SECONDS 0.02 /* of one measurement of one of them, .. */
#define QUICK_SECONDS 0.0005     /* .. and where figures do not count */

typedef struct work {
    hn_context *context;
    const hni_bench_plan *plan;
    hni_bench_image_result *result;
    hni_bench_image_step *hyper, *stored;
} work;

static void tell(const work *w, const char *what, size_t done)
{
    if (w->plan->progress != NULL) w->plan->progress(w->plan->user, w->result->size.name, what, done, w->plan->repeats);
}

static hn_status run_step(hni_bench_image_step *step, hni_bench_network *network)
{
    hni_bench_image_report report;
    const hn_status status = hni_bench_image_step_run(step, &report);
    if (status != HN_OK) return status;
    const double seconds = hni_bench_report_seconds(&report.step);
    hni_bench_times_add(&network->forward, report.step.forward);
    hni_bench_times_add(&network->backward, report.step.backward);
    hni_bench_times_add(&network->update, report.step.update);
    hni_bench_times_add(&network->step, seconds);
    for (int i = 0; i < HNI_BENCH_PARTS; i++)
        hni_bench_times_add(&network->parts[i], report.parts[i] / seconds);
    return HN_OK;
}

/* Steps that do not count. */
static hn_status open_network(work *w, hn_image_weights weights, hni_bench_image_step **out_step,
                              hni_bench_network *network)
{
    hni_bench_image_report report;
    hn_status status;
    HNI_TRY(hni_bench_image_step_open(w->context, &w->result->size, weights, out_step));
    for (int i = 0; i < WARM_UP; i++)
        HNI_TRY(hni_bench_image_step_run(*out_step, &report));
    network->parameters = hni_bench_image_step_parameters(*out_step);
    network->bytes = hni_bench_image_step_bytes(*out_step);
cleanup:
    return status;
}

static hn_status open_all(work *w, const hni_bench_image_forecast *forecast)
{
    hni_bench_image_result *result = w->result;
    const double least = w->plan->quick ? QUICK_SECONDS : CONVOLUTION_SECONDS;
    hn_status status;
    tell(w, "preparing", 0);
    hni_bench_process_peak_reset();
    HNI_TRY(open_network(w, HN_IMAGE_WEIGHTS_HYPER, &w->hyper, &result->hyper));
    result->hyper.process_peak = hni_bench_process_peak();
    HNI_TRY(open_network(w, HN_IMAGE_WEIGHTS_STORED, &w->stored, &result->stored));
    HNI_TRY(hni_bench_convolutions_open(w->context, forecast, least, &result->convolutions));
cleanup:
    return status;
}

hn_status hni_bench_image_measure(hn_context *context, const hni_bench_image_size *size, const hni_bench_plan *plan,
                                  hni_bench_image_result *out_result)
{
    hni_bench_image_result *result = out_result;
    work w = {.context = context, .plan = plan, .result = result};
    hni_bench_image_forecast hyper, stored;
    hn_status status;
    *result = (hni_bench_image_result){.size = *size};
    HNI_TRY(hni_bench_image_forecast_make(context, size, HN_IMAGE_WEIGHTS_HYPER, &hyper));
    HNI_TRY(hni_bench_image_forecast_make(context, size, HN_IMAGE_WEIGHTS_STORED, &stored));
    result->hyper.forecast = hyper.bytes;
    result->stored.forecast = stored.bytes;
    result->free_bytes = hni_free_memory();
    result->skipped = result->free_bytes > 0 && hyper.bytes + stored.bytes > result->free_bytes;
    if (result->skipped) goto cleanup;
    HNI_TRY(open_all(&w, &hyper));
    for (size_t i = 0; i < plan->repeats; i++) {
        tell(&w, "measuring", i);
        HNI_TRY(run_step(w.hyper, &result->hyper));
        HNI_TRY(hni_bench_convolutions_run(&result->convolutions));
        HNI_TRY(run_step(w.stored, &result->stored));
    }
    tell(&w, "done", plan->repeats);
cleanup:
    hni_bench_convolutions_close(&result->convolutions);
    hni_bench_image_step_close(w.stored);
    hni_bench_image_step_close(w.hyper);
    return status;
}

double hni_bench_over_stored(const hni_bench_image_result *result)
{
    return hni_bench_spread_of(&result->hyper.step).median / hni_bench_spread_of(&result->stored.step).median;
}
