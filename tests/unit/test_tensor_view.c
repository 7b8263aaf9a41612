/* Views: strides, contiguity, broadcasting, and collapsing checked by walking every element before and after. */
#include "core/rng.h"
#include "tensor/view.h"
#include "test_support.h"

static hn_shape shape_of_array(int rank, const int64_t *sizes)
{
    hn_shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++)
        shape.size[i] = sizes[i];
    return shape;
}

/* Offset of element `index` in row-major order. */
static int64_t offset_of(const hni_view *view, int64_t index)
{
    int64_t offset = 0;
    for (int i = view->rank - 1; i >= 0; i--) {
        offset += index % view->size[i] * view->stride[i];
        index /= view->size[i];
    }
    return offset;
}

static void test_row_major(void **state)
{
    (void)state;
    float data[24];
    const hni_view view = hni_view_of(data, HN_DTYPE_F32, HN_SHAPE3(2, 3, 4));
    assert_int_equal(view.stride[0], 12);
    assert_int_equal(view.stride[1], 4);
    assert_int_equal(view.stride[2], 1);
    assert_true(hni_view_is_contiguous(&view));
    assert_int_equal(hni_view_elements(&view), 24);
    assert_true(hn_shape_equal(hni_view_shape(&view), HN_SHAPE3(2, 3, 4)));
    for (int64_t i = 0; i < 24; i++)
        assert_ptr_equal(hni_view_at(&view, offset_of(&view, i)), &data[i]);
    const hni_view scalar = hni_view_of(data, HN_DTYPE_F32, HN_SCALAR());
    assert_true(hni_view_is_contiguous(&scalar));
    assert_int_equal(hni_view_elements(&scalar), 1);
}

static void test_addresses(void **state)
{
    (void)state;
    double data[4];
    const hni_view real = hni_view_of(data, HN_DTYPE_F64, HN_SHAPE1(4));
    assert_ptr_equal(hni_view_at(&real, 3), &data[3]);
    const hni_view dry = hni_view_of(NULL, HN_DTYPE_F64, HN_SHAPE1(4));
    assert_null(hni_view_at(&dry, 3));
}

static void test_contiguity(void **state)
{
    (void)state;
    hni_view view = hni_view_of(NULL, HN_DTYPE_F32, HN_SHAPE3(2, 1, 4));
    view.stride[1] = 77; /* never stepped along */
    assert_true(hni_view_is_contiguous(&view));
    view.stride[0] = 8;
    assert_false(hni_view_is_contiguous(&view));
    view.stride[0] = 0;
    assert_false(hni_view_is_contiguous(&view));
    view.stride[0] = 1;
    view.stride[2] = 2;
    assert_false(hni_view_is_contiguous(&view));
}

static void test_broadcast_of_shapes(void **state)
{
    (void)state;
    hn_shape out = HN_SCALAR();
    assert_true(hni_shape_broadcast(HN_SHAPE3(2, 3, 4), HN_SHAPE1(4), &out));
    assert_true(hn_shape_equal(out, HN_SHAPE3(2, 3, 4)));
    assert_true(hni_shape_broadcast(HN_SHAPE2(3, 1), HN_SHAPE3(2, 1, 4), &out));
    assert_true(hn_shape_equal(out, HN_SHAPE3(2, 3, 4)));
    assert_true(hni_shape_broadcast(HN_SCALAR(), HN_SHAPE2(5, 6), &out));
    assert_true(hn_shape_equal(out, HN_SHAPE2(5, 6)));
    assert_false(hni_shape_broadcast(HN_SHAPE2(3, 4), HN_SHAPE1(3), &out));
    assert_false(hni_shape_broadcast(HN_SHAPE1(0), HN_SHAPE1(1), &out));
    assert_false(hni_shape_broadcast(hn_shape_of(-1), HN_SHAPE1(1), &out));
    assert_false(hni_shape_broadcast(HN_SHAPE2(INT64_C(1) << 40, 1), HN_SHAPE2(1, INT64_C(1) << 40), &out));
    assert_true(hn_shape_equal(out, HN_SHAPE2(5, 6))); /* a refusal writes nothing */
}

/* Each element of the broadcast view is the one that the rule names. */
static void test_broadcast_of_views(void **state)
{
    (void)state;
    const hni_rng_key key = {.seed = 9};
    uint64_t draws = 0;
    for (int trial = 0; trial < 2000; trial++) {
        int64_t sizes[HN_MAX_RANK], small_sizes[HN_MAX_RANK];
        const int rank = (int)(hni_rng_word(&key, draws++) % (HN_MAX_RANK + 1));
        const int small_rank = (int)(hni_rng_word(&key, draws++) % (uint32_t)(rank + 1));
        for (int i = 0; i < rank; i++)
            sizes[i] = 1 + hni_rng_word(&key, draws++) % 3;
        for (int i = 0; i < small_rank; i++)
            small_sizes[i] = hni_rng_word(&key, draws++) % 2 ? 1 : sizes[i + rank - small_rank];
        const hn_shape shape = shape_of_array(rank, sizes);
        const hni_view small = hni_view_of(NULL, HN_DTYPE_F32, shape_of_array(small_rank, small_sizes));
        hni_view out;
        assert_true(hni_view_broadcast(&small, shape, &out));
        assert_true(hn_shape_equal(hni_view_shape(&out), shape));
        for (int64_t index = 0; index < hn_shape_elements(shape); index++) {
            int64_t rest = index, expected = 0;
            for (int i = rank - 1; i >= 0; i--) {
                const int64_t place = rest % sizes[i];
                const int from = i - (rank - small_rank);
                rest /= sizes[i];
                if (from >= 0 && small_sizes[from] > 1) expected += place * small.stride[from];
            }
            assert_int_equal(offset_of(&out, index), expected);
        }
    }
    const hni_view view = hni_view_of(NULL, HN_DTYPE_F32, HN_SHAPE2(3, 4));
    hni_view out;
    assert_false(hni_view_broadcast(&view, HN_SHAPE2(3, 5), &out));
    assert_false(hni_view_broadcast(&view, HN_SHAPE1(4), &out));
    assert_false(hni_view_broadcast(&view, HN_SHAPE2(1, 4), &out)); /* a view is never made smaller */
    assert_false(hni_view_broadcast(&view, hn_shape_of(-1), &out));
}

