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

static const char header[] = "step,epoch,rate,train_bpc,valid_bpc,gradient_norm,clip_rate\n";

#define NATS_PER_BIT 0.6931471805599453

static hni_train_row row_of(const hni_trainer *trainer, const hni_metric *metric)
{
    const hni_train_state *state = &trainer->state;
    const double count = state->row_steps > 0 ? (double)state->row_steps : 1;
    const int64_t windows = trainer->size.windows_per_epoch;
    return (hni_train_row){
        .step = state->step,
        .epoch = windows > 0 ? (double)state->step / (double)windows : 0,
        .rate = hn_schedule_rate(&trainer->schedule, state->step > 0 ? state->step - 1 : 0),
        .train_bits = state->row_loss / count / NATS_PER_BIT,
        .valid_bits = metric != NULL ? metric->value : 0,
        .gradient_norm = state->row_norm / count,
        .clip_rate = (double)state->row_clipped / count,
        .has_valid = metric != NULL,
    };
}

/* Adds ",NUMBER" to a line. */
static void add_number(char *line, size_t size, double value)
{
    char number[64];
    const size_t used = strlen(line);
    snprintf(line + used, size - used, ",%s", hni_number_print(value, number, sizeof number));
}

/* Writes `text` behind the first log_bytes bytes. */
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

hn_status hni_log_start(hni_trainer *trainer)
{
    trainer->state.log_bytes = 0;
    return append(trainer, header);
}

hn_status hni_log_cut(hni_trainer *trainer)
{
    char *path = NULL;
    hn_status status;
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, HNI_RUN_LOG, &path));
    if (access(path, F_OK) != 0)
        HNI_TRY(hni_file_error(trainer->context, path, "the run cannot go on without it", errno));
    HNI_TRY(append(trainer, ""));
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

hn_status hni_log_row(hni_trainer *trainer, const hni_metric *metric)
{
    hni_train_state *state = &trainer->state;
    const hni_train_row row = row_of(trainer, metric);
    char line[512];
    hn_status status;
    snprintf(line, sizeof line, "%lld", (long long)row.step);
    add_number(line, sizeof line, row.epoch);
    add_number(line, sizeof line, row.rate);
    add_number(line, sizeof line, row.train_bits);
    if (metric != NULL) add_number(line, sizeof line, row.valid_bits);
    if (metric == NULL) strcat(line, ",");
    add_number(line, sizeof line, row.gradient_norm);
    add_number(line, sizeof line, row.clip_rate);
    strcat(line, "\n");
    HNI_TRY(append(trainer, line));
    state->row_steps = state->row_clipped = 0;
    state->row_loss = state->row_norm = 0;
    HNI_TRY(hni_facts_row(trainer->facts, row.step));
    if (trainer->options.events.row != NULL) trainer->options.events.row(trainer->options.events.user, &row);
cleanup:
    return status;
}
