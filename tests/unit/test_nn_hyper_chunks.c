/* The general generator and the one from coordinates: numbers of parameters, variance of what is generated at the start, tasks, weights
 * a sample, any model, memory, and the messages. That numbers and gradients are right is for the golden files and gradcheck. */
#include <math.h>

#include "hypernet/hypernet.h"
#include "test_store.h"

/* A graph to compute on, once everything is declared. */
typedef struct bench {
    test_store s;
    hn_graph *graph;
    hn_weights *weights;
} bench;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->s.context)->text);
}

static void open_bench(bench *b) { test_store_open(&b->s, 1); }

static void compute(bench *b, uint64_t seed)
{
    test_store_seal(&b->s, HN_BACKEND_GENERIC, HN_DTYPE_F64, seed);
    b->graph = test_graph_create(b->s.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    ok(b, hn_weights_create(b->graph, b->s.store, &b->weights));
}

static void close_bench(bench *b)
{
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
    test_store_close(&b->s);
}

static void read_weight(const bench *b, const char *name, hn_shape shape, double *out)
{
    const hn_tensor made = hn_weights_get(b->weights, name, shape, hn_init_zeros());
    ok(b, hn_graph_status(b->graph));
    ok(b, hn_tensor_read(b->graph, made, HN_DTYPE_F64, hn_shape_elements(hn_tensor_shape(b->graph, made)), out));
}

static double mean_of(const double *values, int64_t count, double about, int power)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += power == 1 ? values[i] : (values[i] - about) * (values[i] - about);
    return sum / (double)count;
}

/* ---- chunks ---- */

static hn_chunk_generator generator_of(int hidden_layers, hn_activation activation)
{
    hn_chunk_generator generator;
    hn_chunk_generator_default(&generator);
    generator.chunk_size = 100;
    generator.hidden_layers = hidden_layers;
    generator.activation = activation;
    return generator;
}

/* 950 + 30 + 1 numbers in chunks of 100: ten of them. */
#define TARGETS                                                                                  \
    {                                                                                            \
        {"m", HN_SHAPE2(38, 25), 0, 0}, {"v", HN_SHAPE1(30), 0.5, 3}, { "s", HN_SCALAR(), 0, 0 } \
    }

static void chunks_have_their_counts(void **state)
{
    const hn_chunk_target targets[] = TARGETS;
    hn_chunk_generator generator = generator_of(2, HN_ACTIVATION_RELU);
    const hn_chunk_inputs inputs = {.task = 2};
    bench b;
    (void)state;
    open_bench(&b);
    ok(&b, hn_generate_chunks(b.s.declarer, "g", &generator, targets, 3, NULL));
    const int64_t own = 8 * 32 + 32 + 32 * 32 + 32 + 32 * 100 + 100;
    assert_int_equal(hn_store_elements(b.s.store), 10 * 8 + own);
    generator.tasks = 5;
    ok(&b, hn_generate_chunks(b.s.declarer, "h", &generator, targets, 3, &inputs));
    assert_int_equal(hn_store_elements(b.s.store), 2 * (10 * 8 + own) + 5 * 8 + 8 * 32);
    test_store_close(&b.s);
}

/* Mean and variance of what each target gets over some seeds. */
static void check_start(const hn_chunk_generator *generator, const hn_chunk_inputs *inputs)
{
    const hn_chunk_target targets[] = TARGETS;
    const double expected[2] = {1.0 / 25, 0.25}, about[2] = {0, 3};
    static double values[2][950];
    double mean[2] = {0}, square[2] = {0};
    const int seeds = 150;
    for (int seed = 0; seed < seeds; seed++) {
        bench b;
        open_bench(&b);
        ok(&b, hn_generate_chunks(b.s.declarer, "g", generator, targets, 3, inputs));
        compute(&b, (uint64_t)seed);
        ok(&b, hn_generate_chunks(b.weights, "g", generator, targets, 3, inputs));
        for (int i = 0; i < 2; i++) {
            const int64_t count = hn_shape_elements(targets[i].shape);
            read_weight(&b, targets[i].name, targets[i].shape, values[i]);
            mean[i] += mean_of(values[i], count, 0, 1) / seeds;
            square[i] += mean_of(values[i], count, about[i], 2) / seeds;
        }
        close_bench(&b);
    }
    for (int i = 0; i < 2; i++) {
        assert_close(mean[i], about[i], 0, 0.05 * sqrt(expected[i]));
        assert_close(square[i] / expected[i], 1, 0, 0.12);
    }
}

