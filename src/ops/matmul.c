/* Matrix product a [..,M,K] * b [..,K,N] -> [..,M,N] with transposes and broadcast leading dimensions.
 *
 * Everything here works on logical views: a transpose is a swap of two strides, the backward is two more products of the same kind
 *     da = dc * b^T        db = a^T * dc
 * and a broadcast input is a view with stride 0, so its gradient is a product that adds over that dimension. multiply() turns such
 * views into as few gemm calls as it can. */
#include "ops/op.h"

/* ---- from views to gemm ---- */

/* The same view with its last two dimensions swapped. */
static hni_view transposed(const hni_view *view)
{
    hni_view out = *view;
    const int r = view->rank;
    out.size[r - 1] = view->size[r - 2];
    out.size[r - 2] = view->size[r - 1];
    out.stride[r - 1] = view->stride[r - 2];
    out.stride[r - 2] = view->stride[r - 1];
    return out;
}

/* True if a rows x columns matrix with these strides can be given to gemm, perhaps as a transpose. */
static bool gemm_layout(const hni_view *m, bool *out_transpose, int64_t *out_ld)
{
    const int64_t rows = m->size[m->rank - 2], columns = m->size[m->rank - 1];
    const int64_t row_stride = m->stride[m->rank - 2], column_stride = m->stride[m->rank - 1];
    if ((columns == 1 || column_stride == 1) && (rows == 1 || row_stride >= columns)) {
        *out_transpose = false;
        *out_ld = rows == 1 ? columns : row_stride;
        return true;
    }
    if ((rows == 1 || row_stride == 1) && (columns == 1 || column_stride >= rows)) {
        *out_transpose = true;
        *out_ld = columns == 1 ? rows : column_stride;
        return true;
    }
    return false;
}

/* Gives `view` a contiguous copy in scratch memory when gemm cannot read it. */
static hn_status make_readable(const hni_kernels *kernels, hni_exec *exec, hni_view *view)
{
    static const double no_parameters[2] = {0, 0};
    bool transpose;
    int64_t ld;
    if (gemm_layout(view, &transpose, &ld)) return HN_OK;
    hni_view copy = hni_view_of(NULL, view->dtype, hni_view_shape(view));
    const size_t size = (size_t)hni_view_elements(view) * hn_dtype_size(view->dtype);
    const hn_status status = hni_arena_take(exec->scratch, size, &copy.data);
    if (status != HN_OK) return status;
    const hni_view source = *view;
    *view = copy;
    return kernels->map(exec, HNI_MAP_COPY, no_parameters, &source, view, false);
}

/* c = a * b (+ c) for `batch` matrices whose last two dimensions gemm can read; c's last stride is 1. */
static hn_status call_gemm(const hni_kernels *kernels, hni_exec *exec, const hni_view *a, const hni_view *b,
                           const hni_view *c, bool accumulate)
{
    hni_gemm gemm = {.alpha = 1, .beta = accumulate ? 1 : 0, .batch = 1};
    bool transpose_c;
    gemm_layout(a, &gemm.transpose_a, &gemm.lda);
    gemm_layout(b, &gemm.transpose_b, &gemm.ldb);
    gemm_layout(c, &transpose_c, &gemm.ldc);
    gemm.m = c->size[c->rank - 2];
    gemm.n = c->size[c->rank - 1];
    gemm.k = a->size[a->rank - 1];
    gemm.a = a->data;
    gemm.b = b->data;
    gemm.c = c->data;
    if (c->rank == 3) {
        gemm.batch = c->size[0];
        gemm.batch_stride_a = a->stride[0];
        gemm.batch_stride_b = b->stride[0];
        gemm.batch_stride_c = c->stride[0];
    }
    return kernels->gemm(exec, &gemm);
}

/* The matrices of `view` at position `index` of its leading dimensions before the last `keep` ones. */
static hni_view sub_view(const hni_view *view, int64_t index, int keep)
{
    hni_view out = *view;
    const int outer = view->rank - keep;
    int64_t offset = 0;
    for (int i = outer - 1; i >= 0; i--) {
        offset += index % view->size[i] * view->stride[i];
        index /= view->size[i];
    }
    out.data = hni_view_at(view, offset);
    out.rank = keep;
    for (int i = 0; i < keep; i++) {
        out.size[i] = view->size[outer + i];
        out.stride[i] = view->stride[outer + i];
    }
    return out;
}

/* Merges all dimensions of `p` but `fixed`, likewise of `q`, where both can walk them with one stride. Used to fold leading
 * dimensions into the rows (or the summed dimension) of one large product. */
