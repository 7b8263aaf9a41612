/* Tiles of Winograd's F(4x4,3x3) and their products, for one level of the instruction set. winograd.c says what they are for.
 *
 * Interpolation at 0, a, -a, b, -b and infinity with a = sqrt(1/2), b = sqrt(2). Then a^2 + b^2 = 5/2 and (a b)^2 = 1, so that most
 * factors are exact, and no factor is large: the error is about twice that of the direct sum, where the usual points 0, 1, -1, 2, -2
 * lose five times as much. Vectors run along channels. */
#include "kernels/cpu/cpu.h"

#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef float lanes __attribute__((vector_size(LANES * 4)));

enum {
    SIDE = HNI_WINOGRAD_SIDE,
    PANEL = HNI_WINOGRAD_PANEL,
    VECTORS = PANEL / LANES,
    ROWS = LANES / 4 * 3, /* tiles of a product at once: 12 sums stay in registers */
    CHANNELS = LANES / 2  /* channels of a sum of products at once: 8 sums */
};
_Static_assert(HNI_WINOGRAD_ROUND % ROWS == 0 && PANEL % CHANNELS == 0, "products have no rest");

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS lanes load(const float *from)
{
    lanes v;
    memcpy(&v, from, sizeof v);
    return v;
}

ALWAYS void store(float *to, lanes v) { memcpy(to, &v, sizeof v); }

static const float a = 0.70710678118654752440f, b = 1.41421356237309504880f;

/* ---- the three transforms, of one row or column ---- */

/* B^T d: six pixels of x. */
ALWAYS void turn_input(const lanes d[SIDE], lanes out[SIDE])
{
    const lanes even_a = d[4] - 2.0f * d[2], odd_a = d[3] - 2.0f * d[1];
    const lanes even_b = d[4] - 0.5f * d[2], odd_b = d[3] - 0.5f * d[1];
    out[0] = d[0] + d[4] - 2.5f * d[2];
    out[1] = even_a + a * odd_a;
    out[2] = even_a - a * odd_a;
    out[3] = even_b + b * odd_b;
    out[4] = even_b - b * odd_b;
    out[5] = d[1] + d[5] - 2.5f * d[3];
}

/* A^T m: four pixels of y. */
ALWAYS void turn_output(const lanes m[SIDE], lanes out[4])
{
    const lanes even_a = m[1] + m[2], odd_a = a * (m[1] - m[2]);
    const lanes even_b = m[3] + m[4], odd_b = b * (m[3] - m[4]);
    out[0] = m[0] + even_a + even_b;
    out[1] = odd_a + odd_b;
    out[2] = 0.5f * even_a + 2.0f * even_b;
    out[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];
}

/* A d: four pixels of dy. */
ALWAYS void turn_gradient(const lanes d[4], lanes out[SIDE])
{
    const lanes even_a = d[0] + 0.5f * d[2], odd_a = d[1] + 0.5f * d[3];
    const lanes even_b = d[0] + 2.0f * d[2], odd_b = d[1] + 2.0f * d[3];
    out[0] = d[0];
    out[1] = even_a + a * odd_a;
    out[2] = even_a - a * odd_a;
    out[3] = even_b + b * odd_b;
    out[4] = even_b - b * odd_b;
    out[5] = d[3];
}

/* G g: three taps. */
ALWAYS void turn_kernel(const lanes g[3], lanes out[SIDE])
{
    const float third = -2.0f / 3.0f, sixth = 1.0f / 6.0f;
    const lanes even_a = g[0] + 0.5f * g[2], even_b = g[0] + 2.0f * g[2];
    out[0] = g[0];
    out[1] = third * (even_a + a * g[1]);
    out[2] = third * (even_a - a * g[1]);
    out[3] = sixth * (even_b + b * g[1]);
    out[4] = sixth * (even_b - b * g[1]);
    out[5] = g[2];
}

/* G^T u: back to three taps. */
ALWAYS void turn_kernel_back(const lanes u[SIDE], lanes out[3])
{
    const float third = -2.0f / 3.0f, sixth = 1.0f / 6.0f;
    const lanes even_a = third * (u[1] + u[2]), even_b = sixth * (u[3] + u[4]);
    out[0] = u[0] + even_a + even_b;
    out[1] = (third * a) * (u[1] - u[2]) + (sixth * b) * (u[3] - u[4]);
    out[2] = 0.5f * even_a + 2.0f * even_b + u[5];
}

/* ---- tiles ---- */

/* Where a tile lies. */
typedef struct place {
    int64_t image, row, column; /* of its first pixel, perhaps outside */
} place;

static place first_place(const hni_cpu_tiles *t)
{
    const int64_t in_image = t->first % (t->down * t->across);
    return (place){t->first / (t->down * t->across), in_image / t->across * 4 - t->padding,
                   in_image % t->across * 4 - t->padding};
}

