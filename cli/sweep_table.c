/* The result of a sweep for people: a row for each run, and with several seeds one for each point. */
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "sweep.h"

#define MOST_COLUMNS (HNI_SWEEP_MOST_AXES + 4)
#define CELL_SIZE 64
#define HEADING SIZE_MAX

/* One row at a time, in columns as wide as the widest row seen. */
typedef struct row {
    char cells[MOST_COLUMNS][CELL_SIZE];
    int widths[MOST_COLUMNS];
    size_t count;
} row;

typedef struct kind {
    void (*fill)(const hni_sweep *sweep, size_t index, row *out); /* a row, or the HEADING */
    void (*end)(const hni_sweep *sweep, size_t index, char *out_text, size_t size);
    size_t rows, words; /* the first columns are words, the others numbers */
    size_t best;
} kind;

static void put(row *out, const char *text) { snprintf(out->cells[out->count++], CELL_SIZE, "%s", text); }

static void put_figure(row *out, double figure)
{
    snprintf(out->cells[out->count++], CELL_SIZE, figure < 1e6 ? "%.4f" : "%.4g", figure); /* one that has exploded */
}

static void widen(row *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->widths[i] < (int)strlen(out->cells[i])) out->widths[i] = (int)strlen(out->cells[i]);
}

static void print_row(const row *out, const char *mark, size_t words, const char *end)
{
    char line[2048];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", mark);
    for (size_t i = 0; i < out->count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, i < words ? "%-*s  " : "%*s  ", out->widths[i],
                                 out->cells[i]);
    snprintf(line + used, sizeof line - used, "%s", end);
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == ' ')
        length--;
    printf("%.*s\n", (int)length, line);
}

static void print_table(const hni_sweep *sweep, const kind *what)
{
    row out = {.count = 0};
    char end[64];
    what->fill(sweep, HEADING, &out);
    widen(&out);
    for (size_t i = 0; i < what->rows; i++) {
        out.count = 0;
        what->fill(sweep, i, &out);
        widen(&out);
    }
    out.count = 0;
    what->fill(sweep, HEADING, &out);
    print_row(&out, "  ", what->words, "");
    for (size_t i = 0; i < what->rows; i++) {
        out.count = 0;
        end[0] = 0;
        what->fill(sweep, i, &out);
        if (what->end != NULL) what->end(sweep, i, end, sizeof end);
        print_row(&out, i == what->best ? "* " : "  ", what->words, end);
    }
}

/* ---- runs ---- */

/* Values on the first `count` axes, or their names. */
static void put_values(const hni_sweep *sweep, size_t run, size_t count, row *out)
{
    for (size_t i = 0; i < count; i++)
        put(out, run == HEADING ? sweep->axes[i].word : hni_sweep_value(sweep, run, i));
}

static void put_heads(const char *const heads[4], row *out)
{
    for (size_t i = 0; i < 4; i++)
        put(out, heads[i]);
}

static void fill_run(const hni_sweep *sweep, size_t index, row *out)
{
    static const char *const heads[4] = {"validation", "at update", "parameters", "time"};
    char text[32];
    put_values(sweep, index, sweep->axis_count, out);
    if (index == HEADING) {
        put_heads(heads, out);
        return;
    }
    const hni_sweep_run *run = &sweep->runs[index];
    if (run->has_best) {
        put_figure(out, run->best);
        put(out, hni_count_print(run->best_step, text, sizeof text));
    } else {
        put(out, "");
        put(out, "");
    }
    put(out, hni_count_print(run->parameters, text, sizeof text));
    put(out, run->seconds > 0 ? hni_duration_print(run->seconds, text, sizeof text) : "");
}

static void end_run(const hni_sweep *sweep, size_t index, char *out_text, size_t size)
{
    const hni_sweep_run *run = &sweep->runs[index];
    if (run->state == HNI_SWEEP_FAILED) snprintf(out_text, size, "failed");
    if (run->state == HNI_SWEEP_STOPPED) snprintf(out_text, size, "stopped after update %lld", (long long)run->step);
    if (run->state == HNI_SWEEP_WAITING) snprintf(out_text, size, "waits");
}

/* ---- points ---- */

static void fill_point(const hni_sweep *sweep, size_t index, row *out)
{
    static const char *const heads[4] = {"seeds", "mean", "lowest", "highest"};
    char text[32];
    put_values(sweep, index == HEADING ? HEADING : index * hni_sweep_seeds(sweep), sweep->axis_count - 1, out);
    if (index == HEADING) {
        put_heads(heads, out);
        return;
    }
    const hni_sweep_figure figure = hni_sweep_point(sweep, index);
    put(out, hni_count_print((int64_t)figure.finished, text, sizeof text));
    if (figure.finished == 0) return;
    put_figure(out, figure.mean);
    put_figure(out, figure.lowest);
    put_figure(out, figure.highest);
}

void hni_sweep_print(const hni_sweep *sweep)
{
    kind runs = {fill_run, end_run, sweep->run_count, sweep->axis_count, sweep->run_count};
    kind points = {fill_point, NULL, hni_sweep_points(sweep), sweep->axis_count - 1, sweep->run_count};
    const bool has_best = hni_sweep_best_run(sweep, &runs.best) && hni_sweep_best_point(sweep, &points.best);
    print_table(sweep, &runs);
    if (sweep->has_seeds) {
        puts("");
        print_table(sweep, &points);
    }
    for (size_t i = 0; i < sweep->run_count; i++) {
        const hni_sweep_run *run = &sweep->runs[i];
        if (run->state == HNI_SWEEP_FAILED) printf("\n%s failed: %s\n", run->name, run->message);
    }
    if (has_best) printf("\nbest %s/%s\n", sweep->folder, sweep->runs[runs.best].name);
}
