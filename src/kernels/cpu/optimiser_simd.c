/* Passes over flat blocks of parameters, gradients and optimiser state, for one level of the instruction set. */
#include "kernels/cpu/cpu.h"

#include <math.h>
#include <string.h>

static double sum_squares(int64_t n, const float *x)
{
    double total = 0.0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < n; i++) {
        const double wide = (double)x[i];
        total += wide * wide;
    }
    return total;
}

static inline float clamp(float x, float bound) { return x > bound ? bound : x < -bound ? -bound : x; }

/* Sizes of numbers are in the order of their bits without the sign, read as integers: a maximum that compilers vectorise without having
 * to know what becomes of NaN, which is left out here. */
static float largest_size(int64_t n, const float *x)
{
    int32_t largest = 0;
    float size;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        bits = bits > 0x7f800000 ? 0 : bits;
        largest = bits > largest ? bits : largest;
    }
    memcpy(&size, &largest, sizeof size);
    return size;
}

static void sum_clamped(int64_t n, const float *x, float bound, hni_cpu_squares *out)
{
    double plain = 0.0, clamped = 0.0;
#pragma omp simd reduction(+ : plain, clamped)
    for (int64_t i = 0; i < n; i++) {
        const double wide = (double)x[i], narrow = (double)clamp(x[i], bound);
        plain += wide * wide;
        clamped += narrow * narrow;
    }
    *out = (hni_cpu_squares){plain, clamped, largest_size(n, x)};
}

/* An exponent of all ones is infinity or NaN. Counted in 32 bits over stretches, which is what the lanes hold. */
static int64_t count_nonfinite(int64_t n, const float *x)
{
    int64_t total = 0;
    for (int64_t begin = 0; begin < n; begin += 1 << 20) {
        const int64_t end = hni_cpu_min(n, begin + (1 << 20));
        int32_t found = 0;
#pragma omp simd reduction(+ : found)
        for (int64_t i = begin; i < end; i++) {
            int32_t bits;
            memcpy(&bits, &x[i], sizeof bits);
            found += (bits & 0x7f800000) == 0x7f800000;
        }
        total += found;
    }
    return total;
}

static inline float gradient_of(const hni_cpu_gradient *g, int64_t i, float value)
{
    return g->clip * clamp(g->gradient[i], g->bound) + g->decay * value;
}

static void adam(int64_t n, const hni_cpu_adam *a)
{
    const hni_cpu_gradient gradient = a->g;
    const float keep_mean = a->keep_mean, take_mean = a->take_mean, keep_variance = a->keep_variance;
    const float take_variance = a->take_variance, rate = a->rate, root = a->root, epsilon = a->epsilon;
    const float lessen = a->lessen;
    float *value = a->value, *mean = a->mean, *variance = a->variance;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float g = gradient_of(&gradient, i, value[i]);
        const float m = keep_mean * mean[i] + take_mean * g;
        const float v = keep_variance * variance[i] + take_variance * g * g;
        mean[i] = m;
        variance[i] = v;
        value[i] -= lessen * value[i] + rate * m / (sqrtf(v) * root + epsilon);
    }
}

static void sgd_plain(int64_t n, const hni_cpu_sgd *s)
{
    const hni_cpu_gradient gradient = s->g;
    const float rate = s->rate;
    float *value = s->value;
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        value[i] -= rate * gradient_of(&gradient, i, value[i]);
}

static void sgd(int64_t n, const hni_cpu_sgd *s)
{
    const hni_cpu_gradient gradient = s->g;
    const float momentum = s->momentum, rate = s->rate, direct = s->direct, indirect = s->indirect;
    float *value = s->value, *moment = s->moment;
    if (moment == NULL) {
        sgd_plain(n, s);
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float g = gradient_of(&gradient, i, value[i]);
        const float m = momentum * moment[i] + g;
        moment[i] = m;
        value[i] -= rate * (direct * g + indirect * m);
    }
}

static void rmsprop_plain(int64_t n, const hni_cpu_rmsprop *r)
{
    const hni_cpu_gradient gradient = r->g;
    const float keep = r->keep, take = r->take, epsilon = r->epsilon, rate = r->rate;
    float *value = r->value, *square = r->square;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float g = gradient_of(&gradient, i, value[i]);
        const float s = keep * square[i] + take * g * g;
        square[i] = s;
        value[i] -= rate * g / (sqrtf(s) + epsilon);
    }
}

static void rmsprop(int64_t n, const hni_cpu_rmsprop *r)
{
    const hni_cpu_gradient gradient = r->g;
    const float keep = r->keep, take = r->take, epsilon = r->epsilon, rate = r->rate, momentum = r->momentum;
    float *value = r->value, *square = r->square, *moment = r->moment;
    if (moment == NULL) {
        rmsprop_plain(n, r);
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float g = gradient_of(&gradient, i, value[i]);
        const float s = keep * square[i] + take * g * g;
        const float m = momentum * moment[i] + g / (sqrtf(s) + epsilon);
        square[i] = s;
        moment[i] = m;
        value[i] -= rate * m;
    }
}

static void average(int64_t n, float share, const float *value, float *mean)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        mean[i] += share * (value[i] - mean[i]);
}

static void swap(int64_t n, float *a, float *b)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

extern const hni_cpu_optimisers HNI_CPU_NAME(hni_cpu_optimisers);
const hni_cpu_optimisers HNI_CPU_NAME(hni_cpu_optimisers) = {.sum_squares = sum_squares,
                                                             .sum_clamped = sum_clamped,
                                                             .count_nonfinite = count_nonfinite,
                                                             .adam = adam,
                                                             .sgd = sgd,
                                                             .rmsprop = rmsprop,
                                                             .average = average,
                                                             .swap = swap};
