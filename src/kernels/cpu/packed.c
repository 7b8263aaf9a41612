/* Packed matrices: laid out in panels of 64 rows, each panel's numbers one after another in the order in which a multiply reads them, so
 * that a thread streams through its panels once whatever the number of rows of x. Reading them is what bounds a product with few
 * rows: bf16 and int8 read a half and a quarter. */
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

/* Where the number in row r, column c is stored. */
static void *number_of(const hni_packed *packed, int64_t r, int64_t c)
{
    static const int64_t byte_of[4] = {0, 2, 1, 3};
    const int64_t each = per_word(packed->storage), words = hni_cpu_divide_up(packed->columns, each);
    const int64_t strip = hni_cpu_simd_get()->packeds->strip, of_strip = r % PANEL / strip * strip * words;
    const int64_t word = of_strip + c / each * strip + r % strip;
    const int64_t byte = each == 4 ? byte_of[c % 4] : c % each * (4 / each);
    return (char *)panel_of(packed, r / PANEL) + word * 4 + byte;
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
    float *scale = scales_of(packed);
    if (scale != NULL) scale[r] = row_scale(from, step, packed->columns);
    for (int64_t c = 0; c < packed->columns; c++) {
        const float value = from[c * step];
        void *to = number_of(packed, r, c);
        if (packed->storage == HN_DTYPE_I8)
            *(int8_t *)to = hni_int8_of(value, scale[r]);
        else if (packed->storage == HN_DTYPE_BF16)
            *(uint16_t *)to = hni_bf16_of(value);
        else
            *(float *)to = value;
    }
}

static float stored_number(const hni_packed *packed, int64_t r, int64_t c)
{
    const void *from = number_of(packed, r, c);
    if (packed->storage == HN_DTYPE_I8) return scales_of(packed)[r] * (float)*(const int8_t *)from;
    return packed->storage == HN_DTYPE_BF16 ? hni_bf16_value(*(const uint16_t *)from) : *(const float *)from;
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
    for (int64_t i = 0; i < out->size[0]; i++)
        for (int64_t c = 0; c < packed->columns; c++)
            ((float *)out->data)[i * out->stride[0] + c * out->stride[1]] = stored_number(packed, first + i, c);
    return HN_OK;
}

/* ---- packing a whole matrix, for products that follow at once ---- */

typedef struct pack_job {
    int64_t k, n;
    const float *matrix;
    int64_t row, column;
    float *out;
} pack_job;

/* Columns from j on into out [k,strip], zeros behind the last. */
static void pack_strip(const pack_job *job, int64_t j, int64_t strip, float *out)
{
    const int64_t width = hni_cpu_min(strip, job->n - j);
    if (width < strip) memset(out, 0, (size_t)(job->k * strip) * sizeof out[0]);
    if (width <= 0) return;
    const float *from = job->matrix + j * job->column;
    if (job->column != 1) {
        hni_cpu_simd_get()->recurrences->transpose(width, job->k, from, job->column, out, strip);
        return;
    }
    for (int64_t i = 0; i < job->k; i++)
        memcpy(out + i * strip, from + i * job->row, (size_t)width * sizeof out[0]);
}

static void pack_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const pack_job *job = user;
    const int64_t strip = hni_cpu_simd_get()->packeds->strip;
    for (int64_t s = begin; s < end; s++)
        pack_strip(job, s * strip, strip, job->out + s * strip * job->k);
}

void hni_cpu_pack_matrix(int threads, int64_t k, int64_t n, const float *matrix, int64_t row, int64_t column,
                         void *out_packed)
{
    pack_job job = {k, n, matrix, row, column, out_packed};
    const int64_t strip = hni_cpu_simd_get()->packeds->strip, strips = panels_of(n) * PANEL / strip;
    hni_parallel_for(threads, strips, hni_cpu_divide_up(GRAIN, strip * k), pack_part, &job);
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
        panel.end = panel_of(packed, panels_of(packed->rows));
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
                          .multiply = packed->storage == HN_DTYPE_BF16 ? simd->bf16 : simd->real,
                          .first = {.rows = rows->count,
                                    .k = packed->columns,
                                    .x = rows->x,
                                    .ldx = rows->ldx,
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
        const hni_cpu_packeds *simd = hni_cpu_simd_get()->packeds;
        const hn_status status = round_rows(exec, simd, &job.first);
        if (status != HN_OK) return status;
        job.multiply = simd->int8;
        job.first.scale = scales_of(packed);
    }
    multiply_panels(exec->threads, &job);
    return HN_OK;
}
