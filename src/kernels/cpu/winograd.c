/* Convolutions of 3 x 3 kernels and stride 1 by minimal filtering (Winograd 1980; Lavin and Gray 2016): an output of 4 x 4 pixels takes 36
 * multiplications an input channel instead of 144. With three constant matrices, written for one tile and one pair of channels,
 *
 *     y = A^T [ (G k G^T) * (B^T x B) ] A        * is element by element, x is 6 x 6 pixels, k the kernel, y 4 x 4 pixels
 *
 * and summed over input channels, the product in brackets is 36 matrix products [tiles, C] [C, O]. The gradient of x is the same
 * with the kernel turned round and its channels exchanged. The gradient of k is the derivative of the above,
 *
 *     dk = G^T [ sum over tiles of (B^T x B) * (A dy A^T) ] G
 *
 * 36 products [C, tiles] [tiles, O]. A thread takes a run of tiles and goes through it in blocks whose transforms stay in its
 * cache; nothing as large as an image is ever written. Not for other kernels or strides: conv2d.c has those.
 *
 * A number that is not finite makes all pixels of its tiles so, where the direct sum would keep to those that read it. */
#include "kernels/cpu/winograd.h"

#include "core/parallel.h"

#include <string.h>

enum {
    NUMBERS = HNI_WINOGRAD_NUMBERS,
    PANEL = HNI_WINOGRAD_PANEL,
    ROUND = HNI_WINOGRAD_ROUND,
    TAPS = 9,
    GAP = 16,         /* numbers between the NUMBERS parts of a block: else all would fall into one set of the cache */
    CACHE = 64 << 10, /* numbers of a block, both sides of its product */
    MOST_TILES = 48,  /* of a block */
    GRAIN = 16,       /* tiles that a thread should have at least */
    LEAST_TILES = 32  /* else the transform of the kernel is most of the work */
};

/* [NUMBERS] matrices at a distance. */
typedef struct numbers {
    float *data;
    int64_t distance;
} numbers;

/* One of the three passes. */
typedef struct work {
    const hni_cpu_winograds *simd;
    hni_cpu_tiles from, to; /* images read, and images written (or dy); their runs and numbers are a block's own */
    int64_t tiles, block;   /* in all, and in a block */
    int parts;
    hni_view taps;  /* [outputs,inputs,3,3], perhaps turned round */
    numbers kernel; /* [outputs / PANEL][inputs][PANEL] each: transformed, or the sums of each part behind each other */
    float *blocks;  /* of each part: both sides */
    bool counting;  /* a dry run */
} work;

bool hni_winograd_suits(const hni_convolution *conv, const hni_view *y)
{
    const int64_t *kernel = conv->kernel.size;
    const int64_t down = hni_cpu_divide_up(y->size[1], 4), across = hni_cpu_divide_up(y->size[2], 4);
    return kernel[2] == 3 && conv->stride == 1 && kernel[0] % PANEL == 0 && kernel[1] % PANEL == 0 &&
           y->size[0] >= hni_cpu_divide_up(LEAST_TILES, down * across) &&
           2 * y->size[1] * y->size[2] >= down * across * 16; /* more than half of the tiles' pixels are wanted */
}

/* ---- scratch memory ---- */

static hn_status take(hni_exec *exec, int64_t count, float **out)
{
    void *memory = NULL;
    const hn_status status = hni_arena_take(exec->scratch, (size_t)count * sizeof(float), &memory);
    *out = memory;
    return status;
}

static int64_t side_size(const work *w, const hni_cpu_tiles *side) { return w->block * side->channels + GAP; }

static int64_t block_size(const work *w) { return NUMBERS * (side_size(w, &w->from) + side_size(w, &w->to)); }

/* Tiles are those of `to`. `kernels`: transformed kernels, one for all parts or one each. */
static hn_status open_work(hni_exec *exec, work *w, bool one_kernel)
{
    float *zeros = NULL;
    hn_status status;
    const int64_t widest = w->from.channels > w->to.channels ? w->from.channels : w->to.channels;
    const int64_t fitting = CACHE / (NUMBERS * (w->from.channels + w->to.channels)) / ROUND * ROUND;
    w->simd = hni_cpu_simd_get()->winograds;
    w->counting = exec->scratch->counting;
    w->block = fitting < ROUND ? ROUND : hni_cpu_min(fitting, MOST_TILES);
    w->parts = (int)hni_cpu_min(exec->threads, hni_cpu_divide_up(w->tiles, GRAIN));
    w->kernel.distance = w->from.channels * w->to.channels + GAP;
    HNI_TRY(take(exec, w->kernel.distance * NUMBERS * (one_kernel ? 1 : w->parts), &w->kernel.data));
    HNI_TRY(take(exec, block_size(w) * w->parts, &w->blocks));
    HNI_TRY(take(exec, widest, &zeros));
    if (!w->counting) memset(zeros, 0, (size_t)widest * sizeof *zeros);
    w->from.zeros = w->to.zeros = zeros;
cleanup:
    return status;
}

