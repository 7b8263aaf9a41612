/* hypernet bench scaling: how the cost of a step grows with length, units, batch and threads, as a table, as JSON and as a picture. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/scaling.h"
#include "app/plot/powers.h"
#include "bench.h"
#include "format.h"
#include "io/files.h"

#define WIDTH 864.0

static const char *const cell_names[HNI_SCALING_CELLS] = {"HyperLSTM", "LSTM"};
static const char *const cell_keys[HNI_SCALING_CELLS] = {"hyperlstm", "lstm"};

static void heading(const hni_scaling *scaling, char *out_text, size_t size)
{
    const hni_bench_size *s = &scaling->size;
    snprintf(out_text, size,
             "seconds a training step; %lld/%lld/%lld, batch %lld, length %lld, %d thread%s where not varied",
             (long long)s->units, (long long)s->hyper_units, (long long)s->embedding, (long long)s->batch,
             (long long)s->length, scaling->threads, scaling->threads == 1 ? "" : "s");
}

/* ---- a picture ---- */

static hn_status draw(const hni_bench_options *options, const hni_scaling *scaling, hni_picture_format format)
{
    hn_context *context = options->cli->context;
    hni_point points[HNI_SCALING_AXES][HNI_SCALING_CELLS][HNI_SCALING_POINTS];
    hni_powers_line lines[HNI_SCALING_AXES][HNI_SCALING_CELLS];
    hni_powers_panel panels[HNI_SCALING_AXES];
    hni_text picture = {.context = context};
    char words[160];
    hn_status status;
    for (int axis = 0; axis < HNI_SCALING_AXES; axis++) {
        const hni_scaling_series *series = &scaling->axes[axis];
        for (int cell = 0; cell < HNI_SCALING_CELLS; cell++) {
            const hni_scaling_line *line = &series->lines[cell];
            for (size_t i = 0; i < series->count; i++)
                points[axis][cell][i] = (hni_point){series->x[i], line->seconds[i]};
            lines[axis][cell] = (hni_powers_line){cell_names[cell], points[axis][cell], series->count, line->fit.slope,
                                                  line->fit.factor};
        }
        panels[axis] =
            (hni_powers_panel){hni_scaling_axis_name((hni_scaling_axis)axis), lines[axis], HNI_SCALING_CELLS};
    }
    heading(scaling, words, sizeof words);
    const hni_powers powers = {panels, HNI_SCALING_AXES, words};
    const hni_canvas_options canvas = {
        .format = format, .width = WIDTH, .title = "How the cost of a training step grows", .description = words};
    HNI_TRY(hni_powers_picture(context, &powers, &canvas, &picture));
    HNI_TRY(picture.status);
    HNI_TRY(hni_file_write_atomic(context, options->output, picture.data, picture.size));
cleanup:
    hni_text_free(&picture);
    return status;
}

/* ---- a table ---- */

static void print_scaling(const hni_scaling *scaling)
{
    char words[160];
    heading(scaling, words, sizeof words);
    puts(words);
    for (int axis = 0; axis < HNI_SCALING_AXES; axis++) {
        const hni_scaling_series *series = &scaling->axes[axis];
        printf("\n%-10s", hni_scaling_axis_name((hni_scaling_axis)axis));
        for (size_t i = 0; i < series->count; i++)
            printf("%10.0f", series->x[i]);
        puts("     slope");
        for (int cell = 0; cell < HNI_SCALING_CELLS; cell++) {
            printf("%-10s", cell_names[cell]);
            for (size_t i = 0; i < series->count; i++)
                printf("%10.5f", series->lines[cell].seconds[i]);
            const double slope = series->lines[cell].fit.slope;
            if (isfinite(slope))
                printf("%10.2f\n", fabs(slope) < 0.005 ? 0.0 : slope);
            else
                printf("%10s\n", "-");
        }
    }
}

/* ---- JSON ---- */

static json_t *scaling_json(const hni_bench_options *options, const hni_scaling *scaling)
{
    const hni_bench_size *s = &scaling->size;
    json_t *axes = json_object();
    for (int axis = 0; axis < HNI_SCALING_AXES; axis++) {
        const hni_scaling_series *series = &scaling->axes[axis];
        json_t *x = json_array(), *both = json_object();
        for (size_t i = 0; i < series->count; i++)
            json_array_append_new(x, json_integer((json_int_t)series->x[i]));
        for (int cell = 0; cell < HNI_SCALING_CELLS; cell++) {
            json_t *seconds = json_array();
            for (size_t i = 0; i < series->count; i++)
                json_array_append_new(seconds, hni_cli_number_json(series->lines[cell].seconds[i]));
            json_object_set_new(both, cell_keys[cell],
                                json_pack("{s:o,s:o}", "seconds", seconds, "slope",
                                          hni_cli_number_json(series->lines[cell].fit.slope)));
        }
        json_object_set_new(both, "x", x);
        json_object_set_new(axes, hni_scaling_axis_name((hni_scaling_axis)axis), both);
    }
    json_t *file = options->output != NULL ? hni_cli_path_json(options->cli, options->output) : json_null();
    return json_pack("{s:s,s:i,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "size", s->name, "threads", scaling->threads, "units",
                     (json_int_t)s->units, "hyper_units", (json_int_t)s->hyper_units, "embedding_size",
                     (json_int_t)s->embedding, "batch", (json_int_t)s->batch, "length", (json_int_t)s->length, "axes",
                     axes, "file", file);
}

/* ---- the whole ---- */

static void show_progress(void *user, hni_scaling_axis axis, size_t done, size_t total)
{
    const hni_bench_options *options = user;
    if (hni_is_terminal(stderr)) {
        fprintf(stderr, "\r\033[K%s: %zu of %zu", hni_scaling_axis_name(axis), done + 1, total);
        if (axis + 1 == HNI_SCALING_AXES && done + 1 == total) fputs("\r\033[K", stderr);
    } else if (done == 0) {
        fprintf(stderr, "%s: %s\n", options->cli->name, hni_scaling_axis_name(axis));
    }
}

int hni_bench_run_scaling(const hni_bench_options *options)
{
    hni_cli *cli = options->cli;
    const hni_bench_size size = hni_bench_options_size(options, "laptop");
    const hni_scaling_plan plan = {(size_t)options->repeats, show_progress, (void *)options};
    hni_picture_format format = HNI_PICTURE_SVG;
    hni_scaling scaling;
    if (options->output != NULL && hni_picture_format_of(cli->context, options->output, &format) != HN_OK)
        return hni_cli_fail(cli);
    if (hni_scaling_measure(cli->context, &size, &plan, &scaling) != HN_OK) return hni_cli_fail(cli);
    if (options->output != NULL && draw(options, &scaling, format) != HN_OK) return hni_cli_fail(cli);
    if (cli->json) return hni_cli_print_json(cli, scaling_json(options, &scaling));
    print_scaling(&scaling);
    return 0;
}
