/* Philox against the published answers and against numbers from a Python program; uniform and normal numbers; site names. */
#include <math.h>

#include "core/rng.h"
#include "test_support.h"

/* kat_vectors of Random123, philox 4x32 with 10 rounds. */
static void test_published_answers(void **state)
{
    (void)state;
    const struct {
        uint32_t counter[4], key[2], words[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t words[4];
        memcpy(words, cases[i].counter, sizeof words);
        hni_philox(words, (uint64_t)cases[i].key[1] << 32 | cases[i].key[0]);
        for (int k = 0; k < 4; k++)
            assert_int_equal(words[k], cases[i].words[k]);
    }
}

/* Which part of the key goes into which word. */
static void test_layout_of_key_and_counter(void **state)
{
    (void)state;
    const hni_rng_key key = {.seed = UINT64_C(0x0123456789abcdef), .step = 7, .site = 0xdeadbeef};
    const uint32_t first[4] = {0x4897c546, 0xfaa24806, 0x74842c2f, 0x3aca7766};
    const uint32_t far[4] = {0xd45880ab, 0x0715c63f, 0xd4fa415a, 0x921c3f9b};
    const uint64_t far_block = (UINT64_C(1) << 32) + 5;
    for (uint64_t k = 0; k < 4; k++) {
        assert_int_equal(hni_rng_word(&key, k), first[k]);
        assert_int_equal(hni_rng_word(&key, far_block * 4 + k), far[k]);
    }
}

static void test_uniform_numbers(void **state)
{
    (void)state;
    assert_true(hni_rng_unit(0) >= 0.0 && hni_rng_unit(0) <= 0.0);
    assert_close(hni_rng_unit(UINT32_MAX), 1.0 - 0x1p-24, 0, 0);
    assert_true((double)(float)hni_rng_unit(UINT32_MAX) < 1.0);
    const hni_rng_key key = {.seed = 1, .step = 2, .site = 3};
    enum { COUNT = 100000 };
    double sum = 0, squares = 0, neighbours = 0, before = 0.5;
    for (uint64_t i = 0; i < COUNT; i++) {
        const double u = hni_rng_uniform(&key, i);
        assert_true(u >= 0 && u < 1);
        assert_close(u, (double)(float)u, 0, 0); /* exact in float */
        sum += u;
        squares += (u - 0.5) * (u - 0.5);
        neighbours += (u - 0.5) * (before - 0.5);
        before = u;
    }
    /* Five standard errors of 100,000 draws. */
    assert_close(sum / COUNT, 0.5, 0, 5 * 0.2887 / 316.2);
    assert_close(squares / COUNT, 1.0 / 12, 0, 5 * 0.0745 / 316.2);
    assert_close(neighbours / COUNT, 0.0, 0, 5 * 0.0833 / 316.2);
}

static void test_normal_numbers(void **state)
{
    (void)state;
    const hni_rng_key key = {.seed = UINT64_C(0x0123456789abcdef), .step = 7, .site = 0xdeadbeef};
    assert_close(hni_rng_normal(&key, 0), 1.5738970150086016, 1e-14, 0);
    assert_close(hni_rng_normal(&key, 1), 1.6450113695273219, 1e-14, 0);
    assert_close(hni_rng_normal(&key, 2), 1.602495790198414, 1e-14, 0);
    assert_close(hni_rng_normal(&key, 1000), 0.5835099922051525, 1e-14, 0);
    enum { COUNT = 100000 };
    double sum = 0, squares = 0, fourth = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        const double z = hni_rng_normal(&key, i);
        assert_true(isfinite(z));
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    assert_close(sum / COUNT, 0, 0, 5 / 316.2);
    assert_close(squares / COUNT, 1, 0, 5 * 1.414 / 316.2);
    assert_close(fourth / COUNT, 3, 0, 5 * 9.8 / 316.2);
}

/* FNV-1a, 32 bits: its authors' answers, and one of our own names. */
static void test_site_names(void **state)
{
    (void)state;
    assert_int_equal(hni_rng_site(""), 0x811c9dc5);
    assert_int_equal(hni_rng_site("a"), 0xe40c292c);
    assert_int_equal(hni_rng_site("foobar"), 0xbf9cf968);
    assert_int_equal(hni_rng_site("dropout layers.0.recurrent"), 0x974c6a24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_answers), cmocka_unit_test(test_layout_of_key_and_counter),
        cmocka_unit_test(test_uniform_numbers),   cmocka_unit_test(test_normal_numbers),
        cmocka_unit_test(test_site_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
