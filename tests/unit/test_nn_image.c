/* Image models: numbers of parameters to the digit, what is generated, penalty and label smoothing, memory of a step, settings and
 * their messages. That logits and gradients are right is for the golden files. */
#include <math.h>

#include "hypernet/hypernet.h"
#include "test_results.h"

typedef struct bench {
    hn_context *context;
    hn_image_model model;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
} bench;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

static hn_image_model model_of(hn_image_network network, hn_image_weights weights)
{
    hn_image_model model;
    hn_image_model_default(&model);
    model.network = network;
    model.weights = weights;
    model.channels = network == HN_IMAGE_NETWORK_WIDE_RESNET ? 3 : 1;
    model.height = model.width = network == HN_IMAGE_NETWORK_WIDE_RESNET ? 32 : 28;
    model.classes = 10;
    if (network == HN_IMAGE_NETWORK_WIDE_RESNET) model.embedding_size = 64;
    return model;
}

static hn_image_model small_model(hn_image_network network, hn_image_weights weights)
{
    hn_image_model model = model_of(network, weights);
    model.height = model.width = 8;
    model.classes = 4;
    model.units = 16;
    model.kernel_size = 3;
    model.depth = 10;
    model.embedding_size = 5;
    return model;
}

static void declare(bench *b, const hn_image_model *model)
{
    *b = (bench){.model = *model};
    assert_int_equal(hn_context_create(NULL, &b->context), HN_OK);
    ok(b, hn_store_create(b->context, &b->store));
    ok(b, hn_image_model_declare(b->store, model));
}

static void compute(bench *b, const hn_graph_options *options)
{
    ok(b, hn_graph_create(b->context, options, &b->graph));
    ok(b, hn_store_seal(b->store, b->graph, 1));
    ok(b, hn_weights_create(b->graph, b->store, &b->weights));
}

static void close_bench(bench *b)
{
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
    hn_store_destroy(b->store);
    assert_int_equal(hn_context_memory(b->context), 0);
    hn_context_destroy(b->context);
}

/* ---- numbers of parameters ---- */

static void counts(const hn_image_model *model, int64_t network, int64_t generator, int64_t embeddings,
                   int64_t generated)
{
    hn_image_counts found;
    bench b;
    declare(&b, model);
    hn_image_model_counts(model, b.store, &found);
    assert_int_equal(found.network, network);
    assert_int_equal(found.generator, generator);
    assert_int_equal(found.embeddings, embeddings);
    assert_int_equal(found.generated, generated);
    assert_int_equal(hn_store_elements(b.store), network + generator + embeddings);
    close_bench(&b);
}

static void the_papers_counts(void **state)
{
    hn_image_model model = model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_STORED);
    (void)state;
    counts(&model, 21210, 0, 0, 0);
    model = model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER);
    counts(&model, 12910 - 4244, 4240, 4, 12544);
    model = model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER_LINEAR);
    counts(&model, 12910 - 4244, 50176, 4, 12544);
    model = model_of(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_STORED);
    counts(&model, 203530, 0, 0, 0);
    model = model_of(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_COORDINATES);
    counts(&model, 203530 - 200704, 801, 0, 200704);
    model = model_of(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_STORED);
    counts(&model, 562762, 0, 0, 0);
    model.widen = 2;
    counts(&model, 2235530, 0, 0, 0);
    model = model_of(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER);
    counts(&model, 96602 - 75920 - 242 * 64, 75920, 242 * 64, 242 * 2304);
    model.widen = 2;
    counts(&model, 147610 - 75920 - 966 * 64, 75920, 966 * 64, 966 * 2304);
}

