/* Packed matrices in the generic tables: known values, rounding, and what a row's scale is. */
#include "kernel_tensor.h"

typedef struct packed_matrix {
    hni_packed packed;
    kernel_tensor out;
} packed_matrix;

/* `values` [rows,columns] packed and unpacked again into `out`. */
static packed_matrix pack(const hni_kernels *k, kernel_bench *bench, hn_dtype storage, kernel_tensor *values)
{
    const hn_shape shape = hni_view_shape(&values->view);
    packed_matrix m = {.packed = {storage, shape.size[0], shape.size[1], NULL},
                       .out = kernel_tensor_create(k->dtype, shape)};
    size_t size;
    kernel_ok(bench, k->pack_size(&bench->exec, storage, shape, &size));
    kernel_ok(bench, k->allocate(bench->context, "packed", size, &m.packed.data));
    kernel_ok(bench, k->pack(&bench->exec, &values->view, 0, &m.packed));
    kernel_ok(bench, k->unpack(&bench->exec, &m.packed, 0, &m.out.view));
    kernel_tensor_destroy(values);
    return m;
}

static void drop(const hni_kernels *k, kernel_bench *bench, packed_matrix *m)
{
    k->release(bench->context, m->packed.data);
    kernel_tensor_destroy(&m->out);
}

static void test_real(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor values = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 3), 1, -2, 3e-5, KERNEL_INFINITY, 0, 1e30);
    packed_matrix m = pack(k, bench, k->dtype, &values);
    kernel_tensor_holds(&m.out, 1e-7, 1, -2, 3e-5, KERNEL_INFINITY, 0, 1e30);
    drop(k, bench, &m);
}

/* bf16 has 8 bits: 1 + 2^-8 lies half-way and goes to the even 1, 1 + 3 * 2^-8 to 1 + 2^-6; the largest float becomes infinite. */
static void test_bf16(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor values = KERNEL_TENSOR(k->dtype, HN_SHAPE2(1, 8), 1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1.8p-8,
                                         -1 - 0x1p-8, 3.4028234e38, KERNEL_NAN, -KERNEL_INFINITY, 0x1p-133);
    packed_matrix m = pack(k, bench, HN_DTYPE_BF16, &values);
    kernel_tensor_holds(&m.out, 0, 1, 1 + 0x1p-6, 1 + 0x1p-7, -1, KERNEL_INFINITY, KERNEL_NAN, -KERNEL_INFINITY,
                        0x1p-133);
    drop(k, bench, &m);
}

/* Each row has a scale of its own: largest / 127. Halves go to even. A NaN takes its whole row, a row of zeros stays one. */
static void test_int8(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor values =
        KERNEL_TENSOR(k->dtype, HN_SHAPE2(4, 4), 127, 2.5, -3.5, 0.4, 0, -254, 3, 1, 0, 0, 0, 0, 1, 2, KERNEL_NAN, 3);
    packed_matrix m = pack(k, bench, HN_DTYPE_I8, &values);
    kernel_tensor_holds(&m.out, 0, 127, 2, -4, 0, 0, -254, 4, 0, 0, 0, 0, 0, KERNEL_NAN, KERNEL_NAN, KERNEL_NAN,
                        KERNEL_NAN);
    drop(k, bench, &m);
}

static void test_multiply(const hni_kernels *k, kernel_bench *bench)
{
    static const hn_dtype kinds[] = {HN_DTYPE_F32, HN_DTYPE_BF16, HN_DTYPE_I8};
    for (int i = 0; i < 3; i++) {
        kernel_tensor values = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 3), 127, 2, -3, 5, 127, 0);
        packed_matrix m = pack(k, bench, i == 0 ? k->dtype : kinds[i], &values);
        kernel_tensor x = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 3), 1, 10, 100, 0.5, 0, -1);
        kernel_tensor y = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 2), KERNEL_NAN, KERNEL_NAN, KERNEL_NAN, KERNEL_NAN);
        kernel_ok(bench, k->packed_multiply(&bench->exec, &m.packed, &x.view, &y.view, false));
        kernel_tensor_holds(&y, 0, -153, 1275, 66.5, 2.5);
        kernel_ok(bench, k->packed_multiply(&bench->exec, &m.packed, &x.view, &y.view, true));
        kernel_tensor_holds(&y, 0, -306, 2550, 133, 5);
        kernel_tensor_destroy(&x);
        kernel_tensor_destroy(&y);
        drop(k, bench, &m);
    }
}

int main(void)
{
    static const kernel_test tests[] = {
        {"real", test_real}, {"bf16", test_bf16}, {"int8", test_int8}, {"multiply", test_multiply}};
    return KERNEL_TESTS_RUN("generic: packed", tests);
}
