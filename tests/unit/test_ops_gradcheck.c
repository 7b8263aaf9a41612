/* Gradcheck of every op, that it can fail, and that no row of ops.def is without cases. */
#include <float.h>
#include <math.h>

#include "graph/gradcheck_cases.h"
#include "test_support.h"

typedef struct bench {
    hn_context *context;
    hn_graph *graph;
} bench;

static int open_bench(void **state)
{
    static bench b;
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    assert_int_equal(hn_graph_create(b.context, &options, &b.graph), HN_OK);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    hn_graph_destroy(b->graph);
    assert_int_equal(hn_context_memory(b->context), 0);
    hn_context_destroy(b->context);
    return 0;
}

static hni_gradcheck_report run(bench *b, const hni_gradcheck_case *test)
{
    hni_gradcheck_report report;
    const hn_status status = hni_gradcheck_run(b->graph, test, &report);
    if (status != HN_OK) fail_msg("%s: %s", test->name, hn_context_error(b->context)->text);
    return report;
}

static const char *op_name(const hni_gradcheck_case *test) { return hni_op_find(test->op)->name; }

/* ---- green ---- */

static void test_every_case_is_green(void **state)
{
    const hni_gradcheck_case *test;
    int failures = 0;
    for (int64_t i = 0; (test = hni_gradcheck_at(i)) != NULL; i++) {
        const hni_gradcheck_report report = run(*state, test);
        assert_true(report.passed == (report.failure[0] == '\0'));
        if (report.passed) continue;
        print_error("%s: %s: %s\n", op_name(test), test->name, report.failure);
        failures++;
    }
    assert_int_equal(failures, 0);
}

static bool has_vanishing(const hni_gradcheck_case *test)
{
    for (int i = 0; i < hni_gradcheck_input_count(test); i++) {
        if (test->inputs[i].kind == HNI_GRADCHECK_VANISHING) return true;
    }
    return false;
}

static bool is_differentiable(const hni_op_spec *spec, int input)
{
    return spec->inputs == HNI_VARIADIC || (spec->differentiable >> input & 1u) != 0;
}

/* Ops without any gradient: nobody may hide here. */
static bool is_for_evaluation(hni_op op)
{
    return op == HNI_OP_SYMBOL_BITS || op == HNI_OP_GATHER_WINDOWS || op == HNI_OP_GATHER_IMAGES ||
           op == HNI_OP_BATCH_STATISTICS;
}

static void test_every_op_has_cases(void **state)
{
    (void)state;
    for (int op = 0; op < HNI_OP_COUNT; op++) {
        const hni_op_spec *spec = hni_op_find((hni_op)op);
        const hni_gradcheck_case *test;
        int cases = 0;
        for (int64_t i = 0; (test = hni_gradcheck_at(i)) != NULL; i++)
            cases += (int)test->op == op;
        assert_true((spec->differentiable == 0) == is_for_evaluation(spec->op));
        if (spec->differentiable != 0 && cases < 2)
            fail_msg("ops.def has %s, gradcheck has %d cases of it", spec->name, cases);
    }
    assert_null(hni_op_find(HNI_OP_COUNT));
}

static void test_names_are_unique(void **state)
{
    const hni_gradcheck_case *a, *b;
    (void)state;
    for (int64_t i = 0; (a = hni_gradcheck_at(i)) != NULL; i++) {
        for (int64_t k = 0; k < i; k++) {
            b = hni_gradcheck_at(k);
            if (a->op == b->op && strcmp(a->name, b->name) == 0) fail_msg("two cases %s: %s", op_name(a), a->name);
        }
    }
}

/* ---- red: the VJP of each (op, input) negated, doubled, taken away ---- */

#ifdef HNI_TEST_HOOKS
/* A case of a fused op hands its own inputs on in their order. */
static bool is_checked(const hni_gradcheck_case *test, int input)
{
    return input < hni_gradcheck_input_count(test) && test->inputs[input].kind == HNI_GRADCHECK_CHECKED;
}

/* Inputs that some case of the op has. */
static int most_inputs(const hni_op_spec *spec)
{
    const hni_gradcheck_case *test;
    int most = 0;
    if (spec->inputs != HNI_VARIADIC) return spec->inputs;
    if (spec->kind != HNI_OP_KIND_FUSED) return 3; /* all alike */
    for (int64_t i = 0; (test = hni_gradcheck_at(i)) != NULL; i++) {
        if (test->op != spec->op) continue;
        int count = hni_gradcheck_input_count(test);
        while (count > 0 && test->inputs[count - 1].kind != HNI_GRADCHECK_CHECKED)
            count--;
        if (count > most) most = count;
    }
    return most;
}