enum { VIEWS = 3 };

/* A view with dimensions swapped, broadcast or apart, so that some neighbours merge and some do not. */
static hni_view random_view(const hni_rng_key *key, uint64_t *draws, int rank, const int64_t *sizes)
{
    hni_view view = hni_view_of(NULL, HN_DTYPE_F32, shape_of_array(rank, sizes));
    for (int i = 0; i < rank; i++) {
        const uint32_t word = hni_rng_word(key, (*draws)++) % 8;
        if (word == 0) view.stride[i] = 0;
        if (word == 1)
            for (int k = 0; k <= i; k++)
                view.stride[k] *= 2; /* a gap behind dimension i */
        if (word == 2 && i > 0) {
            const int64_t stride = view.stride[i];
            view.stride[i] = view.stride[i - 1];
            view.stride[i - 1] = stride;
        }
    }
    return view;
}

static void test_collapse_by_walking(void **state)
{
    (void)state;
    const hni_rng_key key = {.seed = 10};
    uint64_t draws = 0;
    int shorter = 0;
    for (int trial = 0; trial < 5000; trial++) {
        int64_t sizes[HN_MAX_RANK];
        const int rank = (int)(hni_rng_word(&key, draws++) % (HN_MAX_RANK + 1));
        for (int i = 0; i < rank; i++)
            sizes[i] = 1 + hni_rng_word(&key, draws++) % 3;
        const int count = 1 + (int)(hni_rng_word(&key, draws++) % VIEWS);
        hni_view before[VIEWS], after[VIEWS];
        for (int v = 0; v < count; v++)
            before[v] = after[v] = random_view(&key, &draws, rank, sizes);
        hni_views_collapse(after, count);
        const int64_t elements = hni_view_elements(&before[0]);
        for (int v = 0; v < count; v++) {
            assert_int_equal(hni_view_elements(&after[v]), elements);
            assert_true(after[v].rank >= 1 && after[v].rank == after[0].rank);
            for (int64_t index = 0; index < elements; index++)
                assert_int_equal(offset_of(&after[v], index), offset_of(&before[v], index));
        }
        /* Nothing is left to merge or drop. */
        for (int i = 0; i < after[0].rank; i++) {
            assert_true(after[0].size[i] > 1 || after[0].rank == 1);
            bool mergeable = i > 0;
            for (int v = 0; v < count && mergeable; v++)
                mergeable = after[v].stride[i - 1] == after[v].stride[i] * after[v].size[i];
            assert_false(mergeable);
        }
        shorter += after[0].rank < rank;
    }
    assert_true(shorter > 1000 && shorter < 5000);
}

static void test_collapse_known(void **state)
{
    (void)state;
    hni_view views[2];
    views[0] = hni_view_of(NULL, HN_DTYPE_F32, HN_SHAPE4(2, 3, 4, 5));
    views[1] = views[0];
    hni_views_collapse(views, 2);
    assert_int_equal(views[0].rank, 1);
    assert_int_equal(views[1].size[0], 120);
    assert_int_equal(views[1].stride[0], 1);

    /* [6,4] + [4]: the row is repeated, so two loops stay. */
    views[0] = hni_view_of(NULL, HN_DTYPE_F32, HN_SHAPE3(2, 3, 4));
    const hni_view row = hni_view_of(NULL, HN_DTYPE_F32, HN_SHAPE1(4));
    assert_true(hni_view_broadcast(&row, HN_SHAPE3(2, 3, 4), &views[1]));
    hni_views_collapse(views, 2);
    assert_int_equal(views[0].rank, 2);
    assert_int_equal(views[0].size[0], 6);
    assert_int_equal(views[1].stride[0], 0);
    assert_int_equal(views[1].stride[1], 1);

    views[0] = hni_view_of(NULL, HN_DTYPE_F32, HN_SCALAR());
    hni_views_collapse(views, 1);
    assert_int_equal(views[0].rank, 1);
    assert_int_equal(views[0].size[0], 1);
    views[0] = hni_view_of(NULL, HN_DTYPE_F32, HN_SHAPE3(1, 1, 1));
    hni_views_collapse(views, 1);
    assert_int_equal(views[0].rank, 1);
    assert_int_equal(views[0].size[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_major),          cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_contiguity),         cmocka_unit_test(test_broadcast_of_shapes),
        cmocka_unit_test(test_broadcast_of_views), cmocka_unit_test(test_collapse_by_walking),
        cmocka_unit_test(test_collapse_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
