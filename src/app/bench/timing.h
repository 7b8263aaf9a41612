/* The clock, what many measurements of one thing come to, and the slope of a cost. */
#ifndef HNI_APP_BENCH_TIMING_H
#define HNI_APP_BENCH_TIMING_H

#include <stddef.h>

#define HNI_BENCH_REPEATS_MOST 99

/* Seconds since some moment; never goes back. */
double hni_bench_now(void);

/* Measurements of one thing, one a repeat. */
typedef struct hni_bench_times {
    double seconds[HNI_BENCH_REPEATS_MOST];
    size_t count;
} hni_bench_times;

void hni_bench_times_add(hni_bench_times *times, double seconds); /* beyond the most: passed over */

typedef struct hni_bench_spread {
    double low, median, high; /* quartiles, between two measurements by a straight line; NaN without any */
} hni_bench_spread;
hni_bench_spread hni_bench_spread_of(const hni_bench_times *times);

/* Least squares of log y = log(factor) + slope * log x: y grows with the power `slope` of x. */
typedef struct hni_bench_fit {
    double slope, factor;
} hni_bench_fit;
/* NaN where fewer than two x differ. All numbers must be above 0; others are passed over. */
hni_bench_fit hni_bench_fit_of(const double *x, const double *y, size_t count);

#endif
