/* What the files of the cpu backend share. Float only, x86-64 or any machine that gcc and clang vectorise for.
 *
 * Two kinds of files. NAME_simd.c holds loops over unit-stride lines, written as plain C under `omp simd`; it is compiled once
 * a level of the instruction set, exports one table of functions a level, and knows neither threads nor views. NAME.c is
 * compiled once: it walks views, divides work among threads (always in the same way for a thread count) and calls the table
 * of the level that isa.c has chosen. oneDNN is touched by gemm.c, narrow.c, conv2d.c, probe.c and isa.c alone. */
#ifndef HNI_KERNELS_CPU_H
#define HNI_KERNELS_CPU_H

#include "core/rng.h"
#include "kernels/table.h"
#include "kernels/walk.h"

/* Floats of a block that stays in the first cache while several passes go over it. */
#define HNI_CPU_BLOCK 1024

/* stem_v3 where the file is compiled for level v3. */
#define HNI_CPU_PASTE(stem, isa) stem##_##isa
#define HNI_CPU_EXPAND(stem, isa) HNI_CPU_PASTE(stem, isa)
#define HNI_CPU_NAME(stem) HNI_CPU_EXPAND(stem, HNI_ISA)

/* ---- map_simd.c ---- */

/* n elements of an element-wise function; out may be one of the inputs. */
typedef struct hni_cpu_line {
    int64_t n;
    const float *in[3];
    float p, q;
    float *out;
} hni_cpu_line;

typedef struct hni_cpu_maps {
    void (*write[HNI_MAP_COUNT])(const hni_cpu_line *line); /* out = f(in) */
    void (*add[HNI_MAP_COUNT])(const hni_cpu_line *line);   /* out += f(in) */
    double (*sum)(int64_t n, const float *x);               /* float lanes over HNI_CPU_BLOCK elements, then double */
    void (*add_to_double)(int64_t n, const float *x, double *total);
} hni_cpu_maps;

/* ---- gemm_simd.c ---- */

/* out[r][j] = alpha * sum over k of a[r * a_row + k * a_column] * b[k * ldb + j], j < width, for a few rows r. Rows of b and out have
 * unit stride. */
typedef struct hni_cpu_panel {
    int64_t rows, k, width;
    const float *a;
    int64_t a_row, a_column;
    const float *b;
    int64_t ldb;
    float *out;
    int64_t ldout;
    float alpha;
} hni_cpu_panel;

typedef struct hni_cpu_gemms {
    void (*panel)(const hni_cpu_panel *panel);
} hni_cpu_gemms;

/* ---- norm_simd.c ---- */

/* One row of N numbers. */
typedef struct hni_cpu_norm_row {
    int64_t n;
    const float *x, *gain, *shift, *dy;
    float epsilon;
    float mean, inverse;   /* written forward, read backward */
    float *y, *dx;         /* dx NULL: not wanted */
    float *dgain, *dshift; /* added to; NULL: not wanted */
    bool dx_add;
} hni_cpu_norm_row;

typedef struct hni_cpu_norms {
    void (*forward)(hni_cpu_norm_row *row);
    void (*backward)(const hni_cpu_norm_row *row);
} hni_cpu_norms;

/* ---- batch_norm_simd.c ---- */

/* Numbers of a line: several whole rows of x [R,C] one after the other, or a part of a long one. */
#define HNI_CPU_BATCH_LINE 512

/* Some lines of x, dy and y or dx, alike in all of them, and what belongs to their columns, repeated as often as a line has rows. */
typedef struct hni_cpu_batch_lines {
    int64_t lines, width, stride; /* width at most HNI_CPU_BATCH_LINE; stride from one line to the next */
    const float *x, *dy;
    float *out;
    const float *mean, *scale, *shift, *level, *slope; /* [width] */
    double *sum, *product;                             /* [width], added to */
    bool relu, add;
} hni_cpu_batch_lines;

/* With d = x - mean, and g = dy, or with relu 0 where scale * d + shift is not above 0: */
typedef struct hni_cpu_batch_norms {
    void (*moments)(const hni_cpu_batch_lines *lines);   /* sum += d, product += d * d */
    void (*normalise)(const hni_cpu_batch_lines *lines); /* out = scale * d + shift, with relu not below 0 */
    void (*products)(const hni_cpu_batch_lines *lines);  /* sum += g, product += g * d */
    void (*gradient)(const hni_cpu_batch_lines *lines);  /* out = scale * (g - level - slope * d), or added to it */
} hni_cpu_batch_norms;