/* The list of what is generated is what is not stored. */
static void generated_weights_are_listed(void **state)
{
    static const char *const first[] = {"groups.0.blocks.0.conv1.kernel", "groups.0.blocks.0.conv2.kernel",
                                        "groups.1.blocks.0.conv1.kernel"};
    const hn_shape shapes[] = {HN_SHAPE4(32, 16, 3, 3), HN_SHAPE4(32, 32, 3, 3), HN_SHAPE4(64, 32, 3, 3)};
    hn_image_model model = small_model(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER);
    hn_image_generated generated;
    bench hyper, stored;
    int count = 0;
    (void)state;
    model.widen = 2;
    declare(&hyper, &model);
    hn_image_model_baked(&model, &model);
    declare(&stored, &model);
    for (; hn_image_model_generated(&hyper.model, count, &generated); count++) {
        const int64_t index = hn_store_find(stored.store, generated.name);
        if (count < 3) assert_string_equal(generated.name, first[count]);
        if (count < 3) assert_true(hn_shape_equal(generated.shape, shapes[count]));
        assert_true(index >= 0);
        assert_true(hn_shape_equal(hn_store_parameter(stored.store, index)->shape, generated.shape));
        assert_int_equal(hn_store_find(hyper.store, generated.name), -1);
    }
    assert_int_equal(count, 6);
    assert_false(hn_image_model_generated(&hyper.model, -1, &generated));
    assert_false(hn_image_model_generated(&stored.model, 0, &generated));
    close_bench(&hyper);
    close_bench(&stored);
}

/* ---- a pass ---- */

static hn_image_batch batch_of(const bench *b, int64_t rows)
{
    const hn_image_model *model = &b->model;
    int32_t targets[16];
    assert_true(rows <= 16);
    for (int64_t i = 0; i < rows; i++)
        targets[i] = (int32_t)(i % model->classes);
    return (hn_image_batch){
        .images = test_numbers(b->graph, HN_SHAPE4(rows, model->channels, model->height, model->width), 3, false),
        .targets = hn_tensor_from(b->graph, HN_DTYPE_I32, HN_SHAPE1(rows), targets, false)};
}

static double number(const bench *b, hn_tensor scalar)
{
    double value;
    ok(b, hn_graph_status(b->graph));
    ok(b, hn_tensor_read(b->graph, scalar, HN_DTYPE_F64, 1, &value));
    return value;
}

/* Half the sum of squares of a weight by name. */
static double half_squares(const bench *b, const char *name, hn_shape shape)
{
    const hn_tensor weight = hn_weights_get(b->weights, name, shape, hn_init_zeros());
    return number(b, hn_sum(b->graph, hn_mul(b->graph, weight, weight), HN_ALL_AXES, false)) / 2;
}

static void check_penalty(hn_image_weights weights)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    hn_image_model model = small_model(HN_IMAGE_NETWORK_WIDE_RESNET, weights);
    double expected = 0;
    hn_image_generated kernel;
    bench b;
    model.kernel_decay = 0.1;
    declare(&b, &model);
    compute(&b, &f64);
    hn_image_batch batch = batch_of(&b, 2);
    const double penalty = number(&b, hn_image_run(b.weights, &model, &batch).penalty);
    expected += half_squares(&b, "conv1.kernel", HN_SHAPE4(16, 3, 3, 3));
    expected += half_squares(&b, "linear.weight", HN_SHAPE2(4, 64));
    const hn_image_model named = small_model(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER);
    for (int64_t i = 0; hn_image_model_generated(&named, i, &kernel); i++)
        expected += half_squares(&b, kernel.name, kernel.shape);
    assert_close(penalty, expected, 1e-12, 0);
    batch.targets = HN_NO_TENSOR;
    hn_image_result result = hn_image_run(b.weights, &model, &batch);
    assert_int_equal(result.penalty.slot, 0);
    assert_int_equal(result.loss.slot, 0);
    assert_int_not_equal(result.logits.slot, 0);
    model.kernel_decay = 0;
    batch = batch_of(&b, 2);
    assert_int_equal(hn_image_run(b.weights, &model, &batch).penalty.slot, 0);
    close_bench(&b);
}

static void the_penalty_is_half_the_squares_of_kernels(void **state)
{
    (void)state;
    check_penalty(HN_IMAGE_WEIGHTS_STORED);
    check_penalty(HN_IMAGE_WEIGHTS_HYPER);
    check_penalty(HN_IMAGE_WEIGHTS_HYPER_LINEAR);
}

