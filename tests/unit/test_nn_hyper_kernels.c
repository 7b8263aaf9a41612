/* The generator of kernels: numbers of parameters to the digit, variance of what is generated at the start, what replaces what, and
 * the messages. That its numbers and gradients are right is for the golden files and gradcheck. */
#include <math.h>

#include "hypernet/hypernet.h"
#include "test_store.h"

#define MNIST_KERNEL                            \
    {                                           \
        "conv2.kernel", HN_SHAPE4(16, 16, 7, 7) \
    }

/* The 36 kernels of the three groups of a wide ResNet of depth 40. */
static void wide_resnet(int64_t width, char names[36][48], hn_target targets[36])
{
    int64_t channels = 16;
    for (int i = 0; i < 36; i++) {
        const int64_t outputs = 16 * width << i / 12;
        snprintf(names[i], sizeof names[i], "groups.%d.blocks.%d.conv%d.kernel", i / 12, i % 12 / 2, i % 2 + 1);
        targets[i] = (hn_target){names[i], HN_SHAPE4(outputs, channels, 3, 3)};
        channels = outputs;
    }
}

static hn_kernel_generator generator_of(int64_t size, int64_t embedding)
{
    hn_kernel_generator generator;
    hn_kernel_generator_default(&generator);
    generator.size = size;
    generator.embedding_size = embedding;
    return generator;
}

/* Declares the generator's parameters. */
static void declare(test_store *fixture, const hn_kernel_generator *generator, const hn_target *targets, int64_t count)
{
    if (hn_generate_kernels(fixture->declarer, "generator", generator, targets, count, NULL) != HN_OK)
        fail_msg("%s", hn_context_error(fixture->context)->text);
}

static int64_t elements_of(const test_store *fixture, const char *name)
{
    const int64_t index = hn_store_find(fixture->store, name);
    return index < 0 ? 0 : hn_store_parameter(fixture->store, index)->elements;
}

/* ---- numbers of parameters ---- */

static void counts(const hn_kernel_generator *generator, const hn_target *targets, int64_t count, int64_t own,
                   int64_t embeddings)
{
    test_store fixture;
    test_store_open(&fixture, 1);
    declare(&fixture, generator, targets, count);
    assert_int_equal(elements_of(&fixture, "generator.embeddings"), embeddings * generator->embedding_size);
    assert_int_equal(hn_store_elements(fixture.store), own + embeddings * generator->embedding_size);
    test_store_close(&fixture);
}

static void the_papers_counts(void **state)
{
    const hn_target kernel = MNIST_KERNEL;
    hn_kernel_generator generator = generator_of(7, 4);
    hn_target targets[36];
    char names[36][48];
    (void)state;
    assert_int_equal(hn_shape_elements(kernel.shape), 12544);
    counts(&generator, &kernel, 1, 4240, 1); /* 4,244 with the embedding */
    generator.units = 4;
    counts(&generator, &kernel, 1, 4240, 1);
    generator.units = 10;
    counts(&generator, &kernel, 1, 16 * 10 * 5 + 7 * 7 * 16 * 11, 1);
    generator.units = 0;
    generator.linear = true;
    counts(&generator, &kernel, 1, 50176, 1);
    generator = generator_of(3, 64);
    wide_resnet(1, names, targets);
    counts(&generator, targets, 36, 75920, 242);
    wide_resnet(2, names, targets);
    counts(&generator, targets, 36, 75920, 966);
}

/* A target's name is not declared, and each target's tiles are known. */
static void targets_take_no_room(void **state)
{
    const hn_kernel_generator generator = generator_of(3, 5);
    const hn_target targets[] = {{"a", HN_SHAPE4(16, 16, 3, 3)}, {"b", HN_SHAPE4(64, 32, 3, 3)}};
    test_store fixture;
    int64_t tiles;
    (void)state;
    test_store_open(&fixture, 1);
    declare(&fixture, &generator, targets, 2);
    const hn_tensor kernel = hn_weights_get(fixture.declarer, "b", targets[1].shape, hn_init_zeros());
    assert_true(hn_shape_equal(hn_tensor_shape(fixture.dry, kernel), targets[1].shape));
    assert_int_equal(elements_of(&fixture, "a") + elements_of(&fixture, "b"), 0);
    assert_int_equal(hn_kernel_generator_tiles(fixture.context, &generator, &targets[1], &tiles), HN_OK);
    assert_int_equal(tiles, 8);
    test_store_close(&fixture);
}

