/* One training step of a size: forward, backward, clipping, Adam, the state carried on; on numbers drawn by counter, so no data is
 * needed. And what it holds in memory.
 *
 *     HNI_TRY(hni_bench_step_open(context, &(hni_bench_model){.size = *size, .kind = HN_CELL_HYPERLSTM, ...}, &step));
 *     HNI_TRY(hni_bench_step_run(step, &report));       // as often as wanted
 *     hni_bench_step_close(step);
 */
#ifndef HNI_APP_BENCH_STEP_H
#define HNI_APP_BENCH_STEP_H

#include "app/bench/size.h"

typedef struct hni_bench_model {
    hni_bench_size size;
    hn_cell_kind kind;
    bool layer_norm;
    double keep_input, keep_recurrent, keep_output;
} hni_bench_model;

/* The layer-norm HyperLSTM of a size, and the plain LSTM of the same units; all dropouts on. */
hni_bench_model hni_bench_hyper(const hni_bench_size *size);
hni_bench_model hni_bench_plain(const hni_bench_size *size);

typedef struct hni_bench_report {
    double forward, backward, update; /* seconds */
    double loss;
} hni_bench_report;
double hni_bench_report_seconds(const hni_bench_report *report);

typedef struct hni_bench_step hni_bench_step;
HN_MUST_USE hn_status hni_bench_step_open(hn_context *context, const hni_bench_model *model, hni_bench_step **out_step);
HN_MUST_USE hn_status hni_bench_step_run(hni_bench_step *step, hni_bench_report *out_report);
void hni_bench_step_close(hni_bench_step *step); /* NULL is allowed */

/* Most bytes that the graph ever held for a step, and those of values, gradients and Adam's two blocks. */
int64_t hni_bench_step_bytes(const hni_bench_step *step);
/* The same before anything is allocated, by a dry run. */
HN_MUST_USE hn_status hni_bench_forecast(hn_context *context, const hni_bench_model *model, int64_t *out_bytes);
/* For sampling; a size of symbols only. */
hn_store *hni_bench_step_store(const hni_bench_step *step);
void hni_bench_language_model(const hni_bench_model *model, hn_language_model *out_model);

#endif
