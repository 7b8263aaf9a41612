/* Axes of a sweep and their product: which run has which value, and which point is best. Nothing here knows files or processes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

/* ---- reading ---- */

/* Cuts "A,B,C" into "KEY=A", "KEY=B", "KEY=C" behind each other. */
static const char *cut_values(hni_sweep_axis *axis, const char *values, char *end)
{
    const size_t key_length = strlen(axis->key);
    for (const char *at = values;; at++) {
        const size_t length = strcspn(at, ",");
        if (length == 0) return "a value is empty";
        if (axis->count == HNI_SWEEP_MOST_RUNS) return "has more than 1000 values";
        axis->assignments[axis->count++] = end;
        memcpy(end, axis->key, key_length);
        end[key_length] = '=';
        memcpy(end + key_length + 1, at, length);
        end[key_length + 1 + length] = 0;
        end += key_length + length + 2;
        at += length;
        if (*at == 0) return NULL;
    }
}

static bool has_twins(const hni_sweep_axis *axis)
{
    for (size_t i = 0; i < axis->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(axis->assignments[i], axis->assignments[j]) == 0) return true;
    return false;
}

const char *hni_sweep_axis_read(hni_sweep_axis *axis, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) return "write it as KEY=A,B,C, for example train.rate=0.002,0.004";
    const size_t key_length = (size_t)(equals - text);
    size_t commas = 0;
    for (const char *c = equals; *c != 0; c++)
        commas += *c == ',';
    *axis = (hni_sweep_axis){.block = malloc((commas + 2) * (key_length + 2) + strlen(text))};
    if (axis->block == NULL) return "out of memory";
    memcpy(axis->block, text, key_length);
    axis->block[key_length] = 0;
    axis->key = axis->block;
    const char *wrong = cut_values(axis, equals + 1, axis->block + key_length + 1);
    return wrong == NULL && has_twins(axis) ? "a value stands there twice" : wrong;
}

/* ---- the product ---- */

const char *hni_sweep_assignment(const hni_sweep *sweep, size_t run, size_t axis)
{
    size_t below = 1;
    for (size_t i = axis + 1; i < sweep->axis_count; i++)
        below *= sweep->axes[i].count;
    return sweep->axes[axis].assignments[run / below % sweep->axes[axis].count];
}

const char *hni_sweep_value(const hni_sweep *sweep, size_t run, size_t axis)
{
    return hni_sweep_assignment(sweep, run, axis) + strlen(sweep->axes[axis].key) + 1;
}

size_t hni_sweep_seeds(const hni_sweep *sweep)
{
    return sweep->has_seeds ? sweep->axes[sweep->axis_count - 1].count : 1;
}

size_t hni_sweep_points(const hni_sweep *sweep) { return sweep->run_count / hni_sweep_seeds(sweep); }

/* ---- the best ---- */

static bool is_done(const hni_sweep_run *run) { return run->state == HNI_SWEEP_FINISHED && run->has_best; }

hni_sweep_figure hni_sweep_point(const hni_sweep *sweep, size_t point)
{
    const size_t seeds = hni_sweep_seeds(sweep);
    const hni_sweep_run *runs = &sweep->runs[point * seeds];
    hni_sweep_figure figure = {.mean = (double)NAN, .lowest = (double)NAN, .highest = (double)NAN};
    double sum = 0;
    for (size_t i = 0; i < seeds; i++) {
        if (!is_done(&runs[i])) continue;
        figure.finished++;
        sum += runs[i].best;
        figure.lowest = fmin(figure.lowest, runs[i].best); /* fmin and fmax pass over NaN */
        figure.highest = fmax(figure.highest, runs[i].best);
    }
    if (figure.finished > 0) figure.mean = sum / (double)figure.finished;
    return figure;
}

bool hni_sweep_best_point(const hni_sweep *sweep, size_t *out_point)
{
    hni_sweep_figure best = {.finished = 0};
    for (size_t i = 0; i < hni_sweep_points(sweep); i++) {
        const hni_sweep_figure figure = hni_sweep_point(sweep, i);
        if (figure.finished < best.finished || figure.finished == 0) continue;
        if (figure.finished == best.finished && !(figure.mean < best.mean)) continue;
        best = figure;
        *out_point = i;
    }
    return best.finished > 0;
}

bool hni_sweep_best_run(const hni_sweep *sweep, size_t *out_run)
{
    const size_t seeds = hni_sweep_seeds(sweep);
    size_t point = 0;
    if (!hni_sweep_best_point(sweep, &point)) return false;
    const double lowest = hni_sweep_point(sweep, point).lowest;
    for (*out_run = point * seeds; *out_run < (point + 1) * seeds; (*out_run)++)
        if (is_done(&sweep->runs[*out_run]) && sweep->runs[*out_run].best <= lowest) return true;
    return false;
}
