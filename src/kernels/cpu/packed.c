/* Packed matrices: laid out in panels of 64 rows, each panel in strips as wide as the level's multiply reads at once, their numbers one
 * after another in the order in which they are read, so that a thread streams through its panels once whatever the number of rows of x.
 * Reading them is what bounds a product with few rows: bf16 and int8 read a half and a quarter. */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"
#include "kernels/packed.h"

#include <string.h>

enum {
    PANEL = HNI_CPU_PANEL,
    GRAIN = 1 << 18 /* multiplications that a thread should have at least */
};

/* Numbers in a word of 32 bits; they belong to successive columns. */
static int64_t per_word(hn_dtype storage) { return storage == HN_DTYPE_I8 ? 4 : storage == HN_DTYPE_BF16 ? 2 : 1; }

/* Bytes of one panel. */
static int64_t panel_size(hn_dtype storage, int64_t columns)
{
    return hni_cpu_divide_up(columns, per_word(storage)) * PANEL * 4;
}

static int64_t panels_of(int64_t rows) { return hni_cpu_divide_up(rows, PANEL); }

/* int8: [panels * PANEL] scales stand in front. */
static float *scales_of(const hni_packed *packed) { return packed->storage == HN_DTYPE_I8 ? packed->data : NULL; }

static void *panel_of(const hni_packed *packed, int64_t panel)
{
    const int64_t front = packed->storage == HN_DTYPE_I8 ? panels_of(packed->rows) * PANEL * (int64_t)sizeof(float) : 0;
    return (char *)packed->data + front + panel * panel_size(packed->storage, packed->columns);
}

hn_status hni_cpu_pack_size(hni_exec *exec, hn_dtype storage, hn_shape shape, size_t *out_size)
{
    const hn_status status = hni_packed_check(exec->context, storage, HN_DTYPE_F32);
    if (status != HN_OK) return status;
    const int64_t rows = shape.size[0], columns = shape.size[1];
    const int64_t sizes[3] = {rows / PANEL + 1, columns / per_word(storage) + 1, PANEL * 4};
    const int64_t scales = storage == HN_DTYPE_I8 ? (rows / PANEL + 1) * PANEL * 4 : 0;
    return hni_packed_size(exec->context, sizes, scales, out_size);
}

/* Where the numbers of a row lie. */
typedef struct packed_row {
    char *start;
    int64_t each, word_distance; /* numbers in a word; bytes from a word to the next */
} packed_row;

static packed_row row_of(const hni_packed *packed, int64_t r)
{
    const int64_t strip = hni_cpu_simd_get()->packeds->strip, each = per_word(packed->storage);
    const int64_t words = hni_cpu_divide_up(packed->columns, each), in_panel = r % PANEL;
    const int64_t word = in_panel / strip * strip * words + in_panel % strip;
    return (packed_row){(char *)panel_of(packed, r / PANEL) + word * 4, each, strip * 4};
}

static void *number_of(const packed_row *row, int64_t c)
{
    static const int64_t byte_of[4] = {0, 2, 1, 3};
    const int64_t each = row->each, byte = each == 4 ? byte_of[c % 4] : c % each * (4 / each);
    return row->start + c / each * row->word_distance + byte;
}

/* ---- packing and unpacking: once a matrix, so plain ---- */

static float row_scale(const float *from, int64_t step, int64_t columns)
{
    float largest = 0;
    for (int64_t c = 0; c < columns; c++) {
        const float size = fabsf(from[c * step]);
        if (isnan(size)) return NAN;
        if (size > largest) largest = size;
    }
    return hni_int8_scale(largest);
}

static void pack_row(const float *from, int64_t step, const hni_packed *packed, int64_t r)
{
    const packed_row row = row_of(packed, r);
    float *scale = scales_of(packed);
    if (scale != NULL) scale[r] = row_scale(from, step, packed->columns);
    for (int64_t c = 0; c < packed->columns; c++) {
        const float value = from[c * step];
        void *to = number_of(&row, c);
        if (packed->storage == HN_DTYPE_I8)
            *(int8_t *)to = hni_int8_of(value, scale[r]);
        else if (packed->storage == HN_DTYPE_BF16)
            *(uint16_t *)to = hni_bf16_of(value);
        else
            *(float *)to = value;
    }
}

static float value_of(const hni_packed *packed, int64_t r, const void *number)
{
    if (packed->storage == HN_DTYPE_I8) return scales_of(packed)[r] * (float)*(const int8_t *)number;
    return packed->storage == HN_DTYPE_BF16 ? hni_bf16_value(*(const uint16_t *)number) : *(const float *)number;
}

hn_status hni_cpu_pack(hni_exec *exec, const hni_view *matrix, int64_t first, hni_packed *packed)
{
    (void)exec;
    for (int64_t i = 0; i < matrix->size[0]; i++)
        pack_row((const float *)matrix->data + i * matrix->stride[0], matrix->stride[1], packed, first + i);
    return HN_OK;
}

hn_status hni_cpu_unpack(hni_exec *exec, const hni_packed *packed, int64_t first, hni_view *out)
{
    (void)exec;
    for (int64_t i = 0; i < out->size[0]; i++) {
        const packed_row row = row_of(packed, first + i);
        for (int64_t c = 0; c < packed->columns; c++)
            ((float *)out->data)[i * out->stride[0] + c * out->stride[1]] =
                value_of(packed, first + i, number_of(&row, c));
    }
    return HN_OK;
}