ALWAYS void next_place(const hni_cpu_tiles *t, place *p)
{
    p->column += 4;
    if (p->column + t->padding < 4 * t->across) return;
    p->column = -t->padding;
    p->row += 4;
    if (p->row + t->padding < 4 * t->down) return;
    p->row = -t->padding;
    p->image++;
}

/* `size` rows of pixels from (row, column) on; what is outside reads zeros. Columns begin .. end - 1 are inside. */
typedef struct window {
    const float *row[SIDE];
    int64_t step[SIDE]; /* from pixel to pixel: 0 in a row of zeros */
    int64_t begin, end;
} window;

ALWAYS window window_of(const hni_cpu_tiles *t, place p, int64_t size)
{
    window w = {.begin = p.column < 0 ? -p.column : 0, .end = hni_cpu_min(size, t->width - p.column)};
    for (int64_t r = 0; r < size; r++) {
        const int64_t row = p.row + r;
        const bool inside = row >= 0 && row < t->height;
        w.row[r] = inside ? t->pixels + ((p.image * t->height + row) * t->width + p.column) * t->channels : t->zeros;
        w.step[r] = inside ? t->channels : 0;
    }
    return w;
}

/* LANES channels of one tile: `size` pixels each way become SIDE x SIDE numbers. */
ALWAYS void take_lanes(const window *w, int size, int64_t channel, float *to, int64_t distance)
{
    lanes half[SIDE][SIDE]; /* [transformed row][column] */
#pragma GCC unroll 6
    for (int k = 0; k < size; k++) {
        lanes column[SIDE], out[SIDE];
        if (k < w->begin || k >= w->end) {
#pragma GCC unroll 6
            for (int r = 0; r < SIDE; r++)
                half[r][k] = (lanes){0};
            continue;
        }
#pragma GCC unroll 6
        for (int r = 0; r < size; r++)
            column[r] = load(w->row[r] + k * w->step[r] + channel);
        if (size == SIDE)
            turn_input(column, out);
        else
            turn_gradient(column, out);
#pragma GCC unroll 6
        for (int r = 0; r < SIDE; r++)
            half[r][k] = out[r];
    }
#pragma GCC unroll 6
    for (int r = 0; r < SIDE; r++) {
        lanes out[SIDE];
        if (size == SIDE)
            turn_input(half[r], out);
        else
            turn_gradient(half[r], out);
#pragma GCC unroll 6
        for (int k = 0; k < SIDE; k++)
            store(to + (r * SIDE + k) * distance, out[k]);
    }
}

static void take_inputs(const hni_cpu_tiles *t)
{
    place p = first_place(t);
    for (int64_t i = 0; i < t->count; i++, next_place(t, &p)) {
        const window w = window_of(t, p, SIDE);
        for (int64_t c = 0; c < t->channels; c += LANES)
            take_lanes(&w, SIDE, c, t->numbers + i * t->channels + c, t->distance);
    }
}

static void take_gradients(const hni_cpu_tiles *t)
{
    place p = first_place(t);
    for (int64_t i = 0; i < t->count; i++, next_place(t, &p)) {
        const window w = window_of(t, p, 4);
        for (int64_t c = 0; c < t->channels; c += LANES)
            take_lanes(&w, 4, c, t->numbers + i * t->channels + c, t->distance);
    }
}

/* LANES channels of one tile back to its pixels, rows x columns of which are inside. */
ALWAYS void put_lanes(const hni_cpu_tiles *t, const float *from, float *pixel, int64_t rows, int64_t columns,
                      lanes bias)
{
    lanes half[4][SIDE];
#pragma GCC unroll 6
    for (int k = 0; k < SIDE; k++) {
        lanes column[SIDE], out[4];
#pragma GCC unroll 6
        for (int r = 0; r < SIDE; r++)
            column[r] = load(from + (r * SIDE + k) * t->distance);
        turn_output(column, out);
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            half[r][k] = out[r];
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
        lanes out[4];
        if (r >= rows) break;
        turn_output(half[r], out);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            float *to = pixel + (r * t->width + k) * t->channels;
            if (k >= columns) break;
            out[k] += bias;
            store(to, t->accumulate ? load(to) + out[k] : out[k]);
        }
    }
}

static void put_outputs(const hni_cpu_tiles *t)
{
    place p = first_place(t);
    for (int64_t i = 0; i < t->count; i++, next_place(t, &p)) {
        float *pixel = t->pixels + ((p.image * t->height + p.row) * t->width + p.column) * t->channels;
        for (int64_t c = 0; c < t->channels; c += LANES)
            put_lanes(t, t->numbers + i * t->channels + c, pixel + c, t->height - p.row, t->width - p.column,
                      t->bias != NULL ? load(t->bias + c) : (lanes){0});
    }
}

/* ---- products ---- */