static void chunks_start_with_their_variance(void **state)
{
    hn_chunk_generator generator = generator_of(0, HN_ACTIVATION_RELU);
    (void)state;
    check_start(&generator, NULL);
    generator = generator_of(2, HN_ACTIVATION_RELU);
    check_start(&generator, NULL);
    generator = generator_of(2, HN_ACTIVATION_TANH);
    check_start(&generator, NULL);
    generator.tasks = 3;
    check_start(&generator, &(hn_chunk_inputs){.task = 1});
}

/* Tasks differ in their weights; the gradient of one task moves nothing of another. */
static void tasks_have_weights_of_their_own(void **state)
{
    const hn_chunk_target target = {"m", HN_SHAPE2(38, 25), 0, 0};
    hn_chunk_generator generator = generator_of(1, HN_ACTIVATION_RELU);
    static double values[2][950];
    double gradient[3 * 8];
    bench b;
    (void)state;
    generator.tasks = 3;
    open_bench(&b);
    ok(&b, hn_generate_chunks(b.s.declarer, "g", &generator, &target, 1, &(hn_chunk_inputs){.task = 0}));
    compute(&b, 1);
    for (int task = 0; task < 2; task++) {
        hn_graph_reset(b.graph);
        ok(&b, hn_store_zero_gradients(b.s.store));
        ok(&b, hn_generate_chunks(b.weights, "g", &generator, &target, 1, &(hn_chunk_inputs){.task = task}));
        const hn_tensor made = hn_weights_get(b.weights, "m", target.shape, hn_init_zeros());
        read_weight(&b, "m", target.shape, values[task]);
        ok(&b, hn_backward(b.graph, hn_sum(b.graph, hn_mul(b.graph, made, made), HN_ALL_AXES, false)));
        ok(&b, hn_store_gradient_read(b.s.store, hn_store_find(b.s.store, "g.tasks"), HN_DTYPE_F64, 3 * 8, gradient));
        for (int other = 0; other < 3; other++) {
            const double size = mean_of(gradient + (ptrdiff_t)8 * other, 8, 0, 2);
            assert_true(other == task ? size > 1e-12 : size <= 0);
        }
    }
    double apart = 0;
    for (int i = 0; i < 950; i++)
        apart += fabs(values[0][i] - values[1][i]) / 950;
    assert_true(apart > 0.01);
    close_bench(&b);
}

/* A row of a condition [B,Q] makes what that condition alone makes, and a linear layer takes one matrix a sample. */
static void conditions_make_weights_a_sample(void **state)
{
    enum { B = 3, Q = 4, O = 5, I = 6 };
    const hn_chunk_target targets[] = {{"layer.weight", HN_SHAPE2(O, I), 1, 0}, {"layer.bias", HN_SHAPE1(O), 1, 0}};
    const hn_chunk_generator generator = generator_of(1, HN_ACTIVATION_TANH);
    double q[B * Q], x[B * I], together[B * O], alone[O];
    bench b;
    (void)state;
    for (int i = 0; i < B * Q; i++)
        q[i] = sin(3.0 * i);
    for (int i = 0; i < B * I; i++)
        x[i] = cos(2.0 * i);
    open_bench(&b);
    const hn_tensor dry = hn_tensor_from(b.s.dry, HN_DTYPE_F64, HN_SHAPE1(Q), q, false);
    ok(&b, hn_generate_chunks(b.s.declarer, "g", &generator, targets, 2, &(hn_chunk_inputs){.condition = dry}));
    compute(&b, 1);
    hn_chunk_inputs inputs = {.condition = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE2(B, Q), q, false)};
    ok(&b, hn_generate_chunks(b.weights, "g", &generator, targets, 2, &inputs));
    const hn_tensor all = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE2(B, I), x, false);
    ok(&b,
       hn_tensor_read(b.graph, hn_linear(b.weights, "layer", all, O, hn_init_zeros()), HN_DTYPE_F64, B * O, together));
    for (int row = 0; row < B; row++) {
        inputs.condition = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE1(Q), q + (ptrdiff_t)Q * row, false);
        ok(&b, hn_generate_chunks(b.weights, "g", &generator, targets, 2, &inputs));
        const hn_tensor one = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE2(1, I), x + (ptrdiff_t)I * row, false);
        ok(&b, hn_tensor_read(b.graph, hn_linear(b.weights, "layer", one, O, hn_init_zeros()), HN_DTYPE_F64, O, alone));
        assert_all_close_double(together + (ptrdiff_t)O * row, alone, O, 1e-13);
    }
    close_bench(&b);
}

