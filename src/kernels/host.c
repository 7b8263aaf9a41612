/* See host.h. Copies walk the view line by line; a line is converted by the pair of types, chosen once. */
#include "kernels/host.h"

#include <string.h>

#include "core/alloc.h"
#include "kernels/walk.h"

hn_status hni_host_allocate(hn_context *context, const char *what, size_t size, void **out_pointer)
{
    return hni_alloc(context, what, size, out_pointer);
}

void hni_host_release(hn_context *context, void *pointer) { hni_free(context, pointer); }

hn_status hni_host_fill_zero(hni_exec *exec, void *data, size_t size)
{
    (void)exec;
    if (size > 0) memset(data, 0, size);
    return HN_OK;
}

/* One line of a copy: n elements, strides in elements of each side's own type. */
typedef struct line_ends {
    int64_t n;
    void *to;
    const void *from;
    int64_t to_stride, from_stride;
    size_t size; /* bytes of an element, where both types are the same */
} line_ends;

typedef void (*line_copy)(const line_ends *line);

static void copy_same(const line_ends *l)
{
    const size_t size = l->size;
    if (l->to_stride == 1 && l->from_stride == 1) {
        memcpy(l->to, l->from, (size_t)l->n * size);
        return;
    }
    for (int64_t i = 0; i < l->n; i++) {
        memcpy((char *)l->to + (size_t)(i * l->to_stride) * size,
               (const char *)l->from + (size_t)(i * l->from_stride) * size, size);
    }
}

static void copy_f32_to_f64(const line_ends *l)
{
    double *to = l->to;
    const float *from = l->from;
    for (int64_t i = 0; i < l->n; i++)
        to[i * l->to_stride] = (double)from[i * l->from_stride];
}

static void copy_f64_to_f32(const line_ends *l)
{
    float *to = l->to;
    const double *from = l->from;
    for (int64_t i = 0; i < l->n; i++)
        to[i * l->to_stride] = (float)from[i * l->from_stride];
}

/* NULL if the types do not convert. */
static line_copy find_copy(hn_dtype to, hn_dtype from)
{
    if (to == from && hn_dtype_size(to) > 0) return copy_same;
    if (to == HN_DTYPE_F64 && from == HN_DTYPE_F32) return copy_f32_to_f64;
    if (to == HN_DTYPE_F32 && from == HN_DTYPE_F64) return copy_f64_to_f32;
    return NULL;
}

static hn_status refuse(hni_exec *exec, const char *op, hn_dtype to, hn_dtype from)
{
    const hni_blame blame = {.op = op};
    return hni_error_at(
        exec->context, HN_ERROR_TYPE, &blame,
        "%s values cannot be copied into %s: only F32 and F64 convert into each other, other types must be equal",
        hn_dtype_name(from), hn_dtype_name(to));
}

/* Walks `view` and the row-major host array together; the side that is written is chosen by `into_view`. */
static void copy_lines(const hni_view *view, void *host, hn_dtype host_type, line_copy copy, bool into_view)
{
    const hni_view flat = hni_view_of(host, host_type, hni_view_shape(view));
    hni_view sides[2] = {*view, flat};
    hni_views_collapse(sides, 2);
    const int outer = sides[0].rank > 0 ? sides[0].rank - 1 : 0;
    const int64_t n = sides[0].rank > 0 ? sides[0].size[outer] : 1;
    const int64_t view_stride = sides[0].rank > 0 ? sides[0].stride[outer] : 1;

    hni_walk walk;
    hni_walk_begin(&walk, outer, sides[0].size);
    const int of_view = hni_walk_track(&walk, sides[0].stride), of_host = hni_walk_track(&walk, sides[1].stride);
    do {
        void *view_at = hni_view_at(&sides[0], walk.offset[of_view]),
             *host_at = hni_view_at(&sides[1], walk.offset[of_host]);
        const line_ends line = {.n = n,
                                .to = into_view ? view_at : host_at,
                                .from = into_view ? host_at : view_at,
                                .to_stride = into_view ? view_stride : 1,
                                .from_stride = into_view ? 1 : view_stride,
                                .size = hn_dtype_size(host_type)};
        copy(&line);
    } while (hni_walk_next(&walk));
}

hn_status hni_host_copy_in(hni_exec *exec, hni_view *out, hn_dtype source_type, const void *source)
{
    const line_copy copy = find_copy(out->dtype, source_type);
    if (copy == NULL) return refuse(exec, "copy_in", out->dtype, source_type);
    copy_lines(out, (void *)source, source_type, copy, true);
    return HN_OK;
}

hn_status hni_host_copy_out(hni_exec *exec, const hni_view *view, hn_dtype target_type, void *out_target)
{
    const line_copy copy = find_copy(target_type, view->dtype);
    if (copy == NULL) return refuse(exec, "copy_out", target_type, view->dtype);
    copy_lines(view, out_target, target_type, copy, false);
    return HN_OK;
}
