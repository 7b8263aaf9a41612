/* Whole image models against PyTorch float64: logits, loss, penalty, every gradient, and what batch norm keeps. */
#include "golden.h"

static const char *const names[] = {
    "image_conv",      "image_conv_hyper",       "image_conv_hyper_linear",
    "image_mlp",       "image_mlp_coordinates",  "image_mlp_frequencies",
    "image_wrn_hyper", "image_wrn_hyper_linear",
};

/* A gradient that the file lacks vanishes: what adds the same number to a channel is taken away again by batch norm. */
static void compare_gradients(const golden_case *golden, double share)
{
    for (int64_t i = 0; i < hn_store_count(golden->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(golden->store, i);
        const size_t count = (size_t)parameter->elements;
        char name[200];
        double *numbers = calloc(count, sizeof *numbers);
        assert_non_null(numbers);
        assert_ok(golden->context,
                  hn_store_gradient_read(golden->store, i, HN_DTYPE_F64, parameter->elements, numbers));
        snprintf(name, sizeof name, "grad.%s", parameter->name);
        if (golden_has(golden, name)) {
            assert_all_close_double(numbers, golden_find(golden, name)->data, count, share);
        } else {
            assert_int_equal(golden->image_model.network, HN_IMAGE_NETWORK_WIDE_RESNET);
            for (size_t k = 0; k < count; k++)
                assert_close(numbers[k], 0, 0, share);
        }
        free(numbers);
    }
}

/* Running statistics of batch norm, out of the file or, after a step, held against it. */
static void load_buffers(const golden_case *golden)
{
    for (int64_t i = 0; i < hn_store_buffer_count(golden->store); i++) {
        const hn_parameter *buffer = hn_store_buffer(golden->store, i);
        char name[200];
        snprintf(name, sizeof name, "buffer.%s", buffer->name);
        const hn_file_tensor *tensor = golden_find(golden, name);
        assert_ok(golden->context,
                  hn_store_buffer_write(golden->store, i, tensor->dtype, buffer->elements, tensor->data));
    }
}

static void compare_buffers(const golden_case *golden, double share)
{
    for (int64_t i = 0; i < hn_store_buffer_count(golden->store); i++) {
        const hn_parameter *buffer = hn_store_buffer(golden->store, i);
        double numbers[2 * 128];
        char name[200];
        assert_true(buffer->elements <= 2 * 128);
        snprintf(name, sizeof name, "buffer_after.%s", buffer->name);
        assert_ok(golden->context, hn_store_buffer_read(golden->store, i, HN_DTYPE_F64, buffer->elements, numbers));
        assert_all_close_double(numbers, golden_find(golden, name)->data, (size_t)buffer->elements, share);
    }
}

static void evaluate(const golden_case *golden, double share)
{
    const hn_image_batch batch = {.images = golden_tensor(golden, "images", false)};
    hn_graph_train(golden->graph, false);
    golden_compare(golden, "evaluated", hn_image_run(golden->weights, &golden->image_model, &batch).logits, share);
    hn_graph_reset(golden->graph);
    hn_graph_train(golden->graph, true);
}

static void check(const char *name, hn_backend backend, hn_dtype dtype, double share)
{
    golden_case golden;
    print_message("%s\n", name);
    golden_open(&golden, &(golden_options){name, "", backend, dtype, 2, true});
    hn_graph *graph = golden.graph;
    load_buffers(&golden);
    evaluate(&golden, share);
    const hn_image_batch batch = {.images = golden_tensor(&golden, "images", false),
                                  .targets = golden_tensor(&golden, "targets", false)};
    const hn_image_result result = hn_image_run(golden.weights, &golden.image_model, &batch);
    golden_compare(&golden, "logits", result.logits, share);
    golden_compare(&golden, "loss", result.loss, share);
    golden_compare(&golden, "penalty", result.penalty, share);
    const hn_tensor decay = hn_scale(graph, result.penalty, golden.image_model.kernel_decay, 0);
    assert_ok(golden.context, hn_backward(graph, hn_add(graph, result.loss, decay)));
    compare_gradients(&golden, share);
    assert_ok(golden.context, hn_weights_commit(golden.weights));
    compare_buffers(&golden, share);
    golden_close(&golden);
}

static void models_are_pytorchs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check(names[i], HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-10);
        check(names[i], HN_BACKEND_BEST, HN_DTYPE_F32, 5e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models_are_pytorchs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