/* A language model whose recurrent matrix is generated: the same loss as with that matrix stored, and far fewer numbers. */
static void a_recurrent_matrix_is_generated(void **state)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    const int32_t symbols[6] = {1, 0, 3, 2, 2, 0}, targets[6] = {0, 3, 2, 2, 0, 1};
    hn_chunk_generator generator;
    hn_language_model model;
    double losses[2];
    bench b;
    (void)state;
    hn_chunk_generator_default(&generator);
    generator.chunk_size = 128;
    hn_language_model_default(&model);
    model.vocabulary_size = 4;
    model.cell.units = 16;
    const hn_chunk_target target = {"layers.0.weight_h", HN_SHAPE2(64, 16), 0, 0};
    double *matrix = malloc(64 * 16 * sizeof *matrix);
    assert_non_null(matrix);
    open_bench(&b);
    hn_store *whole;
    hn_weights *plain;
    ok(&b, hn_store_create(b.s.context, &whole));
    ok(&b, hn_language_model_declare(whole, &model));
    for (int pass = 0; pass < 2; pass++) { /* on the dry graph, then on one that computes */
        if (pass == 1) compute(&b, 1);
        hn_weights *weights = pass == 0 ? b.s.declarer : b.weights;
        hn_graph *graph = hn_weights_graph(weights);
        const hn_tensor start = hn_tensor_from(graph, f64.dtype, HN_SHAPE2(1, 32), NULL, false);
        const hn_window window = {.symbols = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, 6), symbols, false),
                                  .targets = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, 6), targets, false)};
        ok(&b, hn_generate_chunks(weights, "generator", &generator, &target, 1, NULL));
        const hn_language_result result = hn_language_run(weights, &model, &window, &start, NULL);
        ok(&b, hn_graph_status(graph));
        if (pass == 0) continue;
        read_weight(&b, target.name, target.shape, matrix);
        ok(&b, hn_tensor_read(graph, result.loss, HN_DTYPE_F64, 1, &losses[0]));
        ok(&b, hn_store_seal(whole, graph, 1));
        ok(&b, hn_store_write(whole, hn_store_find(whole, target.name), HN_DTYPE_F64, 64 * 16, matrix));
        ok(&b, hn_weights_create(graph, whole, &plain)); /* the same seed: all else starts alike */
        ok(&b, hn_tensor_read(graph, hn_language_run(plain, &model, &window, &start, NULL).loss, HN_DTYPE_F64, 1,
                              &losses[1]));
        hn_weights_destroy(plain);
    }
    assert_close(losses[0], losses[1], 0, 0);
    assert_int_equal(hn_store_find(b.s.store, target.name), -1);
    hn_store_destroy(whole);
    free(matrix);
    close_bench(&b);
}

static void refuses_chunks(hn_chunk_generator generator, hn_chunk_target target, const hn_chunk_inputs *inputs,
                           hn_status expected, const char *a, const char *text)
{
    bench b;
    open_bench(&b);
    assert_int_equal(hn_generate_chunks(b.s.declarer, "g", &generator, &target, 1, inputs), expected);
    assert_int_equal(hn_graph_status(b.s.dry), expected);
    test_assert_error(b.s.context, expected, "chunk generator", a, text, NULL);
    assert_int_equal(hn_store_count(b.s.store), 0);
    test_store_close(&b.s);
}

