/* Parallel-for: every item once, the same even parts each time, whatever runs them; checked sizes. */
#include "core/parallel.h"
#include "core/size.h"
#include "test_support.h"

enum { MOST_PARTS = 64, MOST_ITEMS = 1000 };

/* Parts write to places of their own only. */
typedef struct record {
    int64_t begin[MOST_PARTS], end[MOST_PARTS];
    int calls[MOST_PARTS];
    unsigned char seen[MOST_ITEMS];
} record;

static void note(void *user, int64_t begin, int64_t end, int part)
{
    record *r = user;
    if (part < 0 || part >= MOST_PARTS) return;
    r->begin[part] = begin;
    r->end[part] = end;
    r->calls[part]++;
    for (int64_t i = begin; i < end && i < MOST_ITEMS; i++)
        r->seen[i]++;
}

static void check_division(int threads, int64_t count, int64_t grain)
{
    static record r;
    memset(&r, 0, sizeof r);
    hni_parallel_for(threads, count, grain, note, &r);
    int parts = 0;
    while (parts < MOST_PARTS && r.calls[parts] > 0)
        parts++;
    int64_t next = 0;
    for (int part = 0; part < MOST_PARTS; part++) {
        assert_int_equal(r.calls[part], part < parts ? 1 : 0);
        if (part >= parts) continue;
        assert_int_equal(r.begin[part], next);
        assert_true(r.end[part] > r.begin[part]);
        next = r.end[part];
        if (parts > 1) assert_true(r.end[part] - r.begin[part] >= grain);
        const int64_t difference = (r.end[0] - r.begin[0]) - (r.end[part] - r.begin[part]);
        assert_true(difference == 0 || difference == 1);
    }
    assert_int_equal(next, count > 0 ? count : 0);
    assert_true(parts <= (threads > 1 ? threads : 1));
    if (threads > 0 && count >= threads * (grain > 0 ? grain : 1)) assert_int_equal(parts, threads);
    for (int64_t i = 0; i < MOST_ITEMS; i++)
        assert_int_equal(r.seen[i], i < count ? 1 : 0);
}

static void test_every_item_once(void **state)
{
    (void)state;
    const int64_t counts[] = {-1, 0, 1, 2, 3, 7, 8, 64, 65, 999, 1000};
    const int64_t grains[] = {0, 1, 3, 100, 5000};
    for (int threads = 0; threads <= 9; threads++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            for (size_t g = 0; g < sizeof grains / sizeof grains[0]; g++)
                check_division(threads, counts[c], grains[g]);
}

typedef struct nested {
    record inner[4];
} nested;

static void divide_again(void *user, int64_t begin, int64_t end, int part)
{
    (void)begin;
    (void)end;
    hni_parallel_for(4, 100, 1, note, &((nested *)user)->inner[part]);
}

/* A runtime that gives fewer threads than wanted (as it does when nested) must not change the parts. */
static void test_parts_do_not_depend_on_threads_given(void **state)
{
    (void)state;
    static nested all;
    memset(&all, 0, sizeof all);
    hni_parallel_for(4, 4, 1, divide_again, &all);
    for (int outer = 0; outer < 4; outer++)
        for (int part = 0; part < 4; part++) {
            assert_int_equal(all.inner[outer].calls[part], 1);
            assert_int_equal(all.inner[outer].begin[part], part * 25);
        }
}

static void test_cores(void **state)
{
    (void)state;
    assert_true(hni_parallel_cores() >= 1);
    assert_true(hni_parallel_cores() < 100000);
}

static void test_checked_sizes(void **state)
{
    (void)state;
    size_t size = 0;
    assert_true(hni_size_mul(SIZE_MAX, 1, &size));
    assert_true(hni_size_mul(0, SIZE_MAX, &size) && size == 0);
    assert_true(hni_size_mul(SIZE_MAX, 0, &size) && size == 0);
    assert_false(hni_size_mul(SIZE_MAX / 2 + 1, 2, &size));
    assert_true(hni_size_add(SIZE_MAX - 1, 1, &size) && size == SIZE_MAX);
    assert_false(hni_size_add(SIZE_MAX, 1, &size));
    assert_true(hni_size_round_up(65, 64, &size) && size == 128);
    assert_true(hni_size_round_up(64, 64, &size) && size == 64);
    assert_true(hni_size_round_up(0, 64, &size) && size == 0);
    assert_false(hni_size_round_up(SIZE_MAX - 62, 64, &size));
    int64_t product = 0;
    assert_true(hni_i64_mul(INT64_MAX, 1, &product) && product == INT64_MAX);
    assert_true(hni_i64_mul(0, INT64_MAX, &product) && product == 0);
    assert_false(hni_i64_mul(INT64_C(1) << 32, INT64_C(1) << 31, &product));
    assert_false(hni_i64_mul(-1, 1, &product));
    assert_false(hni_i64_mul(1, -1, &product));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_parts_do_not_depend_on_threads_given),
        cmocka_unit_test(test_cores),
        cmocka_unit_test(test_checked_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
