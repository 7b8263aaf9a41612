/* Inside of `hypernet bench`: the options, and what is done with them. Each function returns the exit code. */
#ifndef HNI_CLI_BENCH_H
#define HNI_CLI_BENCH_H

#include "app/bench/image_measure.h"
#include "cli.h"

typedef struct hni_bench_options hni_bench_options;

typedef struct hni_bench_kind {
    const char *name; /* "" for the table */
    int (*run)(const hni_bench_options *options);
    bool all, images, repeats, output, steps, cell, rows, quick; /* what it has use for */
} hni_bench_kind;

struct hni_bench_options {
    hni_cli *cli;
    const hni_bench_kind *kind;
    const char *size; /* NULL: not given */
    int64_t repeats;  /* 0: not given */
    bool quick;
    const char *output;  /* NULL: none */
    const char *steps;   /* a number, or "-": numbers on stdin; NULL: not given */
    const char *cell;    /* NULL: not given */
    const char *weights; /* of a network of images; NULL: not given */
    double keep_recurrent;
    bool has_keep_recurrent;
    int64_t rows; /* 0: not given */
    hn_dtype storage;
    bool has_storage;
};

/* The size that one measurement is of; `other` where none was given. Cut down with --quick. */
hni_bench_size hni_bench_options_size(const hni_bench_options *options, const char *other);

/* The size of images that one measurement is of, cut down with --quick; false: it is one of sequences. */
bool hni_bench_options_images(const hni_bench_options *options, hni_bench_image_size *out_size);

/* "f32", "bf16", "int8": what weights of a stream are stored as. */
const char *hni_bench_storage_word(hn_dtype storage);

json_t *hni_bench_shape_json(const hni_bench_size *size);
json_t *hni_bench_image_shape_json(const hni_bench_image_size *size);

/* bench_table.c */
int hni_bench_run_table(const hni_bench_options *options);
/* bench_scaling.c */
int hni_bench_run_scaling(const hni_bench_options *options);
/* bench_steps.c: a line of JSON a step, for scripts that race it against something else. */
int hni_bench_run_steps(const hni_bench_options *options);
int hni_bench_run_stream(const hni_bench_options *options);

#endif
