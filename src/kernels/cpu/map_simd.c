/* Element-wise functions over one line, for one level of the instruction set: each once overwriting, once adding.
 * The equations stand in kernels/table.h. Broadcasts, strides and reductions are map.c's and reduce.c's work. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/simd_sum.h"

/* As functions, so that both arguments are loaded whatever the comparison says: else it is a branch. */
static inline float relu_value(float x) { return x < 0.0f ? 0.0f : x; }

static inline float relu_gate(float dy, float y) { return y > 0.0f ? dy : 0.0f; }

/* Defines NAME_write and NAME_add: out[i] = VALUE, out[i] += VALUE, where VALUE reads a[i], b[i], c[i], p and q. */
#define LINE_LOOP(name, assign, value, arguments)                                \
    static void name(const hni_cpu_line *line)                                   \
    {                                                                            \
        const int64_t n = line->n;                                               \
        float *out = line->out;                                                  \
        arguments;                                                               \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) out[i] assign value; \
    }
#define LINE_MAP(name, value, arguments)         \
    LINE_LOOP(name##_write, =, value, arguments) \
    LINE_LOOP(name##_add, +=, value, arguments)
#define ONE const float *a = line->in[0]
#define ONE_SCALED           \
    ONE;                     \
    const float p = line->p; \
    const float q = line->q
#define TWO \
    ONE;    \
    const float *b = line->in[1]
#define THREE \
    TWO;      \
    const float *c = line->in[2]

LINE_MAP(copy, a[i], ONE)
LINE_MAP(scale, (p * a[i] + q), ONE_SCALED)
LINE_MAP(add, (a[i] + b[i]), TWO)
LINE_MAP(sub, (a[i] - b[i]), TWO)
LINE_MAP(mul, (a[i] * b[i]), TWO)
LINE_MAP(div, (a[i] / b[i]), TWO)
LINE_MAP(mul_add, (a[i] * b[i] + c[i]), THREE)
LINE_MAP(sigmoid, hni_simd_sigmoid(a[i]), ONE)
LINE_MAP(tanh, hni_simd_tanh(a[i]), ONE)
LINE_MAP(relu, relu_value(a[i]), ONE)
LINE_MAP(sigmoid_vjp, (a[i] * (b[i] * (1.0f - b[i]))), TWO)
LINE_MAP(tanh_vjp, (a[i] * ((1.0f - b[i]) * (1.0f + b[i]))), TWO)
LINE_MAP(relu_vjp, relu_gate(a[i], b[i]), TWO)
LINE_MAP(div_vjp, (-a[i] * b[i] / c[i]), THREE)

static double sum(int64_t n, const float *x) { return hni_simd_sum(n, x); }

static void add_to_double(int64_t n, const float *x, double *total)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        total[i] += (double)x[i];
}

#define MAP_ROW(map, name, mode) [map] = name##_##mode
#define MAP_ROWS(mode)                                                                                           \
    {                                                                                                            \
        MAP_ROW(HNI_MAP_COPY, copy, mode), MAP_ROW(HNI_MAP_SCALE, scale, mode), MAP_ROW(HNI_MAP_ADD, add, mode), \
            MAP_ROW(HNI_MAP_SUB, sub, mode), MAP_ROW(HNI_MAP_MUL, mul, mode), MAP_ROW(HNI_MAP_DIV, div, mode),   \
            MAP_ROW(HNI_MAP_MUL_ADD, mul_add, mode), MAP_ROW(HNI_MAP_SIGMOID, sigmoid, mode),                    \
            MAP_ROW(HNI_MAP_TANH, tanh, mode), MAP_ROW(HNI_MAP_RELU, relu, mode),                                \
            MAP_ROW(HNI_MAP_SIGMOID_VJP, sigmoid_vjp, mode), MAP_ROW(HNI_MAP_TANH_VJP, tanh_vjp, mode),          \
            MAP_ROW(HNI_MAP_RELU_VJP, relu_vjp, mode), MAP_ROW(HNI_MAP_DIV_VJP, div_vjp, mode)                   \
    }

extern const hni_cpu_maps HNI_CPU_NAME(hni_cpu_maps);
const hni_cpu_maps HNI_CPU_NAME(hni_cpu_maps) = {
    .write = MAP_ROWS(write),
    .add = MAP_ROWS(add),
    .sum = sum,
    .add_to_double = add_to_double,
};