/* out[r][..] = sum over k of x[r][k] * w[k][..] for ROWS rows and one panel. */
ALWAYS void multiply_block(int64_t inner, const float *x, const float *w, float *out, int64_t out_row)
{
    lanes sum[ROWS][VECTORS];
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = (lanes){0};
    for (int64_t k = 0; k < inner; k++) {
        lanes line[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            line[v] = load(w + k * PANEL + v * LANES);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[r][v] += x[r * inner + k] * line[v];
    }
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            store(out + r * out_row + v * LANES, sum[r][v]);
}

static void multiply(const hni_cpu_tile_product *p)
{
    for (int64_t i = 0; i < HNI_WINOGRAD_NUMBERS; i++)
        for (int64_t o = 0; o < p->outputs; o += PANEL) {
            const float *w = p->kernel + i * p->kernel_distance + o * p->inputs;
            for (int64_t t = 0; t < p->tiles; t += ROWS)
                multiply_block(p->inputs, p->x + i * p->x_distance + t * p->inputs, w,
                               p->y + i * p->y_distance + t * p->outputs + o, p->outputs);
        }
}

/* kernel[c][..] (+)= sum over tiles of x[t][c] * dy[t][..] for CHANNELS channels and one panel. */
ALWAYS void add_block(const hni_cpu_tile_product *p, const float *x, const float *dy, float *out)
{
    lanes sum[CHANNELS][VECTORS];
#pragma GCC unroll 8
    for (int c = 0; c < CHANNELS; c++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            sum[c][v] = p->first ? (lanes){0} : load(out + c * PANEL + v * LANES);
    for (int64_t t = 0; t < p->tiles; t++) {
        lanes line[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            line[v] = load(dy + t * p->outputs + v * LANES);
#pragma GCC unroll 8
        for (int c = 0; c < CHANNELS; c++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[c][v] += x[t * p->inputs + c] * line[v];
    }
#pragma GCC unroll 8
    for (int c = 0; c < CHANNELS; c++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            store(out + c * PANEL + v * LANES, sum[c][v]);
}

static void add_products(const hni_cpu_tile_product *p)
{
    for (int64_t i = 0; i < HNI_WINOGRAD_NUMBERS; i++)
        for (int64_t o = 0; o < p->outputs; o += PANEL)
            for (int64_t c = 0; c < p->inputs; c += CHANNELS)
                add_block(p, p->x + i * p->x_distance + c, p->y + i * p->y_distance + o,
                          p->kernel + i * p->kernel_distance + o * p->inputs + c * PANEL);
}

/* ---- kernels: a panel of outputs, one input ---- */

static void open_kernel(const float *taps, float *out, int64_t distance)
{
    for (int v = 0; v < PANEL; v += LANES) {
        lanes half[SIDE][3];
#pragma GCC unroll 3
        for (int k = 0; k < 3; k++) {
            lanes column[3], turned[SIDE];
#pragma GCC unroll 3
            for (int r = 0; r < 3; r++)
                column[r] = load(taps + (r * 3 + k) * PANEL + v);
            turn_kernel(column, turned);
#pragma GCC unroll 6
            for (int r = 0; r < SIDE; r++)
                half[r][k] = turned[r];
        }
#pragma GCC unroll 6
        for (int r = 0; r < SIDE; r++) {
            lanes turned[SIDE];
            turn_kernel(half[r], turned);
#pragma GCC unroll 6
            for (int k = 0; k < SIDE; k++)
                store(out + (r * SIDE + k) * distance + v, turned[k]);
        }
    }
}

static void close_kernel(const float *numbers, float *taps)
{
    for (int v = 0; v < PANEL; v += LANES) {
        lanes half[3][SIDE];
#pragma GCC unroll 6
        for (int k = 0; k < SIDE; k++) {
            lanes column[SIDE], turned[3];
#pragma GCC unroll 6
            for (int r = 0; r < SIDE; r++)
                column[r] = load(numbers + (r * SIDE + k) * PANEL + v);
            turn_kernel_back(column, turned);
#pragma GCC unroll 3
            for (int r = 0; r < 3; r++)
                half[r][k] = turned[r];
        }
#pragma GCC unroll 3
        for (int r = 0; r < 3; r++) {
            lanes turned[3];
            turn_kernel_back(half[r], turned);
#pragma GCC unroll 3
            for (int k = 0; k < 3; k++)
                store(taps + (r * 3 + k) * PANEL + v, turned[k]);
        }
    }
}

extern const hni_cpu_winograds HNI_CPU_NAME(hni_cpu_winograds);
const hni_cpu_winograds HNI_CPU_NAME(hni_cpu_winograds) = {.take_inputs = take_inputs,
                                                           .take_gradients = take_gradients,
                                                           .put_outputs = put_outputs,
                                                           .multiply = multiply,
                                                           .add_products = add_products,
                                                           .open_kernel = open_kernel,
                                                           .close_kernel = close_kernel};