/* ---- kernels ---- */

static float *tap_at(const work *w, int64_t output, int64_t input, int tap)
{
    const int64_t *stride = w->taps.stride;
    return (float *)w->taps.data + output * stride[0] + input * stride[1] + tap / 3 * stride[2] + tap % 3 * stride[3];
}

static float *kernel_at(const work *w, int part, int64_t panel, int64_t input)
{
    return w->kernel.data + part * NUMBERS * w->kernel.distance + (panel * w->from.channels + input) * PANEL;
}

static void open_part(void *user, int64_t begin, int64_t end, int part)
{
    const work *w = user;
    const int64_t inputs = w->from.channels;
    (void)part;
    for (int64_t i = begin; i < end; i++) {
        float taps[TAPS * PANEL];
        for (int tap = 0; tap < TAPS; tap++)
            for (int64_t o = 0; o < PANEL; o++)
                taps[tap * PANEL + o] = *tap_at(w, i / inputs * PANEL + o, i % inputs, tap);
        w->simd->open_kernel(taps, kernel_at(w, 0, i / inputs, i % inputs), w->kernel.distance);
    }
}

static void close_part(void *user, int64_t begin, int64_t end, int part)
{
    const work *w = user;
    const int64_t inputs = w->from.channels;
    (void)part;
    for (int64_t i = begin; i < end; i++) {
        float sum[NUMBERS * PANEL], taps[TAPS * PANEL];
        for (int64_t n = 0; n < NUMBERS; n++)
            for (int64_t o = 0; o < PANEL; o++) {
                float total = 0;
                for (int p = 0; p < w->parts; p++)
                    total += kernel_at(w, p, i / inputs, i % inputs)[n * w->kernel.distance + o];
                sum[n * PANEL + o] = total;
            }
        w->simd->close_kernel(sum, taps);
        for (int tap = 0; tap < TAPS; tap++)
            for (int64_t o = 0; o < PANEL; o++) {
                float *to = tap_at(w, i / inputs * PANEL + o, i % inputs, tap);
                *to = taps[tap * PANEL + o] + (w->to.accumulate ? *to : 0.0f);
            }
    }
}

static void each_kernel(const work *w, int threads, hni_parallel_body body)
{
    enum { KERNELS = 64 }; /* that a thread should have at least */
    hni_parallel_for(threads, w->to.channels / PANEL * w->from.channels, KERNELS, body, (void *)(uintptr_t)w);
}

/* ---- blocks ---- */

/* The next block of a part's run [at, end): both sides at its place in memory. */
typedef struct block {
    hni_cpu_tiles from, to;
    hni_cpu_tile_product product;
} block;

static block block_of(const work *w, int part, int64_t at, int64_t end)
{
    block b = {.from = w->from, .to = w->to};
    const int64_t count = hni_cpu_min(w->block, end - at);
    b.from.first = b.to.first = at;
    b.from.count = b.to.count = count;
    b.from.distance = side_size(w, &w->from);
    b.to.distance = side_size(w, &w->to);
    b.from.numbers = w->blocks + part * block_size(w);
    b.to.numbers = b.from.numbers + NUMBERS * b.from.distance;
    b.product = (hni_cpu_tile_product){.tiles = count,
                                       .inputs = w->from.channels,
                                       .outputs = w->to.channels,
                                       .x = b.from.numbers,
                                       .x_distance = b.from.distance,
                                       .y = b.to.numbers,
                                       .y_distance = b.to.distance,
                                       .kernel = kernel_at(w, 0, 0, 0),
                                       .kernel_distance = w->kernel.distance};
    return b;
}

