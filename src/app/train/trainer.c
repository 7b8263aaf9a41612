/* The loop of a run: update, log, validate, keep the best, checkpoint. Opening and closing is in open.c. */
#include <math.h>
#include <string.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "graph/graph.h"

/* ---- one update ---- */

/* "update 17: WHAT is not finite ...", in place of whatever words stand in the record: they know nothing of the run. */
static hn_status refuse(hni_trainer *trainer, const char *what, const char *name, const char *first)
{
    hn_context_clear(trainer->context);
    return hni_error(
        trainer->context, HN_ERROR_NONFINITE,
        "update %lld: %s%s%s%s is infinite or not a number%s%s: training stops here, and %s/%s is as it was "
        "after update %lld; a smaller train.rate or train.clip_norm, or a longer train.warmup_steps may help",
        (long long)trainer->state.step + 1, what, name != NULL ? " '" : "", name != NULL ? name : "",
        name != NULL ? "'" : "", first[0] != 0 ? ", and the first tensor that is: " : "", first, trainer->folder,
        HNI_RUN_LAST, (long long)trainer->saved_step);
}

/* A loss can only be bad because of a number in some parameter, or because an activation is too large: then the first of them is
 * named. */
static hn_status refuse_loss(hni_trainer *trainer)
{
    const char *name = NULL, *kind = NULL;
    char first[192];
    hn_status status = hni_checkpoint_find_bad(trainer, &kind, &name);
    if (status == HN_OK && name == NULL) status = hni_graph_first_bad(trainer->graph, first, sizeof first);
    if (status != HN_OK) return status;
    return name != NULL ? refuse(trainer, kind, name, "") : refuse(trainer, "the loss", NULL, first);
}

static hn_status refuse_gradient(hni_trainer *trainer, const hn_step_report *report)
{
    if (report->bad_parameter == NULL) return refuse(trainer, "the norm of the gradient", NULL, "");
    return refuse(trainer, "the gradient of", report->bad_parameter, "");
}

hn_status hni_trainer_pass(hni_trainer *trainer, int64_t step, int64_t part, hn_tensor *out_loss)
{
    const hni_train_settings *settings = &trainer->plan->train;
    const hni_task *task = trainer->task;
    hn_status status;
    hn_graph_reset(trainer->graph);
    hn_graph_set_step(trainer->graph, (uint64_t)settings->seed, (uint32_t)step);
    if (task->take_part != NULL) task->take_part(trainer->work, part, settings->micro_batches);
    HNI_TRY(task->loss(trainer->work, step, out_loss));
    HNI_TRY(hn_backward(trainer->graph, *out_loss));
cleanup:
    return status;
}

/* Loss and gradients of one part of the batch; they add to those of the parts before it. */
static hn_status do_part(hni_trainer *trainer, int64_t part, double *loss)
{
    const int64_t step = trainer->state.step;
    hn_tensor loss_tensor;
    double value = 0;
    hn_status status;
    HNI_TRY(hni_trainer_pass(trainer, step, part, &loss_tensor));
    HNI_TRY(hn_tensor_read(trainer->graph, loss_tensor, HN_DTYPE_F64, 1, &value));
    *loss += value;
    if (!isfinite(value)) return refuse_loss(trainer);
    /* the tape of the part is gone after it; a failed update ends the session */
    if (trainer->task->advance != NULL) HNI_TRY(trainer->task->advance(trainer->work, step));
cleanup:
    return status;
}

static hn_status update(hni_trainer *trainer)
{
    hni_train_state *state = &trainer->state;
    const double start = hni_seconds_now();
    hn_step_report report = {.clip_factor = 1};
    double loss = 0;
    hn_status status;
    HNI_TRY(hn_store_zero_gradients(trainer->store));
    for (int64_t part = 0; part < trainer->plan->train.micro_batches; part++)
        HNI_TRY(do_part(trainer, part, &loss));
    trainer->rate = hn_schedule_rate_after(&trainer->schedule, &state->plateau, state->step);
    status = hn_optimizer_step(trainer->optimizer, trainer->rate, &report);
    if (status == HN_ERROR_NONFINITE) return refuse_gradient(trainer, &report);
    if (status != HN_OK) goto cleanup;
    HNI_TRY(hn_weights_commit(trainer->weights));
    state->step++;
    state->row_steps++;
    state->row_loss += loss;
    state->row_norm += report.gradient_norm;
    state->row_clipped += report.clipped;
    hni_facts_work(trainer->facts, hni_seconds_now() - start, trainer->size.symbols_per_step);
    const hni_train_events *events = &trainer->options.events;
    if (events->step != NULL) events->step(events->user, state->step, loss / trainer->task->measure.nats);
cleanup:
    return status;
}

/* ---- validation ---- */