/* Number of cases that were run; each must have gone red. */
static int mutate(bench *b, hni_op op, int input, double factor)
{
    const hni_gradcheck_case *test;
    int runs = 0;
    for (int64_t i = 0; (test = hni_gradcheck_at(i)) != NULL; i++) {
        if (test->op != op || has_vanishing(test)) continue;
        const hni_op_spec *spec = hni_op_find(op);
        if (spec->kind == HNI_OP_KIND_FUSED && !is_checked(test, input)) continue;
        if (spec->inputs == HNI_VARIADIC && input >= hni_gradcheck_input_count(test)) continue;
        b->graph->mutation = (hni_mutation){.on = true, .op = op, .input = input, .factor = factor};
        const hni_gradcheck_report report = run(b, test);
        b->graph->mutation.on = false;
        runs++;
        if (report.passed) {
            fail_msg("%s: %s stays green although the gradient of input %d is multiplied by %g", op_name(test),
                     test->name, input, factor);
        }
    }
    return runs;
}

static void test_every_false_gradient_is_red(void **state)
{
    static const double factors[] = {-1, 2, 0};
    for (int op = 0; op < HNI_OP_COUNT; op++) {
        const hni_op_spec *spec = hni_op_find((hni_op)op);
        const int inputs = most_inputs(spec);
        for (int input = 0; input < inputs; input++) {
            if (!is_differentiable(spec, input)) continue;
            for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
                if (mutate(*state, spec->op, input, factors[f]) == 0)
                    fail_msg("no case of %s reaches input %d", spec->name, input);
            }
        }
    }
}

/* Inputs from the 32nd on have no bit in ops.def's sets. */
static void test_false_gradient_of_a_late_part(void **state)
{
    bench *b = *state;
    const hni_gradcheck_case *test;
    for (int64_t i = 0; (test = hni_gradcheck_at(i)) != NULL; i++) {
        if (test->op == HNI_OP_CONCAT && strcmp(test->name, "many parts") == 0) break;
    }
    assert_non_null(test);
    b->graph->mutation = (hni_mutation){.on = true, .op = HNI_OP_CONCAT, .input = 35, .factor = 2};
    const hni_gradcheck_report report = run(b, test);
    b->graph->mutation.on = false;
    assert_false(report.passed);
    assert_int_equal(report.compared, 2 + 6);
}

/* A tolerance relative to an infinite number would let it pass. */
static void test_infinite_gradients_are_red(void **state)
{
    const double factors[] = {HUGE_VAL, -HUGE_VAL, nan("")};
    bench *b = *state;
    for (int i = 0; i < 3; i++) {
        b->graph->mutation = (hni_mutation){.on = true, .op = HNI_OP_TANH, .factor = factors[i]};
        const hni_gradcheck_case *test;
        for (int64_t k = 0; (test = hni_gradcheck_at(k)) != NULL; k++) {
            if (test->op != HNI_OP_TANH) continue;
            const hni_gradcheck_report report = run(b, test);
            assert_false(report.passed);
            assert_true(report.worst == DBL_MAX);
        }
        b->graph->mutation.on = false;
    }
}

static void test_factor_one_changes_nothing(void **state)
{
    bench *b = *state;
    const hni_gradcheck_case *test;
    for (int64_t i = 0; (test = hni_gradcheck_at(i)) != NULL; i++) {
        b->graph->mutation = (hni_mutation){.on = true, .op = test->op, .factor = 1};
        const hni_gradcheck_report report = run(b, test);
        b->graph->mutation.on = false;
        if (!report.passed) fail_msg("%s: %s: %s", op_name(test), test->name, report.failure);
    }
}
#endif

/* ---- red: functions whose backward is another one's ---- */

/* x * (a copy of x's numbers): twice the gradient that the tape knows. */
static hn_tensor square_with_half_a_gradient(hn_graph *g, const hn_tensor *x, const void *user)
{
    double numbers[6];
    (void)user;
    if (hn_tensor_read(g, x[0], HN_DTYPE_F64, 6, numbers) != HN_OK) return HN_NO_TENSOR;
    return hn_mul(g, x[0], hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE2(2, 3), numbers, false));
}

