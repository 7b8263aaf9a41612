/* Products with one panel of a packed matrix, for one level of the instruction set. A block of sums of a few rows of x stays in registers
 * while a strip of the panel streams by; that takes vectors of the compiler's own, since a loop that is vectorised for us keeps them in
 * memory. bf16 becomes float by a shift. int8 stays whole: x comes as 16 bits a number, and pairs of products are summed in 32 bits,
 * which needs half the instructions of a conversion to float. */
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
    ROWS = 6, /* of x at once, at most; bf16: five */
    /* Vectors of sums for each row: one row has all registers to itself. */
    WIDE = PANEL / LANES < 8 ? PANEL / LANES : 8,
    NARROW = REGISTERS == 32 ? 4 : 2,
    STRIP = NARROW * LANES, /* what several rows read at once lies together */
    LINE = 16               /* words of the cache */
};
_Static_assert(PANEL % STRIP == 0 && PANEL % (WIDE * LANES) == 0, "a panel is made of whole strips");

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

/* Number i of each word. */
ALWAYS lanes widen(storage_kind kind, const uint32_t *w, int i)
{
    bit_lanes bits;
    memcpy(&bits, w, sizeof bits);
    return as_floats(kind == REAL ? bits : i == 0 ? bits << 16 : bits & 0xffff0000u);
}

/* ---- a block of sums ---- */

typedef lanes sums[ROWS][8];

/* Where a block of rows reads: word row k of its first strip lies at word + k * STRIP. */
typedef struct strip {
    const uint32_t *word;
    int64_t distance; /* words from one strip to the next */
    uintptr_t ahead;  /* address of what is fetched meanwhile; it may run past the end of the matrix */
    uintptr_t ahead_step;
} strip;

/* Vector v of word row k. */
ALWAYS const uint32_t *vector_at(const strip *s, int64_t k, int v)
{
    return s->word + v / NARROW * s->distance + k * STRIP + v % NARROW * LANES;
}

/* Adds number i of word row k to the sums of all rows. Row by row, so that one number of x at a time takes a register. */
ALWAYS void add_numbers(storage_kind kind, int rows, int vectors, const strip *s, int64_t k, int i,
                        const float *const x[ROWS], sums sum)
{
    lanes w[8];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
        w[v] = widen(kind, vector_at(s, k, v), i);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = add_product(sum[r][v], x[r][k * (int)kind + i], w[v]);
    }
}

/* All of word row k. A single row takes each word once for all of its numbers. */
ALWAYS void add_word(storage_kind kind, int rows, int vectors, const strip *s, int64_t k, const float *const x[ROWS],
                     sums sum)
{
    if (rows > 1) {
#pragma GCC unroll 2
        for (int i = 0; i < (int)kind; i++)
            add_numbers(kind, rows, vectors, s, k, i, x, sum);
        return;
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
#pragma GCC unroll 2
        for (int i = 0; i < (int)kind; i++)
            sum[0][v] = add_product(sum[0][v], x[0][k * (int)kind + i], widen(kind, vector_at(s, k, v), i));
    }
}

/* To row `row` from column `column` on, as far as the panel goes. */
ALWAYS void write_sum(const hni_cpu_packed_panel *p, lanes sum, int64_t row, int64_t column)
{
    const int64_t left = p->width - column;
    if (left <= 0) return;
    float *out = p->out + row * p->ldout + column;
    if (left >= LANES) {
        if (p->accumulate) sum += load(out);
        memcpy(out, &sum, sizeof sum);
        return;
    }
    for (int64_t j = 0; j < left; j++)
        out[j] = p->accumulate ? out[j] + sum[j] : sum[j];
}

/* `rows` rows of x with `vectors` vectors of the panel from its row `first` on; both are constants where it is called. Where the sums
 * will be written is fetched meanwhile. */
ALWAYS void block_floats(storage_kind kind, int rows, int vectors, const hni_cpu_packed_panel *p, const strip *from,
                         int64_t row, int64_t first)
{
    const int64_t words = p->k / kind;
    const strip s = *from;
    const float *x[ROWS];
    sums sum;
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        x[r] = p->x + (row + r) * p->ldx;
        for (int j = 0; rows > 1 && j < vectors * LANES; j += LINE)
            __builtin_prefetch(p->out + (row + r) * p->ldout + first + j, 1);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = (lanes){0};
    }
#pragma GCC unroll 4
    for (int64_t k = 0; k < words; k++) {
        if (rows > 1) __builtin_prefetch((const void *)(s.ahead + (uintptr_t)k * s.ahead_step), 0, 2);
        add_word(kind, rows, vectors, &s, k, x, sum);
    }
    if (words * kind < p->k) add_numbers(kind, rows, vectors, &s, words, 0, x, sum); /* bf16: one is left */
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            write_sum(p, sum[r][v], row + r, first + v * LANES);
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
ALWAYS void add_exactly(int rows, int vectors, const strip *s, const int16_t *const x[ROWS], int64_t begin, int64_t end,
                        whole_sums sum)
{
    for (int64_t k = begin; k < end; k++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            half_lanes bytes;
            memcpy(&bytes, vector_at(s, k, v), sizeof bytes);
            const half_lanes first = (bytes << 8) >> 8, second = bytes >> 8;
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++) {
                sum[r][v] = add_pairs(sum[r][v], first, pair_at(x[r] + 4 * k));
                sum[r][v] = add_pairs(sum[r][v], second, pair_at(x[r] + 4 * k + 2));
            }
        }
    }
}

