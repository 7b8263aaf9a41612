/* The dry tables look at nothing: every slot is called with pointers that must not be followed. And which tables exist. */
#include "kernel_tensor.h"

/* An address that faults when it is read or written. */
static void *const nowhere = (void *)(uintptr_t)64;

static void call_elements(const hni_kernels *k)
{
    int64_t count = -1;
    assert_int_equal(k->copy_in(nowhere, nowhere, HN_DTYPE_F32, nowhere), HN_OK);
    assert_int_equal(k->copy_out(nowhere, nowhere, HN_DTYPE_I32, nowhere), HN_OK);
    assert_int_equal(k->fill_zero(nowhere, nowhere, 1000), HN_OK);
    assert_int_equal(k->map(nowhere, HNI_MAP_ADD, nowhere, nowhere, nowhere, false), HN_OK);
    assert_int_equal(k->gemm(nowhere, nowhere), HN_OK);
    assert_int_equal(k->layer_norm(nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->layer_norm_vjp(nowhere, nowhere), HN_OK);
    assert_int_equal(k->batch_statistics(nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->batch_norm(nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->batch_norm_vjp(nowhere, nowhere), HN_OK);
    assert_int_equal(k->pool2d(nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->pool2d_vjp(nowhere, nowhere, nowhere, nowhere, nowhere, true), HN_OK);
    assert_int_equal(k->dropout(nowhere, nowhere, nowhere, nowhere, true), HN_OK);
    assert_int_equal(k->gradient_norm(nowhere, 10, nowhere, 1, 1), HN_OK);
    assert_int_equal(k->count_nonfinite(nowhere, 10, nowhere, &count), HN_OK);
    assert_int_equal(count, 0);
    assert_int_equal(k->adam(nowhere, nowhere, 10, nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->sgd(nowhere, nowhere, 10, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->rmsprop(nowhere, nowhere, 10, nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->average(nowhere, 0.5, 10, nowhere, nowhere), HN_OK);
    assert_int_equal(k->swap(nowhere, 10, nowhere, nowhere), HN_OK);
}

static void call_rows(const hni_kernels *k)
{
    assert_int_equal(k->lookup(nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->lookup_vjp(nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->where_length(nowhere, nowhere, nowhere, nowhere, 3, nowhere, false), HN_OK);
    assert_int_equal(k->reverse(nowhere, nowhere, nowhere, nowhere, false), HN_OK);
    assert_int_equal(k->gather_windows(nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->gather_images(nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->softmax_loss(nowhere, nowhere, nowhere, nowhere), HN_OK);
    assert_int_equal(k->softmax_loss_vjp(nowhere, nowhere, nowhere, nowhere, nowhere, 1, nowhere, false), HN_OK);
}

static void call_packed(const hni_kernels *k)
{
    size_t size = 5;
    assert_int_equal(k->pack_size(nowhere, HN_DTYPE_F16, HN_SHAPE2(1000, 1000), &size), HN_OK);
    assert_int_equal(size, 0);
    assert_int_equal(k->pack(nowhere, nowhere, 3, nowhere), HN_OK);
    assert_int_equal(k->unpack(nowhere, nowhere, 3, nowhere), HN_OK);
    assert_int_equal(k->packed_multiply(nowhere, nowhere, nowhere, nowhere, true), HN_OK);
}

static void test_dry_slots_look_at_nothing(void **state)
{
    (void)state;
    static const hn_dtype types[] = {HN_DTYPE_F32, HN_DTYPE_F64};
    for (int i = 0; i < 2; i++) {
        const hni_kernels *k = hni_kernels_dry(types[i]);
        assert_string_equal(k->backend, "dry");
        assert_int_equal(k->dtype, types[i]);
        call_elements(k);
        call_rows(k);
        call_packed(k);
    }
}

static void test_dry_memory_is_none(void **state)
{
    (void)state;
    kernel_bench bench;
    kernel_bench_begin(&bench, 1);
    bench.context->memory_limit = 1000;
    void *block = nowhere;
    const uint64_t calls = hn_context_allocations(bench.context);
    const hni_kernels *k = hni_kernels_dry(HN_DTYPE_F32);
    assert_int_equal(k->allocate(bench.context, "parameters", (size_t)1 << 40, &block), HN_OK);
    assert_null(block);
    assert_int_equal(hn_context_memory(bench.context), 0);
    assert_int_equal(hn_context_allocations(bench.context), calls);
    k->release(bench.context, block);
    kernel_bench_end(&bench);
}

/* Every slot of a table is filled: a missing one would be a jump to address 0. */
static void check_filled(const hni_kernels *k)
{
    const unsigned char *slots = (const unsigned char *)k + offsetof(hni_kernels, allocate);
    for (size_t at = 0; at + offsetof(hni_kernels, allocate) < sizeof *k; at += sizeof(void (*)(void))) {
        void (*slot)(void) = NULL;
        memcpy(&slot, slots + at, sizeof slot);
        assert_true(slot != NULL);
    }
}

static void test_which_tables_exist(void **state)
{
    (void)state;
    const hni_kernels *const tables[] = {hni_kernels_generic(HN_DTYPE_F32), hni_kernels_generic(HN_DTYPE_F64),
                                         hni_kernels_dry(HN_DTYPE_F32), hni_kernels_dry(HN_DTYPE_F64)};
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(tables[i]);
        check_filled(tables[i]);
    }
    assert_null(hni_kernels_generic(HN_DTYPE_I32));
    assert_null(hni_kernels_dry(HN_DTYPE_BF16));
    assert_null(hni_kernels_cpu(HN_DTYPE_F64));
#ifdef HNI_HAVE_CPU
    check_filled(hni_kernels_cpu(HN_DTYPE_F32));
#else
    assert_null(hni_kernels_cpu(HN_DTYPE_F32));
#endif
}

#ifndef HNI_HAVE_CPU
static void test_no_cpu_backend_refuses_a_level(void **state)
{
    (void)state;
    kernel_bench bench;
    kernel_bench_begin(&bench, 1);
    kernel_ok(&bench, hni_kernels_choose_isa(bench.context, NULL));
    assert_string_equal(hni_kernels_isa(), "none");
    kernel_refused(&bench, hni_kernels_choose_isa(bench.context, "v3"), HN_ERROR_UNSUPPORTED, "HYPERNET_CPU=ON");
    kernel_bench_end(&bench);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dry_slots_look_at_nothing),
        cmocka_unit_test(test_dry_memory_is_none),
        cmocka_unit_test(test_which_tables_exist),
#ifndef HNI_HAVE_CPU
        cmocka_unit_test(test_no_cpu_backend_refuses_a_level),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
