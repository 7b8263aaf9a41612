/* See bench_figures.h. */
#include "bench_figures.h"

#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "core/alloc.h"
#include "format.h"

void hni_bench_figure_print(hni_bench_figure kind, double value)
{
    char cell[HNI_BENCH_CELL] = "-";
    if (isfinite(value)) {
        switch (kind) {
        case HNI_BENCH_FIGURE_SECONDS: snprintf(cell, sizeof cell, value < 0.1 ? "%.5f" : "%.3f", value); break;
        case HNI_BENCH_FIGURE_RATIO: snprintf(cell, sizeof cell, "%.2f", value); break;
        case HNI_BENCH_FIGURE_PERCENT: snprintf(cell, sizeof cell, "%.1f", value); break;
        case HNI_BENCH_FIGURE_COUNT: hni_count_print((int64_t)(value + 0.5), cell, sizeof cell); break;
        }
    }
    printf("%*s", HNI_BENCH_CELL_WIDTH, cell);
}

void hni_bench_skipped_print(const char *name, int64_t needed, int64_t free_bytes)
{
    char needs[32], has[32];
    printf("%s is left out: it needs %s, %s free\n", name, hni_bytes_print((uint64_t)needed, needs, sizeof needs),
           hni_bytes_print((uint64_t)free_bytes, has, sizeof has));
}

double hni_bench_megabytes(int64_t bytes) { return bytes > 0 ? (double)bytes / 1e6 : (double)NAN; }

json_t *hni_bench_bytes_json(int64_t bytes) { return bytes > 0 ? json_integer(bytes) : json_null(); }

json_t *hni_bench_spread_json(const hni_bench_times *times)
{
    const hni_bench_spread spread = hni_bench_spread_of(times);
    json_t *all = json_array();
    for (size_t i = 0; i < times->count; i++)
        json_array_append_new(all, json_real(times->seconds[i]));
    return json_pack("{s:o,s:o,s:o,s:o}", "median", hni_cli_number_json(spread.median), "low",
                     hni_cli_number_json(spread.low), "high", hni_cli_number_json(spread.high), "all", all);
}
