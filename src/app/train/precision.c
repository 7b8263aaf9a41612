/* train.precision: what large multiplies are computed in. `auto` times the recipe's own first update both ways before anything is
 * learned; the choice then stands in the run's recipe and is never made again. */
#include "app/train/run.h"

#define BF16_PAYS 1.2 /* times as fast as float that bf16 must be */

enum { TRIES = 2 };

/* Seconds of one forward and backward pass of the first part of the first batch; nothing is learned from it. */
static hn_status time_pass(hni_trainer *trainer, hn_precision precision, double *out_seconds)
{
    const double start = hni_seconds_now();
    hn_tensor loss;
    hn_status status;
    HNI_TRY(hn_graph_set_precision(trainer->graph, precision));
    HNI_TRY(hni_trainer_pass(trainer, 0, 0, &loss));
    *out_seconds = hni_seconds_now() - start;
cleanup:
    return status;
}

/* How many times as fast bf16 is: the best of a few passes each, in turns, after one each to warm up. 0: it does not exist here. */
static hn_status measure(hni_trainer *trainer, double *out_ratio)
{
    double best[2] = {1e30, 1e30};
    hn_status status = hn_graph_set_precision(trainer->graph, HN_PRECISION_BF16);
    *out_ratio = 0;
    if (status == HN_ERROR_UNSUPPORTED) {
        hn_context_clear(trainer->context);
        return HN_OK;
    }
    for (int i = 0; status == HN_OK && i < 2 * (TRIES + 1); i++) {
        double seconds = 0;
        HNI_TRY(time_pass(trainer, i % 2 == 0 ? HN_PRECISION_F32 : HN_PRECISION_BF16, &seconds));
        if (i >= 2 && seconds < best[i % 2]) best[i % 2] = seconds;
    }
    *out_ratio = best[0] / best[1];
cleanup:
    hn_graph_reset(trainer->graph);
    return status;
}

hn_status hni_precision_settle(hni_trainer *trainer)
{
    hni_train_settings *settings = &trainer->plan->train;
    hni_train_forecast *forecast = &trainer->forecast;
    hn_status status = HN_OK;
    if (settings->precision == HNI_TRAIN_AUTO) {
        HNI_TRY(measure(trainer, &forecast->bf16_ratio));
        forecast->precision_measured = true;
        settings->precision = forecast->bf16_ratio >= BF16_PAYS ? HNI_TRAIN_BF16 : HNI_TRAIN_F32;
    }
    HNI_TRY(hni_precision_apply(trainer));
cleanup:
    return status;
}

hn_status hni_precision_apply(hni_trainer *trainer)
{
    const bool bf16 = trainer->plan->train.precision == HNI_TRAIN_BF16;
    trainer->forecast.bf16 = bf16;
    const hn_status status = hn_graph_set_precision(trainer->graph, bf16 ? HN_PRECISION_BF16 : HN_PRECISION_F32);
    if (status != HN_ERROR_UNSUPPORTED) return status;
    hn_context_clear(trainer->context);
    return hni_error(trainer->context, status,
                     "recipe: train.precision is bf16, but this machine has no such multiplies (they need AVX-512 or "
                     "better, and the cpu backend): train with --set train.precision=f32 there");
}
