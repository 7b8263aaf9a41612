/* Random orthogonal matrices: the Q of the QR decomposition of a normal matrix with a positive diagonal of R, which is what
 * Gram-Schmidt gives and what makes Q Haar-distributed.
 *
 * The vectors lie one behind the other and are treated in panels: each vector of a panel is freed of all earlier vectors
 * (independent work, spread over threads), then the panel is orthonormalised in itself. All of that is done twice, which
 * takes the error to a few units of rounding whatever the condition of the matrix. Every vector sees the same operations in the
 * same order for any number of threads, so the result is the same to the bit. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/context.h"
#include "core/parallel.h"
#include "params/init.h"

#define PANEL 32 /* vectors orthonormalised among themselves */
#define CHUNK 16 /* earlier vectors that stay in the cache while several later ones are freed of them */
#define LANES 8  /* independent sums, so that the compiler may use vector registers */

/* `blocks` sets of `count` vectors of `length` numbers; those from `begin` to `end` are the panel at work. */
typedef struct panels {
    double *vectors; /* [blocks,count,length] */
    int64_t blocks, count, length;
    int64_t begin, end;
} panels;

static double dot(const double *a, const double *b, int64_t length)
{
    double sums[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= length; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sums[lane] += a[i + lane] * b[i + lane];
    for (int lane = 0; i < length; i++, lane++)
        sums[lane] += a[i] * b[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* vector -= (vector . unit) unit */
static void free_of(double *restrict vector, const double *restrict unit, int64_t length)
{
    const double share = dot(vector, unit, length);
    for (int64_t i = 0; i < length; i++)
        vector[i] -= share * unit[i];
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Item = one vector of the panel of one block. */
static void free_of_earlier(void *user, int64_t first, int64_t last, int part)
{
    const panels *job = user;
    const int64_t width = job->end - job->begin;
    (void)part;
    for (int64_t item = first; item < last;) {
        const int64_t block = item / width;
        const int64_t stop = smaller(last, (block + 1) * width); /* the items of this block */
        double *base = job->vectors + block * job->count * job->length;
        for (int64_t chunk = 0; chunk < job->begin; chunk += CHUNK) {
            const int64_t chunk_end = smaller(chunk + CHUNK, job->begin);
            for (int64_t own = item; own < stop; own++) {
                double *vector = base + (job->begin + own - block * width) * job->length;
                for (int64_t earlier = chunk; earlier < chunk_end; earlier++)
                    free_of(vector, base + earlier * job->length, job->length);
            }
        }
        item = stop;
    }
}

static void normalise(double *vector, int64_t length, int64_t index)
{
    const double norm = sqrt(dot(vector, vector, length));
    if (norm > 0) {
        for (int64_t i = 0; i < length; i++)
            vector[i] /= norm;
        return;
    }
    /* A drawn vector of zeros, about once in 2^32 matrices of one element: any direction does. */
    vector[index] = 1;
}

/* Item = one block. */
static void orthonormalise_panel(void *user, int64_t first, int64_t last, int part)
{
    const panels *job = user;
    (void)part;
    for (int64_t block = first; block < last; block++) {
        double *base = job->vectors + block * job->count * job->length;
        for (int64_t own = job->begin; own < job->end; own++) {
            double *vector = base + own * job->length;
            for (int64_t earlier = job->begin; earlier < own; earlier++)
                free_of(vector, base + earlier * job->length, job->length);
            normalise(vector, job->length, own);
        }
    }
}

static hn_status orthonormalise(hn_context *context, panels *job)
{
    const int threads = context->threads;
    for (job->begin = 0; job->begin < job->count; job->begin = job->end) {
        const hn_status status = hni_go_on(context, "orthogonalise", job->begin, job->count);
        if (status != HN_OK) return status;
        job->end = smaller(job->begin + PANEL, job->count);
        for (int pass = 0; pass < 2; pass++) {
            hni_parallel_for(threads, job->blocks * (job->end - job->begin), 4, free_of_earlier, job);
            hni_parallel_for(threads, job->blocks, 1, orthonormalise_panel, job);
        }
    }
    return HN_OK;
}

/* out [rows,columns] = transpose of vectors [columns,rows], for each block, times gain. */
static void write_columns(const hni_orthogonal *orthogonal, const double *vectors, double *out_values)
{
    const int64_t rows = orthogonal->rows, columns = orthogonal->columns;
    for (int64_t block = 0; block < orthogonal->blocks; block++) {
        const double *from = vectors + block * rows * columns;
        double *to = out_values + block * rows * columns;
        for (int64_t row = 0; row < rows; row++)
            for (int64_t column = 0; column < columns; column++)
                to[row * columns + column] = orthogonal->gain * from[column * rows + row];
    }
}

hn_status hni_init_orthogonal(hn_context *context, const hni_orthogonal *orthogonal, double *out_values)
{
    const bool is_tall = orthogonal->rows > orthogonal->columns;
    const int64_t elements = orthogonal->blocks * orthogonal->rows * orthogonal->columns;
    void *turned = NULL;
    hn_status status = HN_OK;

    if (is_tall) HNI_TRY(hni_alloc_array(context, "orthogonal start", (size_t)elements, sizeof(double), &turned));
    panels job = {.vectors = is_tall ? turned : out_values,
                  .blocks = orthogonal->blocks,
                  .count = is_tall ? orthogonal->columns : orthogonal->rows,
                  .length = is_tall ? orthogonal->rows : orthogonal->columns};
    hni_init_normal(context->threads, &orthogonal->key, elements, 1, job.vectors);
    HNI_TRY(orthonormalise(context, &job));
    if (is_tall)
        write_columns(orthogonal, job.vectors, out_values);
    else
        for (int64_t i = 0; i < elements; i++)
            out_values[i] *= orthogonal->gain;
cleanup:
    hni_free(context, turned);
    return status;
}