/* ---- random_simd.c ---- */

typedef struct hni_cpu_randoms {
    /* The words of `blocks` blocks from block `first` on, four a block. */
    void (*words)(const hni_rng_key *key, uint64_t first, int64_t blocks, uint32_t *out);
    /* out = word / 2^8 < limit ? in[0] * p : 0 */
    void (*keep)(int64_t n, const uint32_t *word, uint32_t limit, const hni_cpu_line *line);
} hni_cpu_randoms;

/* ---- softmax_simd.c ---- */

typedef struct hni_cpu_softmax_line {
    int64_t n;
    const float *x;
    float log_sum, scale, level;
} hni_cpu_softmax_line;

typedef struct hni_cpu_softmaxes {
    double (*log_sum_exp)(int64_t n, const float *x);
    double (*sum)(int64_t n, const float *x);
    /* out = scale * (exp(x - log_sum) - level) */
    void (*gradient)(const hni_cpu_softmax_line *line, float *out);
} hni_cpu_softmaxes;

/* ---- optimiser_simd.c ---- */

/* Each goes by g = clip * clamp(gradient, +-bound) + decay * value, see hni_adam of table.h; factors are ready for use in float. */
typedef struct hni_cpu_gradient {
    const float *gradient;
    float clip, bound, decay;
} hni_cpu_gradient;

/* mean = keep * mean + take * g, the same for the variance with g^2; value -= lessen * value + rate * mean / (sqrt(variance) * root +
 * epsilon); the corrections are in rate and root. */
typedef struct hni_cpu_adam {
    hni_cpu_gradient g;
    float keep_mean, take_mean, keep_variance, take_variance;
    float rate, root, epsilon, lessen;
    float *value, *mean, *variance;
} hni_cpu_adam;

/* moment = momentum * moment + g; value -= rate * (direct * g + indirect * moment). moment NULL: value -= rate * g */
typedef struct hni_cpu_sgd {
    hni_cpu_gradient g;
    float momentum, rate, direct, indirect;
    float *value, *moment;
} hni_cpu_sgd;

/* square = keep * square + take * g^2; moment = momentum * moment + g / (sqrt(square) + epsilon); value -= rate * moment. moment NULL:
 * what would be added to it is used. */
typedef struct hni_cpu_rmsprop {
    hni_cpu_gradient g;
    float keep, take, epsilon, momentum, rate;
    float *value, *square, *moment;
} hni_cpu_rmsprop;

/* Sums of squares, as x is and clamped to +-bound, and its largest size. */
typedef struct hni_cpu_squares {
    double plain, clamped;
    float largest;
} hni_cpu_squares;

typedef struct hni_cpu_optimisers {
    double (*sum_squares)(int64_t n, const float *x);
    void (*sum_clamped)(int64_t n, const float *x, float bound, hni_cpu_squares *out);
    int64_t (*count_nonfinite)(int64_t n, const float *x);
    void (*adam)(int64_t n, const hni_cpu_adam *adam);
    void (*sgd)(int64_t n, const hni_cpu_sgd *sgd);
    void (*rmsprop)(int64_t n, const hni_cpu_rmsprop *rmsprop);
    void (*average)(int64_t n, float share, const float *value, float *mean);
    void (*swap)(int64_t n, float *a, float *b);
} hni_cpu_optimisers;

/* ---- packed_simd.c: panels of HNI_CPU_PANEL rows of a packed matrix ---- */

#define HNI_CPU_PANEL 64

/* out[b][j] (+)= sum over k of x[b][k] * w[j][k], j < width, for every row b: one panel. What a row's sums are depends on nothing but
 * that row. */
typedef struct hni_cpu_packed_panel {
    int64_t rows, k; /* of x; columns of the matrix */
    const float *x;
    int64_t ldx;
    /* [PANEL / strip][words][strip] words of 32 bits of successive k: a float; two bf16, the first one lower; or four int8 in the order
     * 0, 2, 1, 3 from the lowest byte, so that the two lower bytes of the halves are neighbours. What the last word has too much is 0. */
    const void *w, *end;    /* of the panel; of the whole matrix, which follows it: what is fetched ahead */
    const float *scale;     /* [PANEL]; this and what follows for int8 only, which does not read x */
    const int16_t *x16;     /* [rows][4 * words], zeros behind k */
    const float *x16_scale; /* [rows] */
    float *out;
    int64_t ldout, width;
    bool accumulate;
} hni_cpu_packed_panel;