static bool merge_all(const hni_view *p, int fixed_p, const hni_view *q, int fixed_q, int64_t *out_size,
                      int64_t *out_stride_p, int64_t *out_stride_q)
{
    hni_view pair[2] = {*p, *q};
    const int fixed[2] = {fixed_p, fixed_q};
    for (int v = 0; v < 2; v++) {
        for (int i = fixed[v]; i + 1 < pair[v].rank; i++) {
            pair[v].size[i] = pair[v].size[i + 1];
            pair[v].stride[i] = pair[v].stride[i + 1];
        }
        pair[v].rank--;
    }
    hni_views_collapse(pair, 2);
    if (pair[0].rank != 1) return false;
    *out_size = pair[0].size[0];
    *out_stride_p = pair[0].stride[0];
    *out_stride_q = pair[1].stride[0];
    return true;
}

static hni_view matrix(const hni_view *like, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride)
{
    hni_view out = {like->data, like->dtype, 2, {rows, columns}, {row_stride, column_stride}};
    return out;
}

static bool leading_zero(const hni_view *view)
{
    for (int i = 0; i < view->rank - 2; i++) {
        if (view->size[i] > 1 && view->stride[i] != 0) return false;
    }
    return true;
}

/* One product instead of many: b the same for all leading dimensions (they become rows of a and c), or c the same for all
 * (they become part of the summed dimension). */
static void fold_leading(hni_view *a, hni_view *b, hni_view *c)
{
    const int r = c->rank;
    int64_t size, stride_p, stride_q;
    hni_view a2, b2, c2;
    if (r == 2) return;
    if (leading_zero(b) && !leading_zero(c) && merge_all(a, r - 1, c, r - 1, &size, &stride_p, &stride_q)) {
        a2 = matrix(a, size, a->size[r - 1], stride_p, a->stride[r - 1]);
        b2 = matrix(b, b->size[r - 2], b->size[r - 1], b->stride[r - 2], b->stride[r - 1]);
        c2 = matrix(c, size, c->size[r - 1], stride_q, c->stride[r - 1]);
    } else if (leading_zero(c)) {
        hni_view at = transposed(a); /* [..,K,M]: leading dimensions and K in front, as in b */
        if (!merge_all(&at, r - 1, b, r - 1, &size, &stride_p, &stride_q)) return;
        a2 = matrix(a, a->size[r - 2], size, a->stride[r - 2], stride_p);
        b2 = matrix(b, size, b->size[r - 1], stride_q, b->stride[r - 1]);
        c2 = matrix(c, c->size[r - 2], c->size[r - 1], c->stride[r - 2], c->stride[r - 1]);
    } else {
        return;
    }
    *a = a2;
    *b = b2;
    *c = c2;
}

/* c (+)= a * b over all leading dimensions. a, b, c have the same rank and leading sizes (stride 0 where repeated). If c repeats,
 * `accumulate` must be set. */
static hn_status multiply(const hni_kernels *kernels, hni_exec *exec, hni_view a, hni_view b, hni_view c,
                          bool accumulate)
{
    static const double no_parameters[2] = {0, 0};
    bool transpose_c;
    int64_t ld;
    fold_leading(&a, &b, &c);
    if (!gemm_layout(&c, &transpose_c, &ld)) { /* into scratch, then to its place */
        hni_view scratch = hni_view_of(NULL, c.dtype, hni_view_shape(&c));
        const size_t size = (size_t)hni_view_elements(&c) * hn_dtype_size(c.dtype);
        hn_status status = hni_arena_take(exec->scratch, size, &scratch.data);
        if (status == HN_OK) status = multiply(kernels, exec, a, b, scratch, false);
        if (status == HN_OK) status = kernels->map(exec, HNI_MAP_COPY, no_parameters, &scratch, &c, accumulate);
        return status;
    }
    if (transpose_c) { /* c^T = b^T a^T has rows without gaps */
        const hni_view at = transposed(&a);
        a = transposed(&b);
        b = at;
        c = transposed(&c);
    }
    hn_status status = make_readable(kernels, exec, &a);
    if (status == HN_OK) status = make_readable(kernels, exec, &b);
    const bool batched = c.rank >= 3 && !(c.size[c.rank - 3] > 1 && c.stride[c.rank - 3] == 0);
    const int keep = batched ? 3 : 2;
    int64_t products = 1;
    for (int i = 0; i < c.rank - keep; i++)
        products *= c.size[i];
    for (int64_t i = 0; status == HN_OK && i < products; i++) {
        const hni_view ai = sub_view(&a, i, keep), bi = sub_view(&b, i, keep), ci = sub_view(&c, i, keep);
        status = call_gemm(kernels, exec, &ai, &bi, &ci, accumulate);
    }
    return status;
}

/* ---- the op ---- */

