/* hypernet bench step and stream: one measurement a line, as JSON, in a process of its own; with --steps - as many as each line of the
 * standard input says, so that a script may let it take turns with another program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/machine.h"
#include "app/tasks/text_draw.h"
#include "bench.h"
#include "core/alloc.h"
#include "io/text.h"

#define STEPS "5"
#define CHARACTERS 100 /* of a line of `stream`, each row */

typedef struct taking {
    const hni_bench_options *options;
    hni_bench_step *step;
    hni_bench_image_step *images;
    hn_stream *stream;
    int64_t rows, vocabulary, done;
    int32_t *symbols; /* [rows] */
    float *logits;    /* [rows,V] */
} taking;

/* Appends what both kinds tell, prints the line and gives it to whoever waits for it. */
static int print_line(taking *taking_, json_t *line)
{
    const int64_t peak = hni_bench_process_peak();
    if (line != NULL) {
        json_object_set_new(line, "step", json_integer(taking_->done++));
        json_object_set_new(line, "process_peak", peak > 0 ? json_integer(peak) : json_null());
    }
    const int code = hni_cli_print_json(taking_->options->cli, line);
    fflush(stdout);
    return code;
}

static int take_step(taking *t)
{
    hni_bench_report report;
    if (hni_bench_step_run(t->step, &report) != HN_OK) return hni_cli_fail(t->options->cli);
    return print_line(t, json_pack("{s:f,s:f,s:f,s:f,s:f,s:I}", "seconds", hni_bench_report_seconds(&report), "forward",
                                   report.forward, "backward", report.backward, "update", report.update, "loss",
                                   report.loss, "bytes", (json_int_t)hni_bench_step_bytes(t->step)));
}

static int take_image_step(taking *t)
{
    hni_bench_image_report report;
    const hni_bench_report *step = &report.step;
    if (hni_bench_image_step_run(t->images, &report) != HN_OK) return hni_cli_fail(t->options->cli);
    json_t *parts = json_object();
    for (hni_bench_part part = 0; part < HNI_BENCH_PARTS; part++)
        json_object_set_new(parts, hni_bench_part_name(part), json_real(report.parts[part]));
    return print_line(t,
                      json_pack("{s:f,s:f,s:f,s:f,s:o,s:f,s:I}", "seconds", hni_bench_report_seconds(step), "forward",
                                step->forward, "backward", step->backward, "update", step->update, "parts", parts,
                                "loss", step->loss, "bytes", (json_int_t)hni_bench_image_step_bytes(t->images)));
}

/* Each row's largest logit is its next symbol. */
static int take_characters(taking *t)
{
    const double start = hni_bench_now();
    for (int i = 0; i < CHARACTERS; i++) {
        if (hn_stream_step(t->stream, t->symbols, t->logits) != HN_OK) return hni_cli_fail(t->options->cli);
        for (int64_t row = 0; row < t->rows; row++)
            t->symbols[row] = hni_most_probable(t->logits + row * t->vocabulary, (int)t->vocabulary);
    }
    return print_line(t, json_pack("{s:f,s:I,s:s}", "seconds", hni_bench_now() - start, "characters",
                                   (json_int_t)(CHARACTERS * t->rows), "storage",
                                   hni_bench_storage_word(t->options->storage)));
}

static int take_many(taking *t, int64_t count)
{
    int code = 0;
    for (int64_t i = 0; i < count && code == 0; i++) {
        if (t->images != NULL)
            code = take_image_step(t);
        else
            code = t->stream != NULL ? take_characters(t) : take_step(t);
    }
    return code;
}

/* As many as each line of the standard input says. */
static int take_asked(taking *t)
{
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        int64_t count = 0;
        line[strcspn(line, "\r\n")] = 0;
        if (!hni_whole_parse(line, &count) || count < 1) {
            char shown[64];
            return hni_cli_usage(t->options->cli, "standard input: '%s' is not a number of steps",
                                 hni_printable(line, shown, sizeof shown));
        }
        const int code = take_many(t, count);
        if (code != 0) return code;
    }
    return 0;
}

