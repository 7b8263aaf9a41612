/* A row of pixels mixed bilinearly out of an image with a border of zeros, for one level of the instruction set. Who reads which image
 * by which matrix is images.c's work. */
#include "kernels/cpu/cpu.h"

enum { STRETCH = 64 };

/* Where the pixels of a stretch are read: the first of the upper two, and the shares of the right and the lower ones. */
typedef struct places {
    int32_t at[STRETCH];
    float right[STRETCH], below[STRETCH];
} places;

static inline float within(float x, float most)
{
    const float low = x > 0.0f ? x : 0.0f;
    return low < most ? low : most;
}

static void find(const hni_cpu_image_row *row, int64_t start, int64_t n, places *out)
{
    const int32_t width = row->width, height = row->height, channels = (int32_t)row->channels;
    const float x0 = row->x + (float)start * row->x_step, y0 = row->y + (float)start * row->y_step;
    const float x_step = row->x_step, y_step = row->y_step, x_most = (float)(width + 1), y_most = (float)(height + 1);
    int32_t *at = out->at;
    float *right = out->right, *below = out->below;
#pragma omp simd
    for (int32_t i = 0; i < (int32_t)n; i++) {
        /* Beyond the border is as good as on it: zero. On its last line the line before and a share of 1 stand for it. */
        const float x = within(x0 + (float)i * x_step, x_most), y = within(y0 + (float)i * y_step, y_most);
        int32_t left = (int32_t)x, top = (int32_t)y;
        left = left < width ? left : width;
        top = top < height ? top : height;
        right[i] = x - (float)left;
        below[i] = y - (float)top;
        at[i] = (top * (width + 2) + left) * channels;
    }
}

/* One channel of a stretch; `channels` is a constant where this is expanded. */
static inline void mix_channel(const float *frame, int64_t line, int64_t channels, const places *p, int64_t n,
                               float *out)
{
    const int32_t *at = p->at;
    const float *right = p->right, *below = p->below;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float *above = frame + at[i], *under = above + line;
        const float upper = above[0] + right[i] * (above[channels] - above[0]);
        const float lower = under[0] + right[i] * (under[channels] - under[0]);
        out[i * channels] = upper + below[i] * (lower - upper);
    }
}

static void mix(const hni_cpu_image_row *row)
{
    const int64_t channels = row->channels, line = (row->width + 2) * channels;
    places p;
    for (int64_t start = 0; start < row->n; start += STRETCH) {
        const int64_t n = hni_cpu_min(STRETCH, row->n - start);
        float *out = row->out + start * channels;
        find(row, start, n, &p);
        for (int64_t c = 0; c < channels; c++) {
            if (channels == 1) mix_channel(row->frame, line, 1, &p, n, out);
            if (channels == 3) mix_channel(row->frame + c, line, 3, &p, n, out + c);
            if (channels != 1 && channels != 3) mix_channel(row->frame + c, line, channels, &p, n, out + c);
        }
    }
}

extern const hni_cpu_images HNI_CPU_NAME(hni_cpu_images);
const hni_cpu_images HNI_CPU_NAME(hni_cpu_images) = {.mix = mix};
