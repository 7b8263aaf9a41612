/* Batches of images. Threads share out the images. A byte becomes a number by a table of 256 for each channel, made once a call. An image
 * that is only shifted and mirrored by whole pixels is copied through it; one that is turned or scaled is first written into a frame
 * of zeros, so that the mixing in images_simd.c asks for no borders. */
#include "kernels/cpu/cpu.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/size.h"
#include "kernels/check.h"

enum { GRAIN = 16384, BYTES = 256 };

typedef struct images_job {
    const hni_view *source; /* u8 [n,C,H,W] */
    const hni_image_gather *gather;
    hni_view *out; /* [B,H,W,C] */
    float *table;  /* [C][256] */
    float *frames; /* one [H+2][W+2][C] a thread */
    int64_t frame; /* numbers of it */
} images_job;

static void fill_table(const hni_image_gather *gather, int64_t channels, float *table)
{
    for (int64_t c = 0; c < channels; c++)
        for (int byte = 0; byte < BYTES; byte++)
            table[c * BYTES + byte] = (float)(((double)byte / 255 - gather->mean[c]) / gather->deviation[c]);
}

static const uint8_t *plane_of(const hni_view *source, int64_t index, int64_t channel)
{
    return hni_view_at(source, index * source->stride[0] + channel * source->stride[1]);
}

/* out[i * channels] = table[bytes[i * stride]] */
static void translate(const float *table, const uint8_t *bytes, int64_t stride, int64_t n, int64_t channels, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i * channels] = table[bytes[i * stride]];
}

/* Whether the matrix only shifts and mirrors by whole pixels. */
static bool is_whole(const double *m)
{
    return fabs(m[0]) == 1 && fabs(m[4]) == 1 && m[1] == 0 && m[3] == 0 && m[2] == floor(m[2]) && m[5] == floor(m[5]);
}

/* The pixels i of [0, n) for which step * i + start lies in [0, limit); step is 1 or -1. */
static void range_of(int64_t step, int64_t start, int64_t limit, int64_t n, int64_t *out_begin, int64_t *out_end)
{
    const int64_t begin = step > 0 ? -start : start - limit + 1, end = step > 0 ? limit - start : start + 1;
    *out_begin = begin > 0 ? hni_cpu_min(begin, n) : 0;
    *out_end = end > *out_begin ? hni_cpu_min(end, n) : *out_begin;
}

static void copy_image(const images_job *job, const hni_image_place *place, float *out)
{
    const hni_view *source = job->source;
    const int64_t height = source->size[2], width = source->size[3], channels = source->size[1];
    const int64_t x_step = (int64_t)place->matrix[0], x_start = (int64_t)place->matrix[2];
    const int64_t y_step = (int64_t)place->matrix[4], y_start = (int64_t)place->matrix[5];
    int64_t begin, end, first_row, end_row;
    range_of(x_step, x_start, width, width, &begin, &end);
    range_of(y_step, y_start, height, height, &first_row, &end_row);
    memset(out, 0, (size_t)(height * width * channels) * sizeof *out);
    for (int64_t y = first_row; y < end_row; y++) {
        const int64_t from =
            (y_step * y + y_start) * source->stride[2] + (x_step * begin + x_start) * source->stride[3];
        for (int64_t c = 0; c < channels && begin < end; c++)
            translate(job->table + c * BYTES, plane_of(source, place->index, c) + from, x_step * source->stride[3],
                      end - begin, channels, out + (y * width + begin) * channels + c);
    }
}

/* The inside of a frame whose border is zero. */
static void fill_frame(const images_job *job, int64_t index, float *frame)
{
    const hni_view *source = job->source;
    const int64_t height = source->size[2], width = source->size[3], channels = source->size[1];
    for (int64_t y = 0; y < height; y++)
        for (int64_t c = 0; c < channels; c++)
            translate(job->table + c * BYTES, plane_of(source, index, c) + y * source->stride[2], source->stride[3],
                      width, channels, frame + ((y + 1) * (width + 2) + 1) * channels + c);
}

static void mix_image(const images_job *job, const hni_image_place *place, float *frame, float *out)
{
    const int64_t height = job->source->size[2], width = job->source->size[3], channels = job->source->size[1];
    const double *m = place->matrix;
    hni_cpu_image_row row = {.n = width,
                             .channels = channels,
                             .frame = frame,
                             .width = (int32_t)width,
                             .height = (int32_t)height,
                             .x_step = (float)m[0],
                             .y_step = (float)m[3]};
    fill_frame(job, place->index, frame);
    for (int64_t y = 0; y < height; y++) {
        row.x = (float)(m[1] * (double)y + m[2] + 1);
        row.y = (float)(m[4] * (double)y + m[5] + 1);
        row.out = out + y * width * channels;
        hni_cpu_simd_get()->images->mix(&row);
    }
}

static void images_part(void *user, int64_t begin, int64_t end, int part)
{
    const images_job *job = user;
    const int64_t size = job->out->stride[0];
    float *frame = job->frames + part * job->frame;
    memset(frame, 0, (size_t)job->frame * sizeof *frame);
    for (int64_t b = begin; b < end; b++) {
        const hni_image_place *place = &job->gather->places[b];
        float *out = (float *)job->out->data + b * size;
        if (is_whole(place->matrix)) {
            copy_image(job, place, out);
        } else {
            mix_image(job, place, frame, out);
        }
    }
}

hn_status hni_cpu_gather_images(hni_exec *exec, const hni_view *source, const hni_image_gather *gather, hni_view *out)
{
    const int64_t channels = source->size[1];
    images_job job = {.source = source, .gather = gather, .out = out};
    void *table = NULL, *frames = NULL;
    hn_status status;
    HNI_TRY(hni_check_places(exec->context, gather->places, out->size[0], source->size[0]));
    job.frame = (source->size[2] + 2) * (source->size[3] + 2) * channels;
    HNI_TRY(hni_arena_take(exec->scratch, (size_t)(channels * BYTES) * sizeof(float), &table));
    HNI_TRY(hni_arena_take(exec->scratch, (size_t)(exec->threads * job.frame) * sizeof(float), &frames));
    job.table = table;
    job.frames = frames;
    fill_table(gather, channels, job.table);
    hni_parallel_for(exec->threads, out->size[0], hni_cpu_divide_up(GRAIN, out->stride[0]), images_part, &job);
cleanup:
    return status;
}