/* Weights and divisor of the loss; smoothing acts while the graph trains, and then mixes in the mean over all classes. */
static void the_loss_is_weighted_and_smoothed(void **state)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    const hn_image_model model = small_model(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_STORED);
    const double weights[3] = {1, 0, 2.5};
    double logits[3][4], plain = 0, even = 0;
    bench b;
    (void)state;
    declare(&b, &model);
    compute(&b, &f64);
    hn_image_batch batch = batch_of(&b, 3);
    batch.weights = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE1(3), weights, false);
    batch.divisor = 7;
    hn_image_result result = hn_image_run(b.weights, &b.model, &batch);
    ok(&b, hn_tensor_read(b.graph, result.logits, HN_DTYPE_F64, 12, logits));
    for (int i = 0; i < 3; i++) {
        double sum = 0, mean = 0;
        for (int k = 0; k < 4; k++) {
            sum += exp(logits[i][k]);
            mean += logits[i][k] / 4;
        }
        plain += weights[i] * (log(sum) - logits[i][i]) / 7;
        even += weights[i] * (log(sum) - mean) / 7;
    }
    assert_close(number(&b, result.loss), plain, 1e-12, 0);
    b.model.label_smoothing = 0.25;
    assert_close(number(&b, hn_image_run(b.weights, &b.model, &batch).loss), 0.75 * plain + 0.25 * even, 1e-12, 0);
    hn_graph_train(b.graph, false);
    assert_close(number(&b, hn_image_run(b.weights, &b.model, &batch).loss), plain, 1e-12, 0);
    close_bench(&b);
}

/* After a step or two of a batch nothing is asked of the allocator any more. */
static void steps_allocate_nothing(void **state)
{
    const hn_image_model models[] = {small_model(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER),
                                     small_model(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_COORDINATES),
                                     small_model(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER)};
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t before = 0;
        bench b;
        declare(&b, &models[i]);
        b.model.label_smoothing = b.model.kernel_decay = 0.1;
        compute(&b, NULL);
        for (int step = 0; step < 5; step++) {
            if (step == 2) before = hn_context_allocations(b.context);
            hn_graph_reset(b.graph);
            ok(&b, hn_store_zero_gradients(b.store));
            const hn_image_batch batch = batch_of(&b, 4);
            const hn_image_result result = hn_image_run(b.weights, &b.model, &batch);
            ok(&b, hn_backward(b.graph, hn_add(b.graph, result.loss, result.penalty)));
        }
        assert_int_equal(hn_context_allocations(b.context) - before, 0);
        close_bench(&b);
    }
}

/* ---- settings ---- */

static void refuses(const hn_image_model *model, const char *a, const char *text)
{
    hn_context *context;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    const hn_status status = hn_image_model_check(context, model);
    assert_int_equal(status, HN_ERROR_ARGUMENT);
    const char *found = hn_context_error(context)->text;
    if (strstr(found, a) == NULL || strstr(found, text) == NULL) fail_msg("'%s' lacks '%s' or '%s'", found, a, text);
    hn_context_destroy(context);
}

#define REFUSES(network_, weights_, change, a, text)                                                \
    do {                                                                                            \
        hn_image_model model_ = model_of(HN_IMAGE_NETWORK_##network_, HN_IMAGE_WEIGHTS_##weights_); \
        model_.change;                                                                              \
        refuses(&model_, a, text);                                                                  \
    } while (0)

static void settings_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    REFUSES(CONV, STORED, classes = 0, "model.classes is 0", "say how many");
    REFUSES(CONV, STORED, height = 0, "model.height is 0", "say how many");
    REFUSES(CONV, STORED, width = 3, "28 x 3", "4 x 4 is the least");
    REFUSES(CONV, STORED, kernel_size = 4, "model.kernel_size is 4", "odd");
    REFUSES(CONV, STORED, start = HN_GENERATOR_START_HYPERFAN_IN, "model.start", "set it to paper");
    REFUSES(CONV, STORED, frequencies = 1, "model.frequencies", "set it to 0");
    REFUSES(CONV, COORDINATES, filters = 16, "model.weights coordinates", "mlp");
    REFUSES(CONV, HYPER, filters = 24, "model.basic_size is 16", "multiples of 24");
    REFUSES(MLP, HYPER, units = 256, "mlp", "use coordinates");
    REFUSES(MLP, HYPER_LINEAR, units = 256, "mlp", "use coordinates");
    REFUSES(MLP, COORDINATES, units = 250, "model.units is 250", "square number");
    REFUSES(MLP, COORDINATES, channels = 3, "coordinates", "one channel");
    REFUSES(WIDE_RESNET, STORED, depth = 41, "model.depth is 41", "6n + 4, for example 40");
    REFUSES(WIDE_RESNET, HYPER, basic_size = 32, "model.basic_size is 32", "multiples of 16");
    REFUSES(WIDE_RESNET, COORDINATES, depth = 40, "model.weights coordinates", "mlp");
    REFUSES(CONV, STORED, label_smoothing = 1.5, "label_smoothing", "1.5");
    REFUSES(CONV, STORED, network = (hn_image_network)7, "network", "");
}

