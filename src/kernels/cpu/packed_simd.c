/* Products with one panel of a packed matrix, for one level of the instruction set. A block of sums of a few rows of x stays in registers
 * while the panel streams by; that takes vectors of the compiler's own, since a loop that is vectorised for us keeps them in memory.
 * bf16 becomes float by a shift. int8 stays whole: x comes as 16 bits a number, and pairs of products are summed in 32 bits, which
 * needs half the instructions of a conversion to float. */
#include "kernels/cpu/cpu.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 16, REGISTERS = 32 };
#elif defined(__AVX__)
enum { LANES = 8, REGISTERS = 16 };
#else
enum { LANES = 4, REGISTERS = 16 };
#endif

typedef float lanes __attribute__((vector_size(LANES * 4)));
typedef int32_t whole_lanes __attribute__((vector_size(LANES * 4)));
typedef int16_t half_lanes __attribute__((vector_size(LANES * 4))); /* two a lane */
typedef uint32_t bit_lanes __attribute__((vector_size(LANES * 4)));

enum {
    PANEL = HNI_CPU_PANEL,
    ROWS = 6, /* of x at once */
    /* Vectors of sums for each row: one row has all registers to itself. */
    WIDE = PANEL / LANES < 8 ? PANEL / LANES : 8,
    NARROW = REGISTERS == 32 ? 4 : 2
};

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS lanes load(const float *from)
{
    lanes v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* sum + x * w. Left to the compiler, some blocks would be fused and others not, and a row's sums would depend on the rows beside it: this
 * file is compiled without contraction (cmake/library.cmake). */
ALWAYS lanes add_product(lanes sum, float x, lanes w)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_fmadd_ps(_mm512_set1_ps(x), (__m512)w, (__m512)sum);
#elif defined(__FMA__)
    return (lanes)_mm256_fmadd_ps(_mm256_set1_ps(x), (__m256)w, (__m256)sum);
#else
    return sum + x * w;
#endif
}

ALWAYS lanes as_floats(bit_lanes bits)
{
    lanes v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* ---- floats and bf16: what a word holds ---- */

/* Numbers of successive k in a word of 32 bits: the value of each kind. */
typedef enum storage_kind { REAL = 1, BF16 = 2, INT8 = 4 } storage_kind;

ALWAYS void widen(storage_kind kind, const uint32_t *w, lanes out[2])
{
    bit_lanes bits;
    memcpy(&bits, w, sizeof bits);
    out[0] = as_floats(kind == REAL ? bits : bits << 16);
    if (kind == BF16) out[1] = as_floats(bits & 0xffff0000u);
}

/* ---- a block of sums ---- */

typedef lanes sums[ROWS][8];

/* Adds the first `count` numbers of word row `word` of the panel; x are the rows at that word. */
ALWAYS void add_word(storage_kind kind, int rows, int vectors, const uint32_t *word, const float *const x[ROWS],
                     int64_t count, sums sum)
{
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
        lanes w[2];
        widen(kind, word + v * LANES, w);
#pragma GCC unroll 2
        for (int i = 0; i < (int)kind; i++) {
            if (i >= count) break;
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++)
                sum[r][v] = add_product(sum[r][v], x[r][i], w[i]);
        }
    }
}

ALWAYS void write_sum(const hni_cpu_packed_panel *p, lanes sum, float *out, int64_t left)
{
    if (left >= LANES) {
        if (p->accumulate) sum += load(out);
        memcpy(out, &sum, sizeof sum);
        return;
    }
    for (int64_t j = 0; j < left; j++)
        out[j] = p->accumulate ? out[j] + sum[j] : sum[j];
}

/* `rows` rows of x with `vectors` vectors of the panel from its row `first` on; both are constants where it is called. */
ALWAYS void block_floats(storage_kind kind, int rows, int vectors, const hni_cpu_packed_panel *p, int64_t row,
                         int64_t first)
{
    const int64_t words = p->k / kind;
    const uint32_t *word = (const uint32_t *)p->w + first;
    const float *x[ROWS];
    sums sum;
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        x[r] = p->x + (row + r) * p->ldx;
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = (lanes){0};
    }
    for (int64_t k = 0; k < words; k++, word += PANEL) {
        add_word(kind, rows, vectors, word, x, kind, sum);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++)
            x[r] += kind;
    }
    if (words * kind < p->k) add_word(kind, rows, vectors, word, x, p->k - words * kind, sum);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            const int64_t column = first + v * LANES;
            write_sum(p, sum[r][v], p->out + (row + r) * p->ldout + column, p->width - column);
        }
    }
}

/* ---- int8 ---- */

typedef whole_lanes whole_sums[ROWS][8];

/* Columns that may be summed in 32 bits: 512 * 127 * 32767 < 2^31. */
enum { EXACT = 512 };

