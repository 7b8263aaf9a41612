/* See walk.h. */
#include "kernels/cpu/walk.h"

#include <string.h>

/* Whether dimension x should be walked outside of dimension y: the output decides, by falling stride; where it repeats, or both
 * are alike, the first input. Dimensions that the output repeats count as its longest strides if the input steps along
 * the other one in smaller steps, and as its shortest if not: a sum over rows or over columns. */
static bool goes_outside(const hni_view *views, int inputs, int x, int y)
{
    const hni_view *in = &views[0], *out = &views[inputs];
    const bool x_repeats = out->stride[x] == 0, y_repeats = out->stride[y] == 0;
    if (x_repeats == y_repeats && out->stride[x] != out->stride[y]) return out->stride[x] > out->stride[y];
    return in->stride[x] > in->stride[y];
}

static void swap_dimensions(hni_view *views, int count, int x, int y)
{
    for (int v = 0; v < count; v++) {
        const int64_t size = views[v].size[x], stride = views[v].stride[x];
        views[v].size[x] = views[v].size[y];
        views[v].stride[x] = views[v].stride[y];
        views[v].size[y] = size;
        views[v].stride[y] = stride;
    }
}

/* Insertion sort: at most six dimensions, and nearly always sorted already. */
static void sort_dimensions(hni_view *views, int inputs)
{
    for (int d = 1; d < views[0].rank; d++)
        for (int e = d; e > 0 && goes_outside(views, inputs, e, e - 1); e--)
            swap_dimensions(views, inputs + 1, e, e - 1);
}

void hni_cpu_operands_set(hni_cpu_operands *operands, hni_map map, const double parameters[2], const hni_view *inputs,
                          const hni_view *out)
{
    const int count = hni_map_inputs(map);
    operands->map = map;
    operands->p = (float)parameters[0];
    operands->q = (float)parameters[1];
    operands->inputs = count;
    for (int i = 0; i < count; i++)
        operands->views[i] = inputs[i];
    operands->views[count] = *out;
    hni_views_collapse(operands->views, count + 1);
    if (operands->views[0].rank > 1) {
        sort_dimensions(operands->views, count);
        hni_views_collapse(operands->views, count + 1);
    }

    const int last = operands->views[0].rank - 1;
    operands->inner = operands->views[0].size[last];
    operands->rows = hni_view_elements(&operands->views[0]) / operands->inner;
    hni_walk_begin(&operands->walk, last, operands->views[0].size);
    for (int i = 0; i <= count; i++)
        (void)hni_walk_track(&operands->walk, operands->views[i].stride);
    for (int i = 0; i < count; i++) {
        operands->in[i] = operands->views[i].data;
        operands->in_stride[i] = operands->inner == 1 ? 1 : operands->views[i].stride[last];
    }
    operands->out = operands->views[count].data;
    operands->out_stride = operands->inner == 1 ? 1 : operands->views[count].stride[last];
}

const float *hni_cpu_read(hni_cpu_reader *reader, int i, const float *x, int64_t stride, int64_t n)
{
    if (stride == 1) return x;
    float *buffer = reader->buffer[i];
    if (stride == 0) {
        if (reader->filled[i] == x && reader->filled_count[i] >= n) return buffer;
        const float value = *x;
        for (int64_t j = 0; j < n; j++)
            buffer[j] = value;
        reader->filled[i] = x;
        reader->filled_count[i] = n;
        return buffer;
    }
    for (int64_t j = 0; j < n; j++)
        buffer[j] = x[j * stride];
    reader->filled[i] = NULL;
    return buffer;
}

void hni_cpu_write(const float *line, int64_t n, float *out, int64_t stride, bool add)
{
    if (stride == 1 && !add) {
        memcpy(out, line, (size_t)n * sizeof line[0]);
        return;
    }
    if (add) {
        for (int64_t i = 0; i < n; i++)
            out[i * stride] += line[i];
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i * stride] = line[i];
}
