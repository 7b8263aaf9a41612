/* What state each optimiser keeps, what counts as clipped, and options that are out of range or another optimiser's. Their arithmetic
 * is tested against PyTorch in tests/golden. */
#include <math.h>

#include "hypernet/optim.h"
#include "test_store.h"

#define COUNT 5

typedef struct some_numbers {
    test_store base;
    hn_optimizer *optimizer;
} some_numbers;

static void open_numbers(some_numbers *fixture, const hn_optimizer_options *options)
{
    test_store_open(&fixture->base, 1);
    test_store_declare(&fixture->base, "a", HN_SHAPE1(COUNT), hn_init_normal(1));
    test_store_seal(&fixture->base, HN_BACKEND_BEST, HN_DTYPE_F32, 3);
    assert_int_equal(hn_optimizer_create(fixture->base.store, options, &fixture->optimizer), HN_OK);
}

static void close_numbers(some_numbers *fixture)
{
    hn_optimizer_destroy(fixture->optimizer);
    test_store_close(&fixture->base);
}

static void names_of_the_state(void **state)
{
    static const struct {
        hn_optimizer_kind kind;
        double momentum;
        const char *names[3];
    } kinds[] = {{HN_OPTIMIZER_ADAMW, 0, {"adam.mean", "adam.variance", "average"}},
                 {HN_OPTIMIZER_SGD, 0, {"average", NULL, NULL}},
                 {HN_OPTIMIZER_SGD, 0.9, {"sgd.momentum", "average", NULL}},
                 {HN_OPTIMIZER_RMSPROP, 0, {"rms.square", "average", NULL}},
                 {HN_OPTIMIZER_RMSPROP, 0.9, {"rms.square", "rms.momentum", "average"}}};
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        hn_optimizer_options options;
        some_numbers fixture;
        hn_optimizer_options_default(&options);
        options.kind = kinds[k].kind;
        options.momentum = kinds[k].momentum;
        options.average_decay = 0.5;
        open_numbers(&fixture, &options);
        for (int i = 0; i < 3; i++) {
            const char *name = hn_optimizer_block_name(fixture.optimizer, i);
            if (kinds[k].names[i] == NULL) {
                assert_null(name);
            } else {
                assert_string_equal(name, kinds[k].names[i]);
            }
        }
        /* The average is moved and swapped, whichever block it is. */
        assert_int_equal(hn_optimizer_step(fixture.optimizer, 0.1, NULL), HN_OK);
        assert_int_equal(hn_optimizer_swap_average(fixture.optimizer), HN_OK);
        assert_int_equal(hn_optimizer_swap_average(fixture.optimizer), HN_OK);
        assert_null(hn_optimizer_block_name(fixture.optimizer, 3));
        close_numbers(&fixture);
    }
}

/* Clipped by value alone, by norm alone, by neither; the norm that is reported is that of the gradient as it was. */
static void what_was_clipped(void **state)
{
    static const struct {
        double value, norm;
        bool clipped;
    } cases[] = {{0, 0, false}, {2, 0, false}, {0.5, 0, true}, {0, 1, true}, {0, 100, false}, {0.5, 100, true}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double gradients[COUNT] = {0};
        hn_optimizer_options options;
        hn_step_report report;
        some_numbers fixture;
        hn_optimizer_options_default(&options);
        options.clip_value = cases[k].value;
        options.clip_norm = cases[k].norm;
        gradients[3] = 1.5;
        gradients[COUNT - 1] = -2;
        open_numbers(&fixture, &options);
        test_store_write_gradient(&fixture.base, "a", gradients);
        assert_int_equal(hn_optimizer_step(fixture.optimizer, 0.1, &report), HN_OK);
        assert_true(report.clipped == cases[k].clipped);
        assert_close(report.gradient_norm, 2.5, 1e-7, 0);
        close_numbers(&fixture);
    }
}

static void refuses_option(test_store *base, hn_optimizer_options options, const char *name)
{
    hn_optimizer *optimizer;
    assert_int_equal(hn_optimizer_create(base->store, &options, &optimizer), HN_ERROR_ARGUMENT);
    assert_null(optimizer);
    assert_string_equal(hn_context_error(base->context)->argument, name);
    test_assert_error(base->context, HN_ERROR_ARGUMENT, name, "must be", NULL);
}

static void refuses_bad_options(void **state)
{
    hn_optimizer_options good, bad;
    test_store base;
    (void)state;
    test_store_open(&base, 1);
    test_store_declare(&base, "a", HN_SHAPE1(2), hn_init_zeros());
    test_store_seal(&base, HN_BACKEND_GENERIC, HN_DTYPE_F32, 1);
    hn_optimizer_options_default(&good);
#define REFUSE(field, value) (bad = good, bad.field = (value), refuses_option(&base, bad, #field))
    REFUSE(beta1, 1);
    REFUSE(beta1, (double)NAN);
    REFUSE(beta2, -0.1);
    REFUSE(epsilon, 0);
    REFUSE(epsilon, (double)INFINITY);
    REFUSE(clip_norm, -1);
    REFUSE(clip_norm, (double)NAN);
    REFUSE(average_decay, 1);
    REFUSE(average_decay, (double)NAN);
    REFUSE(clip_value, -1);
    REFUSE(clip_value, (double)INFINITY);
    REFUSE(weight_decay, -0.1);
    REFUSE(weight_decay, (double)NAN);
    REFUSE(rms_decay, 1);
    REFUSE(momentum, 0.9); /* Adam has none */
    REFUSE(nesterov, true);
    REFUSE(kind, (hn_optimizer_kind)4);
    good.kind = HN_OPTIMIZER_SGD;
    REFUSE(momentum, 1);
    REFUSE(momentum, (double)NAN);
    REFUSE(nesterov, true); /* without a momentum */
    good.kind = HN_OPTIMIZER_RMSPROP;
    good.momentum = 0.5;
    REFUSE(nesterov, true);
#undef REFUSE
    test_store_close(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_state),
        cmocka_unit_test(what_was_clipped),
        cmocka_unit_test(refuses_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
