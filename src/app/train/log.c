/* log.csv: a row for each log_every updates and each validation. Holds nothing that depends on time. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/file_errors.h"
#include "io/files.h"
#include "io/text.h"

static hni_train_row row_of(const hni_trainer *trainer, const hni_metric *metric)
{
    const hni_train_state *state = &trainer->state;
    const double count = state->row_steps > 0 ? (double)state->row_steps : 1;
    const int64_t windows = trainer->size.windows_per_epoch;
    return (hni_train_row){
        .step = state->step,
        .epoch = windows > 0 ? (double)state->step / (double)windows : 0,
        .rate = trainer->rate, /* a row follows an update at once */
        .train = state->row_loss / count / trainer->task->measure.nats,
        .valid = metric != NULL ? metric->value : 0,
        .gradient_norm = state->row_norm / count,
        .clip_rate = (double)state->row_clipped / count,
        .has_valid = metric != NULL,
    };
}

/* Adds ",NUMBER" to a line. */
static void add_number(hni_text *line, double value)
{
    char number[64];
    hni_text_add(line, ",%s", hni_number_print(value, number, sizeof number));
}

/* Writes a line, or nothing, behind the first log_bytes bytes. */
static hn_status append(hni_trainer *trainer, const char *text)
{
    uint64_t length = (uint64_t)trainer->state.log_bytes;
    char *path = NULL;
    hn_status status;
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, HNI_RUN_LOG, &path));
    HNI_TRY(hni_file_append(trainer->context, path, &length, text, strlen(text)));
    trainer->state.log_bytes = (int64_t)length;
cleanup:
    hni_free(trainer->context, path);
    return status;
}

/* The first line: columns of every run, then the figures that the task gives with its metric, which are counted. */
static hn_status print_header(hni_trainer *trainer, bool has_figures, char **out_line)
{
    const hni_measure *measure = &trainer->task->measure;
    hni_text line = {.context = trainer->context};
    size_t count = 0;
    const hni_figure *figures =
        has_figures && trainer->task->figures != NULL ? trainer->task->figures(trainer->work, &count) : NULL;
    hni_text_add(&line, "step,epoch,rate,train_%s,valid_%s,gradient_norm,clip_rate", measure->loss_key,
                 measure->metric_key);
    for (size_t i = 0; i < count; i++)
        hni_text_add(&line, ",%s", figures[i].name);
    hni_text_add(&line, "\n");
    trainer->log_figures = count;
    return hni_text_take(&line, out_line);
}

hn_status hni_log_start(hni_trainer *trainer)
{
    char *line = NULL;
    hn_status status;
    trainer->state.log_bytes = 0;
    HNI_TRY(print_header(trainer, true, &line));
    HNI_TRY(append(trainer, line));
cleanup:
    hni_free(trainer->context, line);
    return status;
}

/* A log goes on with the columns that it began with: those of today, or, in a run of an older version, without figures. */
static hn_status match_header(hni_trainer *trainer, const char *path)
{
    hni_file_bytes bytes = {NULL, 0};
    char *line = NULL;
    bool is_same = false;
    hn_status status;
    HNI_TRY(hni_file_read(trainer->context, path, 0, &bytes));
    for (int has_figures = 1; has_figures >= 0 && !is_same; has_figures--) {
        hni_free(trainer->context, line);
        line = NULL;
        HNI_TRY(print_header(trainer, has_figures, &line));
        is_same = strncmp((const char *)bytes.data, line, strlen(line)) == 0;
    }
    if (!is_same) {
        status = hni_error(trainer->context, HN_ERROR_FORMAT,
                           "%s:1: these are not the columns that this run would write: restore the file from a copy, "
                           "or go on with the version of hypernet that began the run",
                           path);
    }
cleanup:
    hni_free(trainer->context, line);
    hni_free(trainer->context, bytes.data);
    return status;
}

hn_status hni_log_cut(hni_trainer *trainer)
{
    char *path = NULL;
    hn_status status;
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, HNI_RUN_LOG, &path));
    if (access(path, F_OK) != 0)
        HNI_TRY(hni_file_error(trainer->context, path, "the run cannot go on without it", errno));
    HNI_TRY(append(trainer, ""));
    HNI_TRY(match_header(trainer, path));
cleanup:
    hni_free(trainer->context, path);
    return status;
}

hn_status hni_log_flush(hni_trainer *trainer)
{
    char *path = NULL;
    hn_status status = hni_run_path(trainer->context, trainer->folder, HNI_RUN_LOG, &path);
    if (status != HN_OK) return status;
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    /* EINVAL: a file system that has nothing to wait for. */
    if (file < 0 || (fsync(file) != 0 && errno != EINVAL)) {
        status = hni_file_error(trainer->context, path, "cannot write", errno);
    }
    if (file >= 0) close(file);
    hni_free(trainer->context, path);
    return status;
}

/* A line of numbers; a validation's are empty without one. */
static hn_status print_row(const hni_trainer *trainer, const hni_train_row *row, const hni_metric *metric,
                           char **out_line)
{
    hni_text line = {.context = trainer->context};
    hni_text_add(&line, "%lld", (long long)row->step);
    add_number(&line, row->epoch);
    add_number(&line, row->rate);
    add_number(&line, row->train);
    if (metric != NULL) add_number(&line, row->valid);
    if (metric == NULL) hni_text_add(&line, ",");
    add_number(&line, row->gradient_norm);
    add_number(&line, row->clip_rate);
    for (size_t i = 0; i < trainer->log_figures; i++) {
        if (metric != NULL) add_number(&line, metric->figures[i].value);
        if (metric == NULL) hni_text_add(&line, ",");
    }
    hni_text_add(&line, "\n");
    return hni_text_take(&line, out_line);
}

hn_status hni_log_row(hni_trainer *trainer, const hni_metric *metric)
{
    hni_train_state *state = &trainer->state;
    const hni_train_row row = row_of(trainer, metric);
    char *line = NULL;
    hn_status status;
    HNI_TRY(print_row(trainer, &row, metric, &line));
    HNI_TRY(append(trainer, line));
    state->row_steps = state->row_clipped = 0;
    state->row_loss = state->row_norm = 0;
    HNI_TRY(hni_facts_row(trainer->facts, row.step));
    if (trainer->options.events.row != NULL) trainer->options.events.row(trainer->options.events.user, &row);
cleanup:
    hni_free(trainer->context, line);
    return status;
}