typedef struct hni_cpu_packeds {
    int64_t strip; /* rows of the matrix that lie together, a part of PANEL */
    void (*real)(const hni_cpu_packed_panel *panel);
    void (*bf16)(const hni_cpu_packed_panel *panel);
    void (*int8)(const hni_cpu_packed_panel *panel);
    /* x = scale * out, 32767 for the largest; returns the scale. */
    float (*round_to_16)(int64_t n, const float *x, int16_t *out);
} hni_cpu_packeds;

/* ---- narrow_simd.c ---- */

typedef struct hni_cpu_narrows {
    void (*round)(int64_t n, const float *x, uint16_t *out); /* to bf16 */
} hni_cpu_narrows;

/* ---- images_simd.c ---- */

/* A row of pixels, each mixed of the four around a point of `frame`: an image with a border of zeros, [height + 2][width + 2][channels].
 * Pixel i reads column x + i * x_step, row y + i * y_step, counted in the frame. */
typedef struct hni_cpu_image_row {
    int64_t n, channels;
    const float *frame;
    int32_t width, height; /* without the border */
    float x, y, x_step, y_step;
    float *out; /* [n][channels] */
} hni_cpu_image_row;

typedef struct hni_cpu_images {
    void (*mix)(const hni_cpu_image_row *row);
} hni_cpu_images;

/* ---- pool2d_simd.c ---- */

/* Windows side by side of images [..][channels]; window j begins at x + j * stride * channels. */
typedef struct hni_cpu_pool_row {
    int64_t windows, channels, size, stride;
    int64_t x_row; /* numbers from a row of pixels to the next */
    const float *x;
    float *y;        /* [windows][channels]; written, in a VJP read */
    const float *dy; /* [windows][channels] */
    float *dx;       /* as x; added to */
} hni_cpu_pool_row;

typedef struct hni_cpu_pools {
    void (*largest)(const hni_cpu_pool_row *row);
    void (*mean)(const hni_cpu_pool_row *row);
    void (*largest_vjp)(const hni_cpu_pool_row *row);
    void (*mean_vjp)(const hni_cpu_pool_row *row);
} hni_cpu_pools;

/* ---- winograd_simd.c ---- */

#define HNI_WINOGRAD_SIDE 6     /* of a transformed tile */
#define HNI_WINOGRAD_NUMBERS 36 /* of one channel of it */
#define HNI_WINOGRAD_PANEL 16   /* numbers of channels are multiples of it */
#define HNI_WINOGRAD_ROUND 12   /* a product takes tiles in groups of this many */

/* A run of tiles of images [..][height][width][channels]. Tile (i,j) of an image begins at pixel (4i - padding, 4j - padding); what
 * is outside of the image reads zeros and is not written. */
typedef struct hni_cpu_tiles {
    int64_t height, width, channels, padding;
    int64_t down, across; /* tiles of an image */
    int64_t first, count; /* the run, image by image, row by row */
    float *pixels;
    float *numbers; /* [36] matrices [count][channels], `distance` floats from one to the next */
    int64_t distance;
    const float *zeros; /* [channels] */
    const float *bias;  /* [channels] added to what is written; NULL: none */
    bool accumulate;    /* pixels are added to */
} hni_cpu_tiles;

/* 36 products of x [tiles][inputs], kernel [outputs / 16][inputs][16] and y [tiles][outputs], each at a distance from the next. */
typedef struct hni_cpu_tile_product {
    int64_t tiles, inputs, outputs;
    const float *x;
    int64_t x_distance;
    float *y;
    int64_t y_distance;
    float *kernel;
    int64_t kernel_distance;
    bool first; /* the kernel is written, not added to */
} hni_cpu_tile_product;