/* A product takes whole groups of tiles: those behind the last one are zeros. */
static void fill_group(const block *b)
{
    const int64_t rest = hni_cpu_divide_up(b->from.count, ROUND) * ROUND - b->from.count, n = b->from.channels;
    for (int64_t i = 0; rest > 0 && i < NUMBERS; i++)
        memset(b->from.numbers + i * b->from.distance + b->from.count * n, 0, (size_t)(rest * n) * sizeof(float));
}

static void multiply_part(void *user, int64_t begin, int64_t end, int part)
{
    const work *w = user;
    for (int64_t at = begin; at < end; at += w->block) {
        const block b = block_of(w, part, at, end);
        w->simd->take_inputs(&b.from);
        fill_group(&b);
        w->simd->multiply(&b.product);
        w->simd->put_outputs(&b.to);
    }
}

static void sum_part(void *user, int64_t begin, int64_t end, int part)
{
    const work *w = user;
    for (int64_t at = begin; at < end; at += w->block) {
        block b = block_of(w, part, at, end);
        w->simd->take_inputs(&b.from);
        w->simd->take_gradients(&b.to);
        b.product.kernel = kernel_at(w, part, 0, 0);
        b.product.first = at == begin;
        w->simd->add_products(&b.product);
    }
}

/* Every part has tiles: there are at least as many as parts. */
static void each_tile(const work *w, hni_parallel_body body)
{
    hni_parallel_for(w->parts, w->tiles, w->tiles / w->parts, body, (void *)(uintptr_t)w);
}

/* ---- the passes ---- */

static hni_cpu_tiles tiles_of(const hni_view *image, int64_t padding)
{
    return (hni_cpu_tiles){.height = image->size[1],
                           .width = image->size[2],
                           .channels = image->size[3],
                           .padding = padding,
                           .pixels = image->data};
}

/* Both sides have the tiles of the second. */
static work work_of(hni_cpu_tiles from, hni_cpu_tiles to, int64_t images)
{
    work w = {.from = from, .to = to};
    w.from.down = w.to.down = hni_cpu_divide_up(to.height, 4);
    w.from.across = w.to.across = hni_cpu_divide_up(to.width, 4);
    w.tiles = images * w.to.down * w.to.across;
    return w;
}

static hn_status run(hni_exec *exec, work *w)
{
    const hn_status status = open_work(exec, w, true);
    if (status != HN_OK || w->counting) return status;
    each_kernel(w, exec->threads, open_part);
    each_tile(w, multiply_part);
    return HN_OK;
}

hn_status hni_winograd_forward(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    static const double no_parameters[2] = {0, 0};
    work w = work_of(tiles_of(&conv->x, conv->padding), tiles_of(out, 0), out->size[0]);
    w.taps = conv->kernel;
    if (conv->has_bias) {
        float *bias = NULL;
        hn_status status = take(exec, conv->bias.size[0], &bias);
        hni_view line = hni_view_of(bias, HN_DTYPE_F32, hni_view_shape(&conv->bias));
        if (status == HN_OK && bias != NULL)
            status = hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &conv->bias, &line, false);
        if (status != HN_OK) return status;
        w.to.bias = bias;
    }
    return run(exec, &w);
}

/* dx[i] = sum of dy[i + padding - u] k[u]: a padding of 2 less that of the forward, and u from the last tap back. */
hn_status hni_winograd_data(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    const hni_view *kernel = &vjp->forward.kernel;
    work w = work_of(tiles_of(&vjp->dy, 2 - vjp->forward.padding), tiles_of(&vjp->dx, 0), vjp->dx.size[0]);
    w.to.accumulate = !vjp->dx_fresh;
    w.taps = *kernel;
    w.taps.data = hni_view_at(kernel, 2 * kernel->stride[2] + 2 * kernel->stride[3]);
    w.taps.stride[0] = kernel->stride[1];
    w.taps.stride[1] = kernel->stride[0];
    w.taps.stride[2] = -kernel->stride[2];
    w.taps.stride[3] = -kernel->stride[3];
    return run(exec, &w);
}

hn_status hni_winograd_weights(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    const hni_convolution *conv = &vjp->forward;
    work w = work_of(tiles_of(&conv->x, conv->padding), tiles_of(&vjp->dy, 0), vjp->dy.size[0]);
    w.to.accumulate = !vjp->dkernel_fresh;
    w.taps = vjp->dkernel;
    const hn_status status = open_work(exec, &w, false);
    if (status != HN_OK || w.counting) return status;
    each_tile(&w, sum_part);
    each_kernel(&w, exec->threads, close_part);
    return HN_OK;
}