static hn_status show_sample(hni_trainer *trainer)
{
    const hni_train_events *events = &trainer->options.events;
    if (trainer->task->sample == NULL || events->sample == NULL || trainer->plan->train.sample_length == 0)
        return HN_OK;
    const hni_sample_options options = {.prime = NULL,
                                        .length = trainer->plan->train.sample_length,
                                        .temperature = 0.8,
                                        .seed = (uint64_t)trainer->state.step,
                                        .write = events->sample,
                                        .user = events->user};
    const hn_status status = trainer->task->sample(trainer->work, &options);
    events->sample(events->user, NULL, 0);
    return status;
}

/* Figure of the validation split, best kept, with the weight average in place of the weights where there is one. */
static hn_status validate(hni_trainer *trainer, hni_metric *out_metric)
{
    const hni_evaluate_options options = {.split = "valid", .tracks = trainer->plan->train.validation_tracks};
    hni_train_state *state = &trainer->state;
    hn_status status, back;
    HNI_TRY(hn_optimizer_swap_average(trainer->optimizer));
    HNI_TRY(hn_graph_set_precision(trainer->graph, HN_PRECISION_F32)); /* figures are those that `eval` gives */
    status = trainer->task->evaluate(trainer->work, &options, out_metric);
    if (status == HN_OK && !isfinite(out_metric->value)) {
        status =
            hni_error(trainer->context, HN_ERROR_NONFINITE,
                      "validation after update %lld: the figure is infinite or not a number: training stops here, and "
                      "%s/%s is as it was after update %lld",
                      (long long)state->step, trainer->folder, HNI_RUN_LAST, (long long)trainer->saved_step);
    }
    const bool is_best = status == HN_OK && (!state->has_best || out_metric->value < state->best);
    if (is_best) {
        state->has_best = true;
        state->best = out_metric->value;
        state->best_step = state->step;
        status = hni_checkpoint_write(trainer, true);
    }
    if (status == HN_OK) {
        const hni_train_events *events = &trainer->options.events;
        state->misses = is_best ? 0 : state->misses + 1;
        (void)hn_schedule_validated(&trainer->schedule, &state->plateau, out_metric->value);
        if (events->validated != NULL) events->validated(events->user, out_metric, is_best);
        status = show_sample(trainer);
    }
    back = hn_optimizer_swap_average(trainer->optimizer);
    if (status == HN_OK) status = back;
    if (status == HN_OK) status = hni_precision_apply(trainer);
cleanup:
    return status;
}

/* ---- the loop ---- */

/* However far apart validations are, a crash never costs more than this. */
#define MOST_SECONDS_UNSAVED 600.0

static bool is_done(const hni_trainer *trainer)
{
    const int64_t patience = trainer->plan->train.patience;
    return trainer->state.step >= trainer->steps || (patience > 0 && trainer->state.misses >= patience);
}

static bool must_stop(const hni_trainer *trainer, double start)
{
    const hni_train_options *options = &trainer->options;
    if (options->max_steps > 0 && trainer->state.step >= options->max_steps) return true;
    if (options->max_seconds > 0 && hni_seconds_now() - start >= options->max_seconds) return true;
    return options->events.keep_going != NULL && !options->events.keep_going(options->events.user);
}

hn_status hni_trainer_save(hni_trainer *trainer)
{
    hn_status status;
    HNI_TRY(hni_log_flush(trainer));
    HNI_TRY(hni_checkpoint_write(trainer, false));
    trainer->saved_step = trainer->state.step;
    trainer->saved_at = hni_seconds_now();
    HNI_TRY(hni_facts_write(trainer->facts, trainer->state.step));
cleanup:
    return status;
}

/* Validates, writes a row of the log and saves, as far as they are due after an update. */
static hn_status take_stock(hni_trainer *trainer)
{
    const hni_train_state *state = &trainer->state;
    const bool validates = state->step % trainer->validate_every == 0 || state->step == trainer->steps;
    hni_metric metric = {.value = 0};
    hn_status status = HN_OK;
    if (validates) HNI_TRY(validate(trainer, &metric));
    if (validates || state->step % trainer->plan->train.log_every == 0) {
        HNI_TRY(hni_log_row(trainer, validates ? &metric : NULL));
    }
    if (validates || hni_seconds_now() - trainer->saved_at > MOST_SECONDS_UNSAVED) HNI_TRY(hni_trainer_save(trainer));
cleanup:
    return status;
}

hn_status hni_trainer_run(hni_trainer *trainer, hni_train_end *out_end)
{
    const double start = hni_seconds_now();
    const hni_train_state *state = &trainer->state;
    hn_status status = HN_OK;
    while (!is_done(trainer) && !must_stop(trainer, start)) {
        HNI_TRY(update(trainer));
        HNI_TRY(take_stock(trainer));
    }
    if (trainer->saved_step != state->step) HNI_TRY(hni_trainer_save(trainer));
    *out_end = is_done(trainer) ? HNI_TRAIN_END_DONE : HNI_TRAIN_END_STOPPED;
cleanup:
    if (status != HN_OK) { /* times are worth keeping; the first error is what counts */
        const hn_status ignored = hni_facts_write(trainer->facts, state->step);
        (void)ignored;
    }
    return status;
}