/* ---- variance of generated kernels at the start ---- */

/* Mean square of each target over some seeds. */
static void mean_squares(const hn_kernel_generator *generator, const hn_target *targets, int64_t count, double *out)
{
    const int seeds = 6;
    for (int seed = 0; seed < seeds; seed++) {
        test_store fixture;
        hn_weights *weights;
        test_store_open(&fixture, 1);
        declare(&fixture, generator, targets, count);
        test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F64, (uint64_t)seed);
        hn_graph *graph = test_graph_create(fixture.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
        assert_int_equal(hn_weights_create(graph, fixture.store, &weights), HN_OK);
        assert_int_equal(hn_generate_kernels(weights, "generator", generator, targets, count, NULL), HN_OK);
        for (int64_t i = 0; i < count; i++) {
            const hn_tensor kernel = hn_weights_get(weights, targets[i].name, targets[i].shape, hn_init_zeros());
            double mean = 0;
            assert_int_equal(hn_tensor_read(graph, hn_mean(graph, hn_mul(graph, kernel, kernel), HN_ALL_AXES, false),
                                            HN_DTYPE_F64, 1, &mean),
                             HN_OK);
            out[i] += mean / seeds;
        }
        hn_weights_destroy(weights);
        hn_graph_destroy(graph);
        test_store_close(&fixture);
    }
}

enum { TARGETS = 5 };

static void check_variance(hn_kernel_generator generator)
{
    const hn_target targets[TARGETS] = {{"a", HN_SHAPE4(16, 16, 3, 3)},
                                        {"b", HN_SHAPE4(32, 16, 3, 3)},
                                        {"c", HN_SHAPE4(32, 32, 3, 3)},
                                        {"d", HN_SHAPE4(16, 64, 3, 3)},
                                        {"e", HN_SHAPE4(64, 64, 3, 3)}};
    /* E [(N(0,1) cut at 2)^2] */
    const double cut = 1 - 4 * exp(-2) / sqrt(8 * atan(1)) / erf(sqrt(2));
    const double e = (double)generator.embedding_size, d = generator.units > 0 ? (double)generator.units : e;
    const double paper = (generator.linear ? 1 : d * 1e-4) * e * 1e-4 * cut;
    double found[TARGETS] = {0};
    mean_squares(&generator, targets, TARGETS, found);
    for (int i = 0; i < TARGETS; i++) {
        const double fan = (double)targets[i].shape.size[generator.start == HN_GENERATOR_START_HYPERFAN_IN ? 1 : 0];
        const double expected = generator.start == HN_GENERATOR_START_PAPER ? paper : 2 / (fan * 9);
        assert_close(found[i] / expected, 1, 0, 0.12);
    }
}

static void generated_kernels_start_with_their_variance(void **state)
{
    (void)state;
    for (int start = HN_GENERATOR_START_PAPER; start <= HN_GENERATOR_START_HYPERFAN_OUT; start++) {
        hn_kernel_generator generator = generator_of(3, 64);
        generator.start = (hn_generator_start)start;
        check_variance(generator);
        generator.units = 40;
        check_variance(generator);
        generator.units = 0;
        generator.linear = true;
        check_variance(generator);
    }
}

/* ---- any embeddings ---- */

