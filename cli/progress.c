/* Progress of training on stderr. */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/train/facts.h"
#include "core/alloc.h"
#include "format.h"

#define BAR_CELLS 24
#define REDRAW_SECONDS 0.2
#define LINE_SECONDS 10.0

static void clear_bar(hni_progress *progress)
{
    if (progress->bar_shown) fputs("\r\033[K", stderr);
    progress->bar_shown = false;
}

static double seconds_of_work(const hni_progress *progress)
{
    return hni_seconds_now() - progress->start - progress->pause;
}

/* "step 120/800  train 2.41  valid 2.30  34,000 characters/s  1:20 left" */
static void print_figures(const hni_progress *progress, char *buffer, size_t size)
{
    const double seconds = seconds_of_work(progress);
    const double done = (double)(progress->step - progress->first_step);
    const double speed = seconds > 0 ? done * (double)progress->symbols_per_step / seconds : 0;
    char left[32], valid[32] = "";
    hni_duration_print(done > 0 ? seconds / done * (double)(progress->steps - progress->step) : 0, left, sizeof left);
    if (progress->has_valid) snprintf(valid, sizeof valid, "  valid %.4f", progress->valid);
    snprintf(buffer, size, "step %lld/%lld  train %.4f%s  %.0f %s/s  %s left", (long long)progress->step,
             (long long)progress->steps, progress->loss, valid, speed, progress->symbol_name, left);
}

static void draw(hni_progress *progress)
{
    char figures[256], bar[BAR_CELLS + 1];
    const int filled = progress->steps > 0 ? (int)(progress->step * BAR_CELLS / progress->steps) : 0;
    print_figures(progress, figures, sizeof figures);
    if (!progress->terminal) {
        fprintf(stderr, "%s\n", figures);
        return;
    }
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_CELLS] = 0;
    fprintf(stderr, "\r\033[K[%s] %s", bar, figures);
    progress->bar_shown = true;
}

static void on_step(void *user, int64_t step, double loss)
{
    hni_progress *progress = user;
    const double now = hni_seconds_now();
    if (progress->pause_start > 0) progress->pause += now - progress->pause_start;
    progress->pause_start = 0;
    progress->step = step;
    progress->loss = progress->has_loss ? progress->loss + 0.05 * (loss - progress->loss) : loss;
    progress->has_loss = true;
    if (now - progress->last < (progress->terminal ? REDRAW_SECONDS : LINE_SECONDS)) return;
    progress->last = now;
    draw(progress);
}

static void on_validated(void *user, const hni_metric *metric, bool is_best)
{
    hni_progress *progress = user;
    clear_bar(progress);
    progress->valid = metric->value;
    progress->has_valid = true;
    progress->pause_start = hni_seconds_now();
    fprintf(stderr, "step %lld: validation %.4f (%s)%s\n", (long long)progress->step, metric->value, metric->note,
            is_best ? ", the best so far" : "");
}

/* Samples are shown as one indented block; control characters but newlines would disturb a terminal. */
static bool on_sample(void *user, const char *bytes, size_t size)
{
    hni_progress *progress = user;
    if (bytes == NULL) {
        if (progress->in_sample) fputs("\n", stderr);
        progress->in_sample = false;
        return true;
    }
    if (!progress->in_sample) fputs("  | ", stderr);
    progress->in_sample = true;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c == '\n') {
            fputs("\n  | ", stderr);
        } else if (size == 1 && (c < 32 || c >= 127)) {
            fputc('?', stderr);
        } else {
            fputc(c, stderr);
        }
    }
    return true;
}

void hni_progress_open(hni_progress *progress)
{
    const char *term = getenv("TERM");
    *progress = (hni_progress){.terminal = isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0};
}

hni_train_events hni_progress_events(hni_progress *progress, bool (*keep_going)(void *user))
{
    return (hni_train_events){
        .user = progress, .keep_going = keep_going, .step = on_step, .validated = on_validated, .sample = on_sample};
}

static void print_precision(const hni_train_forecast *forecast)
{
    if (forecast->precision_measured && forecast->bf16_ratio > 0) {
        fprintf(stderr, "multiplies in %s: bf16 is %.2f times as fast as f32 here (train.precision)\n",
                forecast->bf16 ? "bf16" : "f32", forecast->bf16_ratio);
    } else if (forecast->precision_measured) {
        fprintf(stderr, "multiplies in f32: this machine has no bf16 (train.precision)\n");
    } else if (forecast->bf16) {
        fprintf(stderr, "multiplies in bf16 (train.precision)\n");
    }
}

void hni_progress_begin(hni_progress *progress, const hni_trainer *trainer, const char *folder)
{
    const hni_train_forecast *forecast = hni_trainer_forecast(trainer);
    const hni_train_state *state = hni_trainer_state(trainer);
    const char *symbols = hni_trainer_plan(trainer)->task->measure.symbols;
    hni_task_size size;
    char bytes[32], has[32];
    hni_trainer_size(trainer, &size);
    progress->first_step = progress->step = state->step;
    progress->steps = forecast->steps;
    progress->symbols_per_step = size.symbols_per_step;
    snprintf(progress->symbol_name, sizeof progress->symbol_name, "%s", symbols);
    if (state->has_best) {
        progress->valid = state->best;
        progress->has_valid = true;
    }
    fprintf(stderr, "%s: %lld parameters, %lld updates of %lld %s (%lld an epoch), %s of memory (%s free)\n", folder,
            (long long)forecast->parameters, (long long)forecast->steps, (long long)size.symbols_per_step, symbols,
            (long long)size.windows_per_epoch, hni_bytes_print((uint64_t)forecast->bytes, bytes, sizeof bytes),
            forecast->free_bytes > 0 ? hni_bytes_print((uint64_t)forecast->free_bytes, has, sizeof has) : "unknown");
    if (forecast->micro_batches > 1) {
        fprintf(stderr, "each update in %lld parts of at most %lld rows%s\n", (long long)forecast->micro_batches,
                (long long)forecast->rows, forecast->chosen ? ", so that it fits (train.micro_batches)" : "");
    }
    print_precision(forecast);
    if (hni_trainer_init(trainer) != NULL) fprintf(stderr, "parameters from %s\n", hni_trainer_init(trainer));
    if (state->step > 0) fprintf(stderr, "going on after update %lld\n", (long long)state->step);
    progress->start = hni_seconds_now();
    progress->last =
        progress->terminal ? 0 : progress->start - LINE_SECONDS + 2; /* the first figures after two seconds */
}

void hni_progress_end(hni_progress *progress)
{
    if (progress->in_sample) fputs("\n", stderr);
    if (progress->terminal && progress->step > progress->first_step) draw(progress);
    if (progress->bar_shown) fputs("\n", stderr);
    progress->bar_shown = false;
}