/* The same, wrong by two parts in a million. */
static hn_tensor slightly_wrong(hn_graph *g, const hn_tensor *x, const void *user)
{
    return hn_add(g, hn_scale(g, x[0], 1, 0), hn_scale(g, square_with_half_a_gradient(g, x, user), 1e-5, 0));
}

static hn_tensor not_a_number(hn_graph *g, const hn_tensor *x, const void *user)
{
    const double nan_value = nan("");
    (void)user;
    return hn_mul(g, x[0], hn_tensor_from(g, HN_DTYPE_F64, HN_SCALAR(), &nan_value, false));
}

BUILD(nothing, hn_scale(g, x[0], 0, 1))
BUILD(tiny, hn_scale(g, x[0], 1e-4, 0))
BUILD(square, hn_mul(g, x[0], x[0]))
BUILD(wrong_shapes, hn_add(g, x[0], x[1]))

static const hni_gradcheck_case made_up[] = {
    {HNI_OP_COUNT, "half a gradient", square_with_half_a_gradient, INPUTS(X(2, 3)), NULL},
    {HNI_OP_COUNT, "slightly wrong", slightly_wrong, INPUTS(X(2, 3)), NULL},
    {HNI_OP_COUNT, "not a number", not_a_number, INPUTS(X(2, 3)), NULL},
    {HNI_OP_COUNT, "0 = 0", nothing, INPUTS(X(2, 3)), NULL},
    {HNI_OP_COUNT, "too small to see", tiny, INPUTS(X(2, 3)), NULL},
    {HNI_OP_COUNT, "does not vanish", square, INPUTS(VANISHING(2, 3)), NULL},
};

static void test_wrong_pairs_are_red(void **state)
{
    static const char *const expected[] = {"backward gives",         "backward gives",         "nan",
                                           "no difference is above", "no difference is above", "should vanish"};
    bench *b = *state;
    for (size_t i = 0; i < sizeof made_up / sizeof made_up[0]; i++) {
        const hni_gradcheck_report report = run(b, &made_up[i]);
        if (report.passed) fail_msg("%s is green", made_up[i].name);
        assert_non_null(strstr(report.failure, expected[i]));
        if (i == 2) assert_true(report.worst == DBL_MAX);
    }
}

static void refused(bench *b, const hni_gradcheck_case *test, hn_status expected, const char *part)
{
    hni_gradcheck_report report;
    hn_context_clear(b->context);
    assert_int_equal(hni_gradcheck_run(b->graph, test, &report), expected);
    assert_non_null(strstr(hn_context_error(b->context)->text, part));
    hn_context_clear(b->context);
}

static void test_what_cannot_be_run(void **state)
{
    const hni_gradcheck_case too_large = {HNI_OP_MUL, "too large", square, INPUTS(X(7, 143, 1)), NULL};
    const hni_gradcheck_case bad_shapes = {HNI_OP_ADD, "bad shapes", wrong_shapes, INPUTS(X(2, 3), X(2, 4)), NULL};
    const hni_gradcheck_case unchecked = {HNI_OP_MUL, "unchecked", square, INPUTS(CONSTANT(2, 3)), NULL};
    const hni_gradcheck_case no_shape = {HNI_OP_ADD, "no shape", square, INPUTS(X(2, 0)), NULL};
    bench *b = *state;
    refused(b, &too_large, HN_ERROR_ARGUMENT, "1001 outputs");
    refused(b, &bad_shapes, HN_ERROR_SHAPE, "add: b [2,4] does not broadcast with [2,3]");
    refused(b, &unchecked, HN_ERROR_ARGUMENT, "no input is checked");
    refused(b, &no_shape, HN_ERROR_SHAPE, "input 0");

    hn_graph *real = b->graph;
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F32};
    assert_int_equal(hn_graph_create(b->context, &options, &b->graph), HN_OK);
    refused(b, &made_up[0], HN_ERROR_ARGUMENT, "F64");
    hn_graph_destroy(b->graph);
    b->graph = real;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_is_green),
        cmocka_unit_test(test_every_op_has_cases),
        cmocka_unit_test(test_names_are_unique),
#ifdef HNI_TEST_HOOKS
        cmocka_unit_test(test_every_false_gradient_is_red),
        cmocka_unit_test(test_false_gradient_of_a_late_part),
        cmocka_unit_test(test_infinite_gradients_are_red),
        cmocka_unit_test(test_factor_one_changes_nothing),
#endif
        cmocka_unit_test(test_wrong_pairs_are_red),
        cmocka_unit_test(test_what_cannot_be_run),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
