/* Figures of the tables of `hypernet bench` and of their JSON: what those of sequences and of images share. */
#ifndef HNI_CLI_BENCH_FIGURES_H
#define HNI_CLI_BENCH_FIGURES_H

#include <jansson.h>

#include "app/bench/timing.h"
#include "hypernet/core.h"

#define HNI_BENCH_CELL 32 /* room for one figure or word */
#define HNI_BENCH_LABEL_WIDTH 29
#define HNI_BENCH_CELL_WIDTH 12

typedef enum hni_bench_figure {
    HNI_BENCH_FIGURE_SECONDS,
    HNI_BENCH_FIGURE_RATIO,
    HNI_BENCH_FIGURE_PERCENT,
    HNI_BENCH_FIGURE_COUNT
} hni_bench_figure;

/* One cell; NaN: "-". */
void hni_bench_figure_print(hni_bench_figure kind, double value);
/* "NAME is left out: it needs .., .. free" */
void hni_bench_skipped_print(const char *name, int64_t needed, int64_t free_bytes);

double hni_bench_megabytes(int64_t bytes); /* NaN for 0: not known */
json_t *hni_bench_bytes_json(int64_t bytes);
/* Quartiles, and all of them. */
json_t *hni_bench_spread_json(const hni_bench_times *times);

#endif
