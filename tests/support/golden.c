#include "golden.h"

#include <jansson.h>

void golden_assert_ok(const hn_context *context, hn_status status, const char *text, const char *file, int line)
{
    if (status == HN_OK) return;
    print_error("%s: %s: %s\n", text, hn_status_name(status), hn_context_error(context)->text);
    _fail(file, line);
}

static double number_of(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return value != NULL ? json_number_value(value) : otherwise;
}

/* Keep probabilities, seed and step of the file's `case`. */
static void read_case(golden_case *golden)
{
    const char *text = hn_safetensors_text(golden->file, "case");
    json_t *object = json_loads(text != NULL ? text : "{}", JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    golden->model.keep_input = number_of(object, "input", 1);
    golden->model.keep_between = number_of(object, "between", 1);
    golden->model.keep_output = number_of(object, "output", 1);
    golden->model.cell.keep_recurrent = number_of(object, "recurrent", 1);
    golden->model.cell.keep_hyper_recurrent = number_of(object, "hyper_recurrent", 1);
    golden->step = (uint32_t)number_of(object, "step", 0);
    golden->rate = number_of(object, "rate", 0);
    golden->clip_norm = number_of(object, "clip_norm", 0);
    hn_graph_train(golden->graph, !json_is_false(json_object_get(object, "training")));
    golden->reverse = json_is_true(json_object_get(object, "reverse"));
    const char *seed = json_string_value(json_object_get(object, "seed"));
    if (seed != NULL) golden->seed = strtoull(seed, NULL, 10);
    json_decref(object);
}

void golden_load_parameters(golden_case *golden, const char *prefix)
{
    for (int64_t i = 0; i < hn_store_count(golden->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(golden->store, i);
        char name[200];
        snprintf(name, sizeof name, "%s%s", prefix, parameter->name);
        const hn_file_tensor *tensor = golden_find(golden, name);
        assert_true(hn_shape_equal(tensor->shape, parameter->shape));
        assert_ok(golden->context, hn_store_write(golden->store, i, tensor->dtype, parameter->elements, tensor->data));
    }
}

void golden_open(golden_case *golden, const golden_options *options)
{
    char name[200];
    hn_context_options context_options;
    memset(golden, 0, sizeof *golden);
    hn_context_options_default(&context_options);
    context_options.threads = options->threads > 0 ? options->threads : 1;
    assert_int_equal(hn_context_create(&context_options, &golden->context), HN_OK);
    snprintf(name, sizeof name, "tests/golden/%s.safetensors", options->name);
    char *path = test_source_path(name);
    assert_ok(golden->context, hn_safetensors_open(golden->context, path, &golden->file));
    free(path);
    const char *model = hn_safetensors_text(golden->file, "model");
    const bool of_images = model != NULL && strstr(model, "\"network\"") != NULL;
    if (of_images)
        assert_ok(golden->context, hn_image_model_from_json(golden->context, model, &golden->image_model));
    else if (model != NULL || options->model)
        assert_ok(golden->context, hn_language_model_from_json(golden->context, model, &golden->model));
    const hn_graph_options graph_options = {options->backend, options->dtype};
    assert_ok(golden->context, hn_graph_create(golden->context, &graph_options, &golden->graph));
    read_case(golden);
    assert_ok(golden->context, hn_store_create(golden->context, &golden->store));
    assert_ok(golden->context, hn_weights_create(golden->graph, golden->store, &golden->weights));
    if (!options->model) return;
    assert_ok(golden->context, of_images ? hn_image_model_declare(golden->store, &golden->image_model)
                                         : hn_language_model_declare(golden->store, &golden->model));
    assert_ok(golden->context, hn_store_seal(golden->store, golden->graph, 1));
    golden_load_parameters(golden, options->prefix);
}

void golden_close(golden_case *golden)
{
    hn_weights_destroy(golden->weights);
    hn_store_destroy(golden->store);
    hn_graph_destroy(golden->graph);
    hn_safetensors_close(golden->file);
    hn_context_destroy(golden->context);
}

bool golden_has(const golden_case *golden, const char *name) { return hn_safetensors_find(golden->file, name) != NULL; }

const hn_file_tensor *golden_find(const golden_case *golden, const char *name)
{
    const hn_file_tensor *tensor = hn_safetensors_find(golden->file, name);
    if (tensor == NULL) print_error("golden tensor '%s' is missing\n", name);
    assert_non_null(tensor);
    return tensor;
}

hn_tensor golden_tensor(const golden_case *golden, const char *name, bool differentiable)
{
    const hn_file_tensor *tensor = golden_find(golden, name);
    return hn_tensor_from(golden->graph, tensor->dtype, tensor->shape, tensor->data, differentiable);
}

hn_tensor golden_persistent(const golden_case *golden, const char *name)
{
    const hn_file_tensor *tensor = golden_find(golden, name);
    hn_tensor out;
    assert_ok(golden->context, hn_tensor_persist(golden->graph, tensor->dtype, tensor->shape, &out));
    assert_ok(golden->context,
              hn_tensor_write(golden->graph, out, tensor->dtype, hn_shape_elements(tensor->shape), tensor->data));
    return out;
}

static void compare(const char *name, const double *actual, const hn_file_tensor *expected, double share)
{
    const size_t count = (size_t)hn_shape_elements(expected->shape);
    const double *numbers = expected->data;
    double largest = 0;
    assert_int_equal(expected->dtype, HN_DTYPE_F64);
    for (size_t i = 0; i < count; i++) {
        const double size = numbers[i] < 0 ? -numbers[i] : numbers[i];
        if (size > largest) largest = size;
    }
    for (size_t i = 0; i < count; i++) {
        if (test_is_close(actual[i], numbers[i], 0, share * largest + 1e-300)) continue;
        print_error("%s[%zu]: %.17g, PyTorch has %.17g (largest %.3g)\n", name, i, actual[i], numbers[i], largest);
        fail();
    }
}

void golden_compare(const golden_case *golden, const char *name, hn_tensor actual, double share)
{
    const hn_file_tensor *expected = golden_find(golden, name);
    const int64_t count = hn_shape_elements(expected->shape);
    double *numbers = calloc((size_t)count, sizeof *numbers);
    assert_non_null(numbers);
    assert_ok(golden->context, hn_tensor_read(golden->graph, actual, HN_DTYPE_F64, count, numbers));
    compare(name, numbers, expected, share);
    free(numbers);
}

void golden_compare_gradient(const golden_case *golden, const char *name, hn_tensor leaf, double share)
{
    const hn_file_tensor *expected = golden_find(golden, name);
    const int64_t count = hn_shape_elements(expected->shape);
    double *numbers = calloc((size_t)count, sizeof *numbers);
    assert_non_null(numbers);
    assert_ok(golden->context, hn_gradient_read(golden->graph, leaf, HN_DTYPE_F64, count, numbers));
    compare(name, numbers, expected, share);
    free(numbers);
}

void golden_compare_parameters(const golden_case *golden, const char *prefix, bool gradients, double share)
{
    for (int64_t i = 0; i < hn_store_count(golden->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(golden->store, i);
        double *numbers = calloc((size_t)parameter->elements, sizeof *numbers);
        char name[200];
        assert_non_null(numbers);
        snprintf(name, sizeof name, "%s%s", prefix, parameter->name);
        assert_ok(golden->context, (gradients ? hn_store_gradient_read : hn_store_read)(golden->store, i, HN_DTYPE_F64,
                                                                                        parameter->elements, numbers));
        compare(name, numbers, golden_find(golden, name), share);
        free(numbers);
    }
}