/* The tiles of the store's own embeddings are the block that targets are made of. */
static void tiles_of_embeddings(void **state)
{
    const hn_kernel_generator generator = generator_of(3, 4);
    const hn_target targets[] = {{"a", HN_SHAPE4(32, 16, 3, 3)}};
    enum { NUMBERS = 2 * 16 * 16 * 9 };
    static double block[NUMBERS], again[NUMBERS];
    test_store fixture;
    hn_weights *weights;
    hn_tensor made;
    (void)state;
    test_store_open(&fixture, 1);
    declare(&fixture, &generator, targets, 1);
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F64, 3);
    hn_graph *graph = test_graph_create(fixture.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    assert_int_equal(hn_weights_create(graph, fixture.store, &weights), HN_OK);
    assert_int_equal(hn_generate_kernels(weights, "generator", &generator, targets, 1, &made), HN_OK);
    assert_int_equal(hn_tensor_read(graph, made, HN_DTYPE_F64, NUMBERS, block), HN_OK);
    double *embeddings = test_store_read(&fixture, "generator.embeddings");
    const hn_tensor z = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE2(2, 4), embeddings, false);
    made = hn_generate_tiles(weights, "generator", &generator, z);
    assert_true(hn_shape_equal(hn_tensor_shape(graph, made),
                               hn_shape_of(5, (int64_t)2, (int64_t)16, (int64_t)16, (int64_t)3, (int64_t)3)));
    assert_int_equal(hn_tensor_read(graph, made, HN_DTYPE_F64, NUMBERS, again), HN_OK);
    assert_all_close_double(again, block, NUMBERS, 0);
    made = hn_generate_tiles(weights, "generator", &generator, hn_reshape(graph, z, HN_SHAPE2(4, 2)));
    assert_int_equal(made.slot, 0);
    test_assert_error(fixture.context, HN_ERROR_SHAPE, "kernel generator", "[4,2]", "[n,4]", NULL);
    free(embeddings);
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    test_store_close(&fixture);
}

/* ---- messages ---- */

static void refuses(hn_kernel_generator generator, hn_target target, int64_t count, hn_status expected, const char *a,
                    const char *b)
{
    test_store fixture;
    test_store_open(&fixture, 1);
    assert_int_equal(hn_generate_kernels(fixture.declarer, "generator", &generator, &target, count, NULL), expected);
    assert_int_equal(hn_graph_status(fixture.dry), expected);
    test_assert_error(fixture.context, expected, "kernel generator", a, b, NULL);
    assert_int_equal(hn_store_count(fixture.store), 0);
    test_store_close(&fixture);
}

static void refuses_what_does_not_fit(void **state)
{
    const hn_kernel_generator good = generator_of(7, 4);
    const hn_target target = MNIST_KERNEL;
    hn_kernel_generator bad = good;
    (void)state;
    refuses(good, (hn_target){"k", HN_SHAPE4(24, 16, 7, 7)}, 1, HN_ERROR_SHAPE, "\"k\" [24,16,7,7] has 24 output",
            "multiples of the basic kernel's 16 and 16");
    refuses(good, (hn_target){"k", HN_SHAPE4(16, 8, 7, 7)}, 1, HN_ERROR_SHAPE, "8 input channels", "multiples");
    refuses(good, (hn_target){"k", HN_SHAPE4(16, 16, 3, 3)}, 1, HN_ERROR_SHAPE, "3 x 3", "a generator of their own");
    refuses(good, (hn_target){"k", HN_SHAPE4(16, 16, 7, 5)}, 1, HN_ERROR_SHAPE, "7 x 5", "7 x 7");
    refuses(good, (hn_target){"k", HN_SHAPE2(16, 16)}, 1, HN_ERROR_SHAPE, "\"k\" [16,16]", "[O,C,f,f]");
    refuses(good, (hn_target){"", target.shape}, 1, HN_ERROR_ARGUMENT, "no name", "");
    refuses(good, (hn_target){NULL, target.shape}, 1, HN_ERROR_ARGUMENT, "no name", "");
    refuses(good, target, 0, HN_ERROR_ARGUMENT, "0 targets", "at least one");
    bad.embedding_size = 0;
    refuses(bad, target, 1, HN_ERROR_ARGUMENT, "embedding_size is 0", "between 1 and 65536");
    bad = good;
    bad.units = -1;
    refuses(bad, target, 1, HN_ERROR_ARGUMENT, "units is -1", "between 0");
    bad.units = 4;
    bad.linear = true;
    refuses(bad, target, 1, HN_ERROR_ARGUMENT, "linear one has no units", "leave them at 0");
    bad = good;
    bad.start = (hn_generator_start)3;
    refuses(bad, target, 1, HN_ERROR_ARGUMENT, "start number 3", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_papers_counts),
        cmocka_unit_test(targets_take_no_room),
        cmocka_unit_test(generated_kernels_start_with_their_variance),
        cmocka_unit_test(tiles_of_embeddings),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