/* Inputs as logical matrices: transposes taken away. */
static hni_view logical(const hni_call *call, int input)
{
    const bool turn = input == 0 ? call->attributes.matmul.transpose_a : call->attributes.matmul.transpose_b;
    return turn ? transposed(&call->inputs[input]) : call->inputs[input];
}

/* The view with its leading dimensions broadcast to those of `shape`, matrices as they are. */
static hni_view spread_leading(const hni_view *view, hn_shape shape)
{
    hni_view out = *view;
    const int missing = shape.rank - view->rank;
    for (int i = shape.rank - 1; i >= 0; i--) {
        const int from = i - missing;
        if (i >= shape.rank - 2) {
            out.size[i] = view->size[from];
            out.stride[i] = view->stride[from];
        } else {
            const bool repeats = from < 0 || view->size[from] == 1;
            out.size[i] = shape.size[i];
            out.stride[i] = repeats ? 0 : view->stride[from];
        }
    }
    out.rank = shape.rank;
    return out;
}

static hn_shape leading_shape(const hni_view *view)
{
    hn_shape shape = hni_view_shape(view);
    shape.rank -= 2;
    return shape;
}

hn_status hni_matmul_shape(hn_context *context, hni_call *call)
{
    hn_status status = hni_op_want_float(context, call, 0, "a");
    if (status == HN_OK) status = hni_op_want_float(context, call, 1, "b");
    if (status != HN_OK) return status;
    for (int i = 0; i < 2; i++) {
        char text[96];
        if (call->inputs[i].rank >= 2) continue;
        return hni_op_error(context, call, HN_ERROR_SHAPE, i == 0 ? "a" : "b",
                            "%s %s must have at least two dimensions", i == 0 ? "a" : "b",
                            hn_shape_print(hni_view_shape(&call->inputs[i]), text, sizeof text));
    }
    const hni_view a = logical(call, 0), b = logical(call, 1);
    const bool turned = call->attributes.matmul.transpose_a || call->attributes.matmul.transpose_b;
    const int64_t k = a.size[a.rank - 1], other = b.size[b.rank - 2];
    char left[96], right[96];
    hn_shape_print(hni_view_shape(&a), left, sizeof left);
    hn_shape_print(hni_view_shape(&b), right, sizeof right);
    if (k != other) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "b", "%sa %s has %lld columns, b %s has %lld rows",
                            turned ? "after the transposes " : "", left, (long long)k, right, (long long)other);
    }
    hn_shape shape;
    if (!hni_shape_broadcast(leading_shape(&a), leading_shape(&b), &shape)) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "b", "leading dimensions of a %s and b %s do not broadcast",
                            left, right);
    }
    shape.size[shape.rank++] = a.size[a.rank - 2];
    shape.size[shape.rank++] = b.size[b.rank - 1];
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

hn_status hni_matmul_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_shape shape = hni_view_shape(&call->out);
    const hni_view a = logical(call, 0), b = logical(call, 1);
    return multiply(kernels, exec, spread_leading(&a, shape), spread_leading(&b, shape), call->out, false);
}

/* grad_inputs[input] (+)= left * right, turned as the input is stored. */
static hn_status add_product(const hni_kernels *kernels, hni_exec *exec, hni_call *call, int input, hni_view left,
                             hni_view right)
{
    hni_view *gradient = &call->grad_inputs[input];
    const hn_shape shape = hni_view_shape(&call->grad_out);
    const bool turn = input == 0 ? call->attributes.matmul.transpose_a : call->attributes.matmul.transpose_b;
    const hni_view unturned = turn ? transposed(gradient) : *gradient;
    const hni_view target = spread_leading(&unturned, shape);
    const bool reduces = hni_view_elements(&target) != hni_view_elements(gradient);
    if (reduces && call->fresh[input]) {
        const size_t size = (size_t)hni_view_elements(gradient) * hn_dtype_size(gradient->dtype);
        const hn_status status = kernels->fill_zero(exec, gradient->data, size);
        if (status != HN_OK) return status;
    }
    return multiply(kernels, exec, left, right, target, reduces || !call->fresh[input]);
}

hn_status hni_matmul_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_shape shape = hni_view_shape(&call->grad_out);
    const hni_view a_logical = logical(call, 0), b_logical = logical(call, 1);
    const hni_view a = spread_leading(&a_logical, shape), b = spread_leading(&b_logical, shape);
    hn_status status = HN_OK;
    if (call->wanted[0]) status = add_product(kernels, exec, call, 0, call->grad_out, transposed(&b));
    if (status == HN_OK && call->wanted[1])
        status = add_product(kernels, exec, call, 1, transposed(&a), call->grad_out);
    return status;
}
