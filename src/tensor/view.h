/* A strided view on storage: what kernels see of a tensor. Strides are in elements; 0 repeats one element (broadcast). */
#ifndef HNI_TENSOR_VIEW_H
#define HNI_TENSOR_VIEW_H

#include "core/context.h"
#include "hypernet/tensor.h"

typedef struct hni_view {
    void *data; /* NULL in a dry run */
    hn_dtype dtype;
    int rank;
    int64_t size[HN_MAX_RANK];
    int64_t stride[HN_MAX_RANK];
} hni_view;

/* Row-major strides over `shape`. */
hni_view hni_view_of(void *data, hn_dtype dtype, hn_shape shape);
hn_shape hni_view_shape(const hni_view *view);
int64_t hni_view_elements(const hni_view *view);
/* True if the elements lie row-major without gaps. */
bool hni_view_is_contiguous(const hni_view *view);
/* The view with `shape`'s rank and sizes, stride 0 where it is repeated. False if it does not broadcast. */
bool hni_view_broadcast(const hni_view *view, hn_shape shape, hni_view *out_view);
/* Broadcast shape of two shapes; false if they do not fit. */
bool hni_shape_broadcast(hn_shape a, hn_shape b, hn_shape *out_shape);
/* Address of element 0 moved by `elements`; NULL stays NULL. */
void *hni_view_at(const hni_view *view, int64_t elements);
/* Merges neighbouring dimensions that all `count` views (same sizes) can walk as one, drops dimensions of size 1: fewer and longer loops. */
void hni_views_collapse(hni_view *views, int count);

#endif