/* ---- packing a whole matrix, for products that follow at once ---- */

typedef struct pack_job {
    const hni_product_matrix *matrix;
    int64_t strip;
    float *out;
} pack_job;

/* Columns of B from j on into out [k,strip], zeros behind the last. */
static void pack_strip(const pack_job *job, int64_t j, float *out)
{
    const hni_product_matrix *m = job->matrix;
    const int64_t strip = job->strip, width = hni_cpu_min(strip, m->n - j);
    if (width < strip) memset(out, 0, (size_t)(m->k * strip) * sizeof out[0]);
    if (width <= 0) return;
    const float *from = (const float *)m->data + j * m->column;
    if (m->column != 1) {
        hni_cpu_simd_get()->recurrences->transpose(width, m->k, from, m->column, out, strip);
        return;
    }
    for (int64_t i = 0; i < m->k; i++)
        memcpy(out + i * strip, from + i * m->row, (size_t)width * sizeof out[0]);
}

static void pack_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const pack_job *job = user;
    for (int64_t s = begin; s < end; s++)
        pack_strip(job, s * job->strip, job->out + s * job->strip * job->matrix->k);
}

void hni_cpu_pack_matrix(int threads, const hni_product_matrix *matrix, void *out_packed)
{
    enum { LEAST = 1 << 14 }; /* numbers that a thread should copy */
    pack_job job = {matrix, hni_cpu_simd_get()->packeds->strip, out_packed};
    const int64_t strips = panels_of(matrix->n) * PANEL / job.strip;
    hni_parallel_for(threads, strips, hni_cpu_divide_up(LEAST, job.strip * matrix->k), pack_part, &job);
}

/* ---- multiplying ---- */

typedef struct multiply_job {
    const hni_packed *packed;
    void (*multiply)(const hni_cpu_packed_panel *panel);
    hni_cpu_packed_panel first; /* the first panel's */
} multiply_job;

static void multiply_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const multiply_job *job = user;
    const hni_packed *packed = job->packed;
    for (int64_t p = begin; p < end; p++) {
        hni_cpu_packed_panel panel = job->first;
        panel.w = panel_of(packed, p);
        if (panel.scale != NULL) panel.scale += p * PANEL;
        panel.out += p * PANEL;
        panel.width = hni_cpu_min(PANEL, packed->rows - p * PANEL);
        job->multiply(&panel);
    }
}

/* x in 16 bits a number, in scratch memory. */
static hn_status round_rows(hni_exec *exec, const hni_cpu_packeds *simd, hni_cpu_packed_panel *panel)
{
    const int64_t wide = hni_cpu_divide_up(panel->k, 4) * 4, rows = panel->rows;
    void *memory = NULL;
    const hn_status status =
        hni_arena_take(exec->scratch, (size_t)rows * (sizeof(float) + (size_t)wide * sizeof(int16_t)), &memory);
    if (status != HN_OK) return status;
    float *scale = memory;
    int16_t *x16 = (int16_t *)(scale + rows);
    for (int64_t b = 0; b < rows; b++) {
        scale[b] = simd->round_to_16(panel->k, panel->x + b * panel->ldx, x16 + b * wide);
        for (int64_t k = panel->k; k < wide; k++)
            x16[b * wide + k] = 0;
    }
    panel->x16 = x16;
    panel->x16_scale = scale;
    return HN_OK;
}

static void multiply_panels(int threads, multiply_job *job)
{
    const int64_t per_panel = job->packed->columns * PANEL * job->first.rows;
    hni_parallel_for(threads, panels_of(job->packed->rows), hni_cpu_divide_up(GRAIN, per_panel), multiply_part, job);
}

static multiply_job job_of(const hni_packed *packed, const hni_cpu_rows *rows)
{
    const hni_cpu_packeds *simd = hni_cpu_simd_get()->packeds;
    return (multiply_job){.packed = packed,
                          .multiply = packed->storage == HN_DTYPE_BF16 ? simd->bf16
                                      : packed->storage == HN_DTYPE_I8 ? simd->int8
                                                                       : simd->real,
                          .first = {.rows = rows->count,
                                    .k = packed->columns,
                                    .x = rows->x,
                                    .ldx = rows->ldx,
                                    .end = panel_of(packed, panels_of(packed->rows)),
                                    .scale = scales_of(packed),
                                    .out = rows->out,
                                    .ldout = rows->ldout,
                                    .accumulate = rows->accumulate}};
}

void hni_cpu_multiply_rows(int threads, const hni_packed *packed, const hni_cpu_rows *rows)
{
    multiply_job job = job_of(packed, rows);
    multiply_panels(threads, &job);
}

hn_status hni_cpu_packed_multiply(hni_exec *exec, const hni_packed *packed, const hni_view *x, hni_view *out,
                                  bool accumulate)
{
    const hni_cpu_rows rows = {x->size[0], x->data, x->stride[0], out->data, out->stride[0], accumulate};
    multiply_job job = job_of(packed, &rows);
    if (packed->storage == HN_DTYPE_I8) {
        const hn_status status = round_rows(exec, hni_cpu_simd_get()->packeds, &job.first);
        if (status != HN_OK) return status;
    }
    multiply_panels(exec->threads, &job);
    return HN_OK;
}