static void settings_survive_json(void **state)
{
    hn_image_model model = small_model(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER), again;
    char text[2048], twice[2048];
    hn_context *context;
    (void)state;
    model.start = HN_GENERATOR_START_HYPERFAN_OUT;
    model.generator_units = 3;
    model.label_smoothing = 0.1;
    model.kernel_decay = 5e-4;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_int_equal(hn_image_model_to_json(context, &model, text, sizeof text), HN_OK);
    assert_int_equal(hn_image_model_from_json(context, text, &again), HN_OK);
    assert_int_equal(hn_image_model_to_json(context, &again, twice, sizeof twice), HN_OK);
    assert_string_equal(text, twice);
    assert_int_equal(again.start, HN_GENERATOR_START_HYPERFAN_OUT);
    assert_int_equal(again.generator_units, 3);
    assert_int_equal(hn_image_model_to_json(context, &model, text, 20), HN_ERROR_ARGUMENT);
    hn_context_clear(context);
    assert_int_equal(hn_image_model_from_json(context, "{\"netwrok\":\"conv\"}", &again), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(context)->text, "netwrok"));
    hn_context_destroy(context);
}

static void images_of_another_size_are_refused(void **state)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F32};
    const hn_image_model model = small_model(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_STORED);
    bench b;
    (void)state;
    declare(&b, &model);
    ok(&b, hn_graph_create(b.context, &dry, &b.graph));
    ok(&b, hn_weights_create(b.graph, b.store, &b.weights));
    const hn_image_batch batch = {.images = hn_tensor_from(b.graph, HN_DTYPE_F32, HN_SHAPE4(2, 1, 8, 9), NULL, false)};
    assert_int_equal(hn_image_run(b.weights, &model, &batch).logits.slot, 0);
    assert_int_equal(hn_graph_status(b.graph), HN_ERROR_SHAPE);
    assert_non_null(strstr(hn_context_error(b.context)->text, "[2,1,8,9], the model reads [2,1,8,8]"));
    close_bench(&b);
}

/* A file may say sizes that no machine has; what is declared is known without any of its numbers. */
static void huge_models_are_declared_in_little_memory(void **state)
{
    hn_context_options options;
    hn_context *context = NULL;
    hn_store *store = NULL;
    hn_image_model model = model_of(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_COORDINATES);
    (void)state;
    model.units = 4096;
    model.height = model.width = 4096;
    model.frequencies = 16;
    hn_context_options_default(&options);
    options.memory_limit = 1 << 20;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    assert_int_equal(hn_store_create(context, &store), HN_OK);
    if (hn_image_model_declare(store, &model) != HN_OK) fail_msg("%s", hn_context_error(context)->text);
    assert_true(hn_store_find(store, "generator.layers.0.weight") >= 0);
    hn_store_destroy(store);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_papers_counts),
        cmocka_unit_test(generated_weights_are_listed),
        cmocka_unit_test(the_penalty_is_half_the_squares_of_kernels),
        cmocka_unit_test(the_loss_is_weighted_and_smoothed),
        cmocka_unit_test(steps_allocate_nothing),
        cmocka_unit_test(settings_that_do_not_go_together_are_refused),
        cmocka_unit_test(settings_survive_json),
        cmocka_unit_test(images_of_another_size_are_refused),
        cmocka_unit_test(huge_models_are_declared_in_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