/* What the lines that follow are of. */
static int print_head(const taking *t, const char *size, json_t *shape)
{
    const int code = hni_cli_print_json(t->options->cli, json_pack("{s:s,s:o}", "size", size, "shape", shape));
    fflush(stdout);
    return code;
}

static int take(taking *t, const char *size, json_t *shape)
{
    if (print_head(t, size, shape) != 0) return 1;
    const char *steps = t->options->steps != NULL ? t->options->steps : STEPS;
    int64_t count = 0;
    if (strcmp(steps, "-") == 0) return take_asked(t);
    (void)hni_whole_parse(steps, &count); /* the parser of the options has looked at it */
    return take_many(t, count);
}

static int run_image_steps(const hni_bench_options *options, const hni_bench_image_size *size)
{
    const bool stored = options->weights != NULL && strcmp(options->weights, "stored") == 0;
    taking t = {.options = options};
    int code = 0;
    if (hni_bench_image_step_open(options->cli->context, size,
                                  stored ? HN_IMAGE_WEIGHTS_STORED : HN_IMAGE_WEIGHTS_HYPER, &t.images) != HN_OK) {
        code = hni_cli_fail(options->cli);
    } else {
        json_t *shape = hni_bench_image_shape_json(size);
        json_object_set_new(shape, "weights", json_string(stored ? "stored" : "hyper"));
        json_object_set_new(shape, "parameters", json_integer((json_int_t)hni_bench_image_step_parameters(t.images)));
        code = take(&t, size->name, shape);
    }
    hni_bench_image_step_close(t.images);
    return code;
}

int hni_bench_run_steps(const hni_bench_options *options)
{
    hni_bench_image_size images;
    if (hni_bench_options_images(options, &images)) return run_image_steps(options, &images);
    const hni_bench_size size = hni_bench_options_size(options, "ptb");
    const bool plain = options->cell != NULL && strcmp(options->cell, "lstm") == 0;
    hni_bench_model model = plain ? hni_bench_plain(&size) : hni_bench_hyper(&size);
    taking t = {.options = options};
    model.keep_recurrent = options->keep_recurrent;
    int code = 0;
    if (hni_bench_step_open(options->cli->context, &model, &t.step) != HN_OK)
        code = hni_cli_fail(options->cli);
    else
        code = take(&t, size.name, hni_bench_shape_json(&size));
    hni_bench_step_close(t.step);
    return code;
}

static hn_status open_stream(taking *t, const hni_bench_size *size)
{
    hn_context *context = t->options->cli->context;
    const hni_bench_model model = hni_bench_hyper(size);
    hn_language_model language;
    void *symbols = NULL, *logits = NULL;
    hn_status status;
    hni_bench_language_model(&model, &language);
    t->rows = t->options->rows > 0 ? t->options->rows : 1;
    t->vocabulary = size->inputs;
    HNI_TRY(hni_alloc_array(context, "symbols", (size_t)t->rows, sizeof *t->symbols, &symbols));
    t->symbols = symbols;
    for (int64_t row = 0; row < t->rows; row++)
        t->symbols[row] = (int32_t)(row % t->vocabulary);
    HNI_TRY(hni_alloc_array(context, "logits", (size_t)(t->rows * t->vocabulary), sizeof *t->logits, &logits));
    t->logits = logits;
    HNI_TRY(hni_bench_step_open(context, &model, &t->step));
    hn_stream_options options;
    hn_stream_options_default(&options);
    options.storage = t->options->storage;
    HNI_TRY(hn_stream_create_with(hni_bench_step_store(t->step), &language, t->rows, &options, &t->stream));
cleanup:
    return status;
}

int hni_bench_run_stream(const hni_bench_options *options)
{
    const hni_bench_size size = hni_bench_options_size(options, "ptb");
    taking t = {.options = options};
    if (size.dense)
        return hni_cli_usage(options->cli,
                             "stream: a stream reads symbols, and %s has none: name ptb, enwik8 or laptop", size.name);
    const int code =
        open_stream(&t, &size) == HN_OK ? take(&t, size.name, hni_bench_shape_json(&size)) : hni_cli_fail(options->cli);
    hn_stream_destroy(t.stream);
    hni_bench_step_close(t.step);
    hni_free(options->cli->context, t.symbols);
    hni_free(options->cli->context, t.logits);
    return code;
}