typedef struct hni_cpu_winograds {
    void (*take_inputs)(const hni_cpu_tiles *tiles);           /* 6 x 6 pixels: B^T x B */
    void (*take_gradients)(const hni_cpu_tiles *tiles);        /* 4 x 4 pixels: A dy A^T */
    void (*put_outputs)(const hni_cpu_tiles *tiles);           /* back to 4 x 4 pixels: A^T m A */
    void (*multiply)(const hni_cpu_tile_product *product);     /* y = x kernel; tiles are rounded up to a whole group */
    void (*add_products)(const hni_cpu_tile_product *product); /* kernel (+)= x^T y */
    /* 16 outputs of one input, taps [9][16]: G k G^T, [36] at a distance; and G^T u G from [36][16] back. */
    void (*open_kernel)(const float *taps, float *out, int64_t distance);
    void (*close_kernel)(const float *numbers, float *taps);
} hni_cpu_winograds;

/* ---- isa.c ---- */

typedef struct hni_cpu_simd {
    const hni_cpu_maps *maps;
    const hni_cpu_gemms *gemms;
    const hni_cpu_norms *norms;
    const hni_cpu_batch_norms *batch_norms;
    const hni_cpu_randoms *randoms;
    const hni_cpu_softmaxes *softmaxes;
    const hni_cpu_optimisers *optimisers;
    const hni_recurrence_rows *recurrences; /* recurrence_simd.c */
    const hni_cpu_narrows *narrows;
    const hni_cpu_packeds *packeds;
    const hni_cpu_images *images;
    const hni_cpu_pools *pools;
    const hni_cpu_winograds *winograds;
} hni_cpu_simd;

/* Tables of the chosen level; the first call chooses the best one if nobody has. */
const hni_cpu_simd *hni_cpu_simd_get(void);

/* ---- slots, gathered in table.c ---- */

HN_MUST_USE hn_status hni_cpu_copy_in(hni_exec *exec, hni_view *out, hn_dtype source_type, const void *source);
HN_MUST_USE hn_status hni_cpu_copy_out(hni_exec *exec, const hni_view *view, hn_dtype target_type, void *out_target);
HN_MUST_USE hn_status hni_cpu_fill_zero(hni_exec *exec, void *data, size_t size);
HN_MUST_USE hn_status hni_cpu_map(hni_exec *exec, hni_map map, const double parameters[2], const hni_view *inputs,
                                  hni_view *out, bool accumulate);
HN_MUST_USE hn_status hni_cpu_gemm(hni_exec *exec, const hni_gemm *gemm);
HN_MUST_USE hn_status hni_cpu_layer_norm(hni_exec *exec, const hni_norm *norm, hni_view *out);
HN_MUST_USE hn_status hni_cpu_layer_norm_vjp(hni_exec *exec, const hni_norm_vjp *vjp);
HN_MUST_USE hn_status hni_cpu_conv2d(hni_exec *exec, const hni_convolution *conv, hni_view *out);
HN_MUST_USE hn_status hni_cpu_conv2d_vjp(hni_exec *exec, const hni_convolution_vjp *vjp);
HN_MUST_USE hn_status hni_cpu_batch_statistics(hni_exec *exec, const hni_view *x, hni_view *out);
HN_MUST_USE hn_status hni_cpu_batch_norm(hni_exec *exec, const hni_column_norm *norm, void *out);
HN_MUST_USE hn_status hni_cpu_batch_norm_vjp(hni_exec *exec, const hni_column_norm_vjp *vjp);
HN_MUST_USE hn_status hni_cpu_pool2d(hni_exec *exec, const hni_pool *pool, hni_view *out);
HN_MUST_USE hn_status hni_cpu_pool2d_vjp(hni_exec *exec, const hni_pool *pool, const hni_view *out, const hni_view *dy,
                                         hni_view *dx, bool accumulate);
HN_MUST_USE hn_status hni_cpu_dropout(hni_exec *exec, const hni_dropout *dropout, const hni_view *x, hni_view *out,
                                      bool accumulate);
HN_MUST_USE hn_status hni_cpu_lookup(hni_exec *exec, const hni_view *table, const hni_view *indices, hni_view *out);
HN_MUST_USE hn_status hni_cpu_lookup_vjp(hni_exec *exec, const hni_view *dy, const hni_view *indices, hni_view *dtable);
HN_MUST_USE hn_status hni_cpu_where_length(hni_exec *exec, const hni_view *a, const hni_view *b,
                                           const hni_view *lengths, int64_t t, hni_view *out, bool accumulate);
HN_MUST_USE hn_status hni_cpu_reverse(hni_exec *exec, const hni_view *x, const hni_view *lengths, hni_view *out,
                                      bool accumulate);
