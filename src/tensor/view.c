/* Views: a shape, a stride a dimension and an address. All functions work on the description alone, none touches data. */
#include "tensor/view.h"

#include <assert.h>

hni_view hni_view_of(void *data, hn_dtype dtype, hn_shape shape)
{
    assert(hn_shape_elements(shape) > 0);
    hni_view view = {.data = data, .dtype = dtype, .rank = shape.rank};
    int64_t stride = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        view.size[i] = shape.size[i];
        view.stride[i] = stride;
        stride *= shape.size[i];
    }
    return view;
}

hn_shape hni_view_shape(const hni_view *view)
{
    hn_shape shape = {.rank = view->rank};
    for (int i = 0; i < view->rank; i++)
        shape.size[i] = view->size[i];
    return shape;
}

int64_t hni_view_elements(const hni_view *view) { return hn_shape_elements(hni_view_shape(view)); }

bool hni_view_is_contiguous(const hni_view *view)
{
    int64_t expected = 1;
    for (int i = view->rank - 1; i >= 0; i--) {
        if (view->size[i] == 1) continue; /* never stepped along */
        if (view->stride[i] != expected) return false;
        expected *= view->size[i];
    }
    return true;
}

bool hni_view_broadcast(const hni_view *view, hn_shape shape, hni_view *out_view)
{
    if (hn_shape_elements(shape) < 0 || view->rank > shape.rank) return false;
    hni_view result = {.data = view->data, .dtype = view->dtype, .rank = shape.rank};
    const int added = shape.rank - view->rank; /* in front, as everywhere */
    for (int i = 0; i < shape.rank; i++) {
        const int from = i - added;
        result.size[i] = shape.size[i];
        if (from < 0) continue;
        if (view->size[from] == shape.size[i])
            result.stride[i] = view->stride[from];
        else if (view->size[from] != 1)
            return false;
    }
    *out_view = result;
    return true;
}

bool hni_shape_broadcast(hn_shape a, hn_shape b, hn_shape *out_shape)
{
    if (hn_shape_elements(a) < 0 || hn_shape_elements(b) < 0) return false;
    hn_shape result = {.rank = a.rank > b.rank ? a.rank : b.rank};
    for (int i = 0; i < result.rank; i++) {
        const int in_a = i - (result.rank - a.rank), in_b = i - (result.rank - b.rank);
        const int64_t size_a = in_a >= 0 ? a.size[in_a] : 1, size_b = in_b >= 0 ? b.size[in_b] : 1;
        if (size_a != size_b && size_a != 1 && size_b != 1) return false;
        result.size[i] = size_a == 1 ? size_b : size_a;
    }
    if (hn_shape_elements(result) < 0) return false;
    *out_shape = result;
    return true;
}

void *hni_view_at(const hni_view *view, int64_t elements)
{
    if (view->data == NULL) return NULL;
    return (unsigned char *)view->data + elements * (int64_t)hn_dtype_size(view->dtype);
}

/* Whether in each view a step along `outer` is a whole walk along `inner`. */
static bool can_merge(const hni_view *views, int count, int outer, int inner)
{
    for (int v = 0; v < count; v++)
        if (views[v].stride[outer] != views[v].stride[inner] * views[v].size[inner]) return false;
    return true;
}

void hni_views_collapse(hni_view *views, int count)
{
    const int rank = views[0].rank;
    int last = -1; /* the dimensions up to here are done, in place */
    for (int i = 0; i < rank; i++) {
        if (views[0].size[i] == 1) continue;
        const bool merge = last >= 0 && can_merge(views, count, last, i);
        if (!merge) last++;
        for (int v = 0; v < count; v++) {
            assert(views[v].rank == rank && views[v].size[i] == views[0].size[i]);
            views[v].size[last] = merge ? views[v].size[last] * views[v].size[i] : views[v].size[i];
            views[v].stride[last] = views[v].stride[i];
        }
    }
    for (int v = 0; v < count; v++) {
        if (last < 0) {
            views[v].size[0] = 1;
            views[v].stride[0] = 1;
        }
        views[v].rank = last < 0 ? 1 : last + 1;
    }
}