ALWAYS void block_int8(int rows, int vectors, const hni_cpu_packed_panel *p, const strip *s, int64_t row, int64_t first)
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
        add_exactly(rows, vectors, s, x, begin, hni_cpu_min(words, begin + EXACT / 4), sum);
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
            write_sum(p, value, row + r, column);
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

/* The strips from row `first` of the panel on, read by block `block` of `blocks`. Blocks of several rows of floats fetch the strip that
 * comes next, each its share of it but at most a line a number of x: it would else wait for a slower memory when the first of them
 * reads it. */
static strip strip_at(storage_kind kind, const hni_cpu_packed_panel *p, int64_t first, int64_t block, int64_t blocks)
{
    const int64_t words = hni_cpu_divide_up(p->k, kind), size = words * STRIP;
    const uint32_t *word = (const uint32_t *)p->w + first * words;
    const bool last = word + size >= (const uint32_t *)p->end;
    const int64_t step = hni_cpu_min(hni_cpu_divide_up(STRIP, blocks), LINE);
    return (strip){.word = word,
                   .distance = size,
                   .ahead = (uintptr_t)(last ? word : word + size + hni_cpu_min(block * step * words, size)),
                   .ahead_step = last ? 0 : (uintptr_t)step * sizeof(uint32_t)};
}

/* One function for each kind and height: within a larger one the compiler keeps sums and addresses in memory. */
typedef void block_function(const hni_cpu_packed_panel *p, const strip *s, int64_t row, int64_t first);

#define BLOCK(kind, rows, vectors)                                                                                  \
    static __attribute__((noinline)) void kind##_##rows(const hni_cpu_packed_panel *p, const strip *s, int64_t row, \
                                                        int64_t first)                                              \
    {                                                                                                               \
        if (kind == INT8)                                                                                           \
            block_int8(rows, vectors, p, s, row, first);                                                            \
        else                                                                                                        \
            block_floats(kind, rows, vectors, p, s, row, first);                                                    \
    }
#define FIVE_BLOCKS(kind)  \
    BLOCK(kind, 1, WIDE)   \
    BLOCK(kind, 2, NARROW) \
    BLOCK(kind, 3, NARROW) \
    BLOCK(kind, 4, NARROW) \
    BLOCK(kind, 5, NARROW)
#define FIVE(kind) kind##_1, kind##_2, kind##_3, kind##_4, kind##_5

FIVE_BLOCKS(REAL)
BLOCK(REAL, 6, NARROW)
FIVE_BLOCKS(BF16) /* six would leave sums in memory, since both numbers of a word are in registers */
FIVE_BLOCKS(INT8)
BLOCK(INT8, 6, NARROW)
static block_function *const REAL_blocks[] = {FIVE(REAL), REAL_6}, *const BF16_blocks[] = {FIVE(BF16)},
                             *const INT8_blocks[] = {FIVE(INT8), INT8_6};

/* All rows, in blocks of nearly equal height, at most `most`: a low one would have too few sums under way. */
static void multiply(storage_kind kind, int64_t most, block_function *const *blocks, const hni_cpu_packed_panel *p)
{
    const int64_t count = hni_cpu_divide_up(p->rows, most), step = p->rows == 1 ? WIDE * LANES : STRIP;
    for (int64_t first = 0; first < p->width; first += step) {
        int64_t row = 0;
        for (int64_t b = 0; b < count; b++) {
            const int64_t rows = p->rows / count + (b < p->rows % count ? 1 : 0);
            const strip s = strip_at(kind, p, first, b, count);
            blocks[rows - 1](p, &s, row, first);
            row += rows;
        }
    }
}

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof(array)[0]))

static void multiply_real(const hni_cpu_packed_panel *p) { multiply(REAL, COUNT(REAL_blocks), REAL_blocks, p); }

static void multiply_bf16(const hni_cpu_packed_panel *p) { multiply(BF16, COUNT(BF16_blocks), BF16_blocks, p); }

static void multiply_int8(const hni_cpu_packed_panel *p) { multiply(INT8, COUNT(INT8_blocks), INT8_blocks, p); }

extern const hni_cpu_packeds HNI_CPU_NAME(hni_cpu_packeds);
const hni_cpu_packeds HNI_CPU_NAME(hni_cpu_packeds) = {
    .strip = STRIP, .real = multiply_real, .bf16 = multiply_bf16, .int8 = multiply_int8, .round_to_16 = round_to_16};