static void chunks_refuse(void **state)
{
    const hn_chunk_generator good = generator_of(1, HN_ACTIVATION_RELU);
    const hn_chunk_target target = {"m", HN_SHAPE2(3, 2), 0, 0};
    hn_chunk_generator bad = good;
    bench b;
    (void)state;
    bad.chunk_size = 0;
    refuses_chunks(bad, target, NULL, HN_ERROR_ARGUMENT, "chunk_size is 0", "between 1 and");
    bad = good;
    bad.hidden_layers = 17;
    refuses_chunks(bad, target, NULL, HN_ERROR_ARGUMENT, "hidden_layers is 17", "between 0 and 16");
    bad = good;
    bad.activation = (hn_activation)2;
    refuses_chunks(bad, target, NULL, HN_ERROR_ARGUMENT, "activation number 2", "");
    bad = good;
    bad.tasks = 2;
    refuses_chunks(bad, target, NULL, HN_ERROR_ARGUMENT, "2 tasks", "say which one");
    refuses_chunks(bad, target, &(hn_chunk_inputs){.task = 2}, HN_ERROR_ARGUMENT, "no task 2", "from 0");
    refuses_chunks(good, target, &(hn_chunk_inputs){.task = -1}, HN_ERROR_ARGUMENT, "no task -1", "");
    refuses_chunks(good, target, &(hn_chunk_inputs){.task = 1}, HN_ERROR_ARGUMENT, "no task 1", "it has 0");
    refuses_chunks(good, (hn_chunk_target){"", target.shape, 0, 0}, NULL, HN_ERROR_ARGUMENT, "no name", "");
    refuses_chunks(good, (hn_chunk_target){"m", HN_SHAPE2(3, 0), 0, 0}, NULL, HN_ERROR_SHAPE, "\"m\" [3,0]", "below 1");
    refuses_chunks(good, (hn_chunk_target){"m", target.shape, -1, 0}, NULL, HN_ERROR_ARGUMENT, "deviation -1", "");
    refuses_chunks(good, (hn_chunk_target){"m", target.shape, 1, (double)NAN}, NULL, HN_ERROR_ARGUMENT, "nan", "");
    refuses_chunks(good, (hn_chunk_target){"m", HN_SHAPE1(INT64_MAX - 5), 0, 0}, NULL, HN_ERROR_SHAPE, "counted", "");
    open_bench(&b);
    const hn_tensor cube = hn_tensor_from(b.s.dry, HN_DTYPE_F32, HN_SHAPE3(2, 2, 2), NULL, false);
    assert_int_equal(hn_generate_chunks(b.s.declarer, "g", &good, &target, 1, &(hn_chunk_inputs){.condition = cube}),
                     HN_ERROR_SHAPE);
    test_assert_error(b.s.context, HN_ERROR_SHAPE, "condition is [2,2,2]", "[Q] or [B,Q]", NULL);
    hn_graph_reset(b.s.dry);
    const hn_chunk_target wide = {
        "m", hn_shape_of(6, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)2), 0, 0};
    const hn_tensor rows = hn_tensor_from(b.s.dry, HN_DTYPE_F32, HN_SHAPE2(2, 2), NULL, false);
    assert_int_equal(hn_generate_chunks(b.s.declarer, "g", &good, &wide, 1, &(hn_chunk_inputs){.condition = rows}),
                     HN_ERROR_SHAPE);
    test_assert_error(b.s.context, HN_ERROR_SHAPE, "\"m\"", "batch of a condition", NULL);
    test_store_close(&b.s);
}

/* ---- coordinates ---- */

static void coordinates_have_their_counts(void **state)
{
    const hn_coordinate_target target = {"hidden.weight", {28, 28}, {16, 16}};
    hn_coordinate_generator generator;
    bench b;
    (void)state;
    hn_coordinate_generator_default(&generator);
    open_bench(&b);
    ok(&b, hn_generate_from_coordinates(b.s.declarer, "generator", &generator, &target));
    assert_int_equal(hn_store_elements(b.s.store), 801);
    const hn_tensor made = hn_weights_get(b.s.declarer, "hidden.weight", HN_SHAPE2(256, 784), hn_init_zeros());
    assert_int_equal(hn_shape_elements(hn_tensor_shape(b.s.dry, made)), 200704);
    /* Five blocks of a row of 25 floats a weight, and little more. */
    assert_true(hn_graph_peak_bytes(b.s.dry) < (int64_t)200704 * 25 * 4 * 55 / 10);
    generator.frequencies = 3;
    ok(&b, hn_generate_from_coordinates(b.s.declarer, "features", &generator, &target));
    assert_int_equal(hn_store_elements(b.s.store), 801 + (801 - 4 * 25 + 24 * 25));
    test_store_close(&b.s);
}