/* sum + a[even] * b[even] + a[odd] * b[odd] of the two numbers in each lane; b is the same pair in all. */
ALWAYS whole_lanes add_pairs(whole_lanes sum, half_lanes a, int32_t pair)
{
#if defined(__AVX512BW__)
    return sum + (whole_lanes)_mm512_madd_epi16((__m512i)a, _mm512_set1_epi32(pair));
#elif defined(__AVX2__)
    return sum + (whole_lanes)_mm256_madd_epi16((__m256i)a, _mm256_set1_epi32(pair));
#elif defined(__SSE2__)
    return sum + (whole_lanes)_mm_madd_epi16((__m128i)a, _mm_set1_epi32(pair));
#else
    const whole_lanes both = (whole_lanes)a;
    return sum + ((both << 16) >> 16) * (int32_t)(int16_t)pair + (both >> 16) * (pair >> 16);
#endif
}

ALWAYS int32_t pair_at(const int16_t *x)
{
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return pair;
}

/* Sums of the words begin .. end - 1. */
ALWAYS void add_exactly(int rows, int vectors, const uint32_t *panel, const int16_t *const x[ROWS], int64_t begin,
                        int64_t end, whole_sums sum)
{
    for (int64_t k = begin; k < end; k++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            half_lanes bytes;
            memcpy(&bytes, panel + k * PANEL + v * LANES, sizeof bytes);
            const half_lanes first = (bytes << 8) >> 8, second = bytes >> 8;
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++) {
                sum[r][v] = add_pairs(sum[r][v], first, pair_at(x[r] + 4 * k));
                sum[r][v] = add_pairs(sum[r][v], second, pair_at(x[r] + 4 * k + 2));
            }
        }
    }
}

ALWAYS void block_int8(int rows, int vectors, const hni_cpu_packed_panel *p, int64_t row, int64_t first)
{
    const int64_t words = hni_cpu_divide_up(p->k, 4);
    const int16_t *x[ROWS];
    sums total;
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        x[r] = p->x16 + (row + r) * 4 * words;
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            total[r][v] = (lanes){0};
    }
    for (int64_t begin = 0; begin < words; begin += EXACT / 4) {
        whole_sums sum;
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[r][v] = (whole_lanes){0};
        }
        add_exactly(rows, vectors, (const uint32_t *)p->w + first, x, begin, hni_cpu_min(words, begin + EXACT / 4),
                    sum);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                total[r][v] += __builtin_convertvector(sum[r][v], lanes);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            const int64_t column = first + v * LANES;
            const lanes value = total[r][v] * (p->x16_scale[row + r] * load(p->scale + column));
            write_sum(p, value, p->out + (row + r) * p->ldout + column, p->width - column);
        }
    }
}

/* Numbers as 16 bits: x = scale * out, 32767 for the largest. What is infinite or NaN makes the scale NaN. */
static float round_to_16(int64_t n, const float *x, int16_t *out)
{
    const uint32_t infinite = 0x7f800000u, least = 0x0d800000u; /* 2^-100: what is smaller counts as 0 */
    uint32_t largest = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffffu;
        largest = bits > largest ? bits : largest;
    }
    float size;
    memcpy(&size, &largest, sizeof size);
    const bool usable = largest >= least && largest < infinite;
    const float factor = usable ? 32767.0f / size : 0.0f, rounder = 12582912.0f; /* 1.5 * 2^23 */
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float shifted = x[i] * factor + rounder;
        int32_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        out[i] = (int16_t)bits;
    }
    return usable ? size / 32767.0f : largest >= infinite ? NAN : 0.0f;
}

/* ---- a panel ---- */

ALWAYS void block(storage_kind kind, int rows, int vectors, const hni_cpu_packed_panel *p, int64_t row)
{
    for (int64_t first = 0; first < p->width; first += (int64_t)vectors * LANES) {
        if (kind == INT8)
            block_int8(rows, vectors, p, row, first);
        else
            block_floats(kind, rows, vectors, p, row, first);
    }
}

ALWAYS void multiply(storage_kind kind, const hni_cpu_packed_panel *p)
{
    int64_t row = 0;
    for (; row + ROWS <= p->rows; row += ROWS)
        block(kind, ROWS, NARROW, p, row);
    switch (p->rows - row) {
    case 1: block(kind, 1, WIDE, p, row); return;
    case 2: block(kind, 2, NARROW, p, row); return;
    case 3: block(kind, 3, NARROW, p, row); return;
    case 4: block(kind, 4, NARROW, p, row); return;
    case 5: block(kind, 5, NARROW, p, row); return;
    default: return;
    }
}

static void multiply_real(const hni_cpu_packed_panel *p) { multiply(REAL, p); }

static void multiply_bf16(const hni_cpu_packed_panel *p) { multiply(BF16, p); }

static void multiply_int8(const hni_cpu_packed_panel *p) { multiply(INT8, p); }

extern const hni_cpu_packeds HNI_CPU_NAME(hni_cpu_packeds);
const hni_cpu_packeds HNI_CPU_NAME(hni_cpu_packeds) = {
    .real = multiply_real, .bf16 = multiply_bf16, .int8 = multiply_int8, .round_to_16 = round_to_16};
