/* See timing.h. */
#include "app/bench/timing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double hni_bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void hni_bench_times_add(hni_bench_times *times, double seconds)
{
    if (times->count < HNI_BENCH_REPEATS_MOST) times->seconds[times->count++] = seconds;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value at a share of the way through sorted numbers. */
static double at_share(const double *sorted, size_t count, double share)
{
    const double place = share * (double)(count - 1);
    const size_t below = (size_t)place;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

hni_bench_spread hni_bench_spread_of(const hni_bench_times *times)
{
    double sorted[HNI_BENCH_REPEATS_MOST];
    if (times->count == 0) return (hni_bench_spread){(double)NAN, (double)NAN, (double)NAN};
    memcpy(sorted, times->seconds, times->count * sizeof sorted[0]);
    qsort(sorted, times->count, sizeof sorted[0], compare);
    return (hni_bench_spread){at_share(sorted, times->count, 0.25), at_share(sorted, times->count, 0.5),
                              at_share(sorted, times->count, 0.75)};
}

hni_bench_fit hni_bench_fit_of(const double *x, const double *y, size_t count)
{
    double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(x[i] > 0 && y[i] > 0)) continue;
        const double u = log(x[i]), v = log(y[i]);
        n += 1;
        sum_x += u;
        sum_y += v;
        sum_xx += u * u;
        sum_xy += u * v;
    }
    const double spread = n * sum_xx - sum_x * sum_x;
    if (!(spread > 1e-12 * n * n)) return (hni_bench_fit){(double)NAN, (double)NAN};
    const double slope = (n * sum_xy - sum_x * sum_y) / spread;
    return (hni_bench_fit){slope, exp((sum_y - slope * sum_x) / n)};
}