/* Neighbouring weights are alike, so the variance is that over many starts. */
static void coordinates_start_with_their_variance(void **state)
{
    const hn_coordinate_target target = {"m", {6, 7}, {3, 2}};
    enum { NUMBERS = 6 * 42 };
    const double expected[3] = {0, 2.0 / 42, 2.0 / 6};
    static double values[NUMBERS];
    hn_coordinate_generator generator;
    (void)state;
    hn_coordinate_generator_default(&generator);
    for (int start = HN_GENERATOR_START_HYPERFAN_IN; start <= HN_GENERATOR_START_HYPERFAN_OUT; start++) {
        const int seeds = 600;
        double square = 0;
        generator.start = (hn_generator_start)start;
        generator.frequencies = start == HN_GENERATOR_START_HYPERFAN_OUT ? 2 : 0;
        for (int seed = 0; seed < seeds; seed++) {
            bench b;
            open_bench(&b);
            ok(&b, hn_generate_from_coordinates(b.s.declarer, "g", &generator, &target));
            compute(&b, (uint64_t)seed);
            ok(&b, hn_generate_from_coordinates(b.weights, "g", &generator, &target));
            read_weight(&b, "m", HN_SHAPE2(6, 42), values);
            square += mean_of(values, NUMBERS, 0, 2) / seeds;
            close_bench(&b);
        }
        assert_close(square / expected[start], 1, 0, 0.15);
    }
}

static void refuses_coordinates(hn_coordinate_generator generator, hn_coordinate_target target, const char *text)
{
    bench b;
    open_bench(&b);
    assert_int_equal(hn_generate_from_coordinates(b.s.declarer, "g", &generator, &target), HN_ERROR_ARGUMENT);
    test_assert_error(b.s.context, HN_ERROR_ARGUMENT, "coordinate generator", text, NULL);
    assert_int_equal(hn_store_count(b.s.store), 0);
    test_store_close(&b.s);
}

static void coordinates_refuse(void **state)
{
    const hn_coordinate_target target = {"m", {28, 28}, {16, 16}};
    hn_coordinate_generator bad;
    bench b;
    (void)state;
    hn_coordinate_generator_default(&bad);
    refuses_coordinates(bad, (hn_coordinate_target){"m", {28, 0}, {16, 16}}, "width of the inputs is 0");
    refuses_coordinates(bad, (hn_coordinate_target){"m", {28, 28}, {-1, 16}}, "height of the outputs is -1");
    refuses_coordinates(bad, (hn_coordinate_target){NULL, {28, 28}, {16, 16}}, "no name");
    bad.hidden_layers = 0;
    refuses_coordinates(bad, target, "hidden_layers is 0, it must be between 1 and 16");
    hn_coordinate_generator_default(&bad);
    bad.frequencies = 17;
    refuses_coordinates(bad, target, "frequencies is 17");
    hn_coordinate_generator_default(&bad);
    bad.start = (hn_generator_start)-1;
    refuses_coordinates(bad, target, "start number -1");
    hn_coordinate_generator_default(&bad);
    open_bench(&b); /* more weights than can be counted */
    const hn_coordinate_target huge = {"m", {65536, 65536}, {65536, 65536}};
    assert_int_equal(hn_generate_from_coordinates(b.s.declarer, "g", &bad, &huge), HN_ERROR_SHAPE);
    test_assert_error(b.s.context, HN_ERROR_SHAPE, "coordinate generator", "counted", NULL);
    test_store_close(&b.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_have_their_counts),
        cmocka_unit_test(chunks_start_with_their_variance),
        cmocka_unit_test(tasks_have_weights_of_their_own),
        cmocka_unit_test(conditions_make_weights_a_sample),
        cmocka_unit_test(a_recurrent_matrix_is_generated),
        cmocka_unit_test(chunks_refuse),
        cmocka_unit_test(coordinates_have_their_counts),
        cmocka_unit_test(coordinates_start_with_their_variance),
        cmocka_unit_test(coordinates_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