HN_MUST_USE hn_status hni_cpu_gather_windows(hni_exec *exec, const hni_view *source, const int64_t *starts,
                                             hni_view *out);
HN_MUST_USE hn_status hni_cpu_gather_images(hni_exec *exec, const hni_view *source, const hni_image_gather *gather,
                                            hni_view *out);
HN_MUST_USE hn_status hni_cpu_softmax_loss(hni_exec *exec, const hni_softmax *softmax, hni_view *out_log_sum,
                                           hni_view *out_loss);
HN_MUST_USE hn_status hni_cpu_softmax_loss_vjp(hni_exec *exec, const hni_softmax *softmax, const hni_view *weights,
                                               const hni_view *log_sum, const hni_view *dloss, double factor,
                                               hni_view *dlogits, bool accumulate);
HN_MUST_USE hn_status hni_cpu_recurrence(hni_exec *exec, const hni_recurrence *recurrence);
HN_MUST_USE hn_status hni_cpu_recurrence_vjp(hni_exec *exec, const hni_recurrence_vjp *vjp);
HN_MUST_USE hn_status hni_cpu_gradient_norm(hni_exec *exec, int64_t count, const void *gradient, double clip_norm,
                                            double clip_value);
HN_MUST_USE hn_status hni_cpu_count_nonfinite(hni_exec *exec, int64_t count, const void *data, int64_t *out_count);
HN_MUST_USE hn_status hni_cpu_adam_update(hni_exec *exec, const hni_adam *adam, int64_t count, void *value,
                                          const void *gradient, void *mean, void *variance);
HN_MUST_USE hn_status hni_cpu_sgd_update(hni_exec *exec, const hni_sgd *sgd, int64_t count, void *value,
                                         const void *gradient, void *moment);
HN_MUST_USE hn_status hni_cpu_rmsprop_update(hni_exec *exec, const hni_rmsprop *rmsprop, int64_t count, void *value,
                                             const void *gradient, void *square, void *moment);
HN_MUST_USE hn_status hni_cpu_average(hni_exec *exec, double decay, int64_t count, const void *value, void *average);
HN_MUST_USE hn_status hni_cpu_swap(hni_exec *exec, int64_t count, void *a, void *b);
HN_MUST_USE hn_status hni_cpu_pack_size(hni_exec *exec, hn_dtype storage, hn_shape shape, size_t *out_size);
HN_MUST_USE hn_status hni_cpu_pack(hni_exec *exec, const hni_view *matrix, int64_t first, hni_packed *packed);
HN_MUST_USE hn_status hni_cpu_unpack(hni_exec *exec, const hni_packed *packed, int64_t first, hni_view *out);
HN_MUST_USE hn_status hni_cpu_packed_multiply(hni_exec *exec, const hni_packed *packed, const hni_view *x,
                                              hni_view *out, bool accumulate);

/* ---- helpers ---- */

/* How many threads OpenMP gives, which oneDNN asks it; returns how many it gave, to be set again afterwards. */
int hni_cpu_use_threads(int threads);

/* Rows of x [count,columns] and of what a packed matrix [R,columns] makes of them, out [count,R]. */
typedef struct hni_cpu_rows {
    int64_t count;
    const float *x;
    int64_t ldx;
    float *out;
    int64_t ldout;
    bool accumulate;
} hni_cpu_rows;

/* out (+)= x W^T, W stored as float or bf16. */
void hni_cpu_multiply_rows(int threads, const hni_packed *packed, const hni_cpu_rows *rows);
/* Packs B = W^T as float: whole panels of zeros and numbers. */
void hni_cpu_pack_matrix(int threads, const hni_product_matrix *matrix, void *out_packed);

/* Places a walk, whose tracks are all set, at place `place` in row-major order. */
static inline void hni_cpu_walk_seek(hni_walk *walk, int64_t place)
{
    for (int track = 0; track < walk->tracks; track++)
        walk->offset[track] = 0;
    for (int d = walk->rank - 1; d >= 0; d--) {
        walk->index[d] = place % walk->size[d];
        place /= walk->size[d];
        for (int track = 0; track < walk->tracks; track++)
            walk->offset[track] += walk->index[d] * walk->stride[track][d];
    }
}

static inline int64_t hni_cpu_min(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t hni_cpu_divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

#endif
