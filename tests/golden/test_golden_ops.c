/* Every op against PyTorch float64, forward and backward: the cases of ops.safetensors, named OP.CASE. In double the generic kernels
 * agree to 1e-12 of each tensor's largest entry; in float, generic and cpu, to 4e-6, but where a case is known to lose more. */
#include <jansson.h>

#include "hypernet/hypernet.h"
#include "ops/op.h"
#include "test_isa.h"
#include "test_support.h"

#define MAX_INPUTS 4
#define DOUBLE_SHARE 1e-12
#define FLOAT_SHARE 4e-6

/* Logits of several hundreds: log-sum-exp is rounded to a float's spacing there, 6e-5, and each probability with it.
 * One column: x - mean is 0, so the gradient is what rounding leaves of dy - mean(dy), times 1 / sqrt(epsilon) = 32. */
static const struct {
    const char *name;
    double share, absolute;
} float_exceptions[] = {{"softmax_cross_entropy.far", 1e-4, 0}, {"layer_norm.one_column", FLOAT_SHARE, 4e-6}};

typedef struct bench {
    hn_context *context;
    hn_safetensors *file;
    hn_graph *graph;
    bool is_float;
} bench;

typedef struct golden_op {
    const char *name;
    json_t *attributes;
    hn_tensor inputs[MAX_INPUTS];
    int count;
} golden_op;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

/* ---- reading ---- */

static const hn_file_tensor *find(const bench *b, const char *name, const char *suffix)
{
    char full[128];
    (void)snprintf(full, sizeof full, "%s/%s", name, suffix);
    return hn_safetensors_find(b->file, full);
}

static int64_t integer(const golden_op *op, const char *key)
{
    const json_t *value = json_object_get(op->attributes, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static double number(const golden_op *op, const char *key)
{
    const json_t *value = json_object_get(op->attributes, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static bool flag(const golden_op *op, const char *key)
{
    const json_t *value = json_object_get(op->attributes, key);
    assert_true(json_is_boolean(value));
    return json_is_true(value);
}

/* A list of at most HN_MAX_RANK integers. */
static int integers(const golden_op *op, const char *key, int64_t *out_values)
{
    const json_t *list = json_object_get(op->attributes, key);
    assert_true(json_is_array(list) && json_array_size(list) <= HN_MAX_RANK);
    for (size_t i = 0; i < json_array_size(list); i++)
        out_values[i] = json_integer_value(json_array_get(list, i));
    return (int)json_array_size(list);
}

/* ---- one builder an op ---- */

static hn_tensor build_matmul(hn_graph *g, const golden_op *op)
{
    const unsigned a = flag(op, "transpose_a") ? HN_TRANSPOSE_A : 0, b = flag(op, "transpose_b") ? HN_TRANSPOSE_B : 0;
    return hn_matmul(g, op->inputs[0], op->inputs[1], (hn_transpose)(a | b));
}

static hn_tensor build_add(hn_graph *g, const golden_op *op) { return hn_add(g, op->inputs[0], op->inputs[1]); }
static hn_tensor build_sub(hn_graph *g, const golden_op *op) { return hn_sub(g, op->inputs[0], op->inputs[1]); }
static hn_tensor build_mul(hn_graph *g, const golden_op *op) { return hn_mul(g, op->inputs[0], op->inputs[1]); }
static hn_tensor build_div(hn_graph *g, const golden_op *op) { return hn_div(g, op->inputs[0], op->inputs[1]); }
static hn_tensor build_sigmoid(hn_graph *g, const golden_op *op) { return hn_sigmoid(g, op->inputs[0]); }
static hn_tensor build_tanh(hn_graph *g, const golden_op *op) { return hn_tanh(g, op->inputs[0]); }
static hn_tensor build_relu(hn_graph *g, const golden_op *op) { return hn_relu(g, op->inputs[0]); }
static hn_tensor build_lookup(hn_graph *g, const golden_op *op) { return hn_lookup(g, op->inputs[0], op->inputs[1]); }
static hn_tensor build_reverse(hn_graph *g, const golden_op *op) { return hn_reverse(g, op->inputs[0], op->inputs[1]); }

static hn_tensor build_mul_add(hn_graph *g, const golden_op *op)
{
    return hn_mul_add(g, op->inputs[0], op->inputs[1], op->inputs[2]);
}

static hn_tensor build_scale(hn_graph *g, const golden_op *op)
{
    return hn_scale(g, op->inputs[0], number(op, "factor"), number(op, "shift"));
}

static hn_tensor build_reshape(hn_graph *g, const golden_op *op)
{
    hn_shape shape = {0, {0}};
    shape.rank = integers(op, "shape", shape.size);
    return hn_reshape(g, op->inputs[0], shape);
}

static hn_tensor build_permute(hn_graph *g, const golden_op *op)
{
    int64_t values[HN_MAX_RANK];
    int order[HN_MAX_RANK];
    const int rank = integers(op, "order", values);
    for (int i = 0; i < rank; i++)
        order[i] = (int)values[i];
    golden_op permuted = *op;
    permuted.inputs[0] = hn_permute(g, op->inputs[0], order);
    return json_object_get(op->attributes, "shape") != NULL ? build_reshape(g, &permuted) : permuted.inputs[0];
}

static hn_tensor build_slice(hn_graph *g, const golden_op *op)
{
    const int axis = (int)integer(op, "axis");
    const int64_t start = integer(op, "start"), length = integer(op, "length");
    if (json_object_get(op->attributes, "step") == NULL) return hn_slice(g, op->inputs[0], axis, start, length);
    return hn_slice_step(g, op->inputs[0], axis, start, length, integer(op, "step"));
}

static hn_tensor build_pad(hn_graph *g, const golden_op *op)
{
    return hn_pad(g, op->inputs[0], (int)integer(op, "axis"), integer(op, "before"), integer(op, "after"));
}

static hn_tensor build_concat(hn_graph *g, const golden_op *op)
{
    return hn_concat(g, op->inputs, op->count, (int)integer(op, "axis"));
}

static unsigned axes_of(const golden_op *op)
{
    int64_t values[HN_MAX_RANK];
    unsigned axes = 0;
    const int count = integers(op, "axes", values);
    for (int i = 0; i < count; i++)
        axes |= HN_AXIS(values[i]);
    return axes;
}

static hn_tensor build_sum(hn_graph *g, const golden_op *op)
{
    return hn_sum(g, op->inputs[0], axes_of(op), flag(op, "keep"));
}

static hn_tensor build_mean(hn_graph *g, const golden_op *op)
{
    return hn_mean(g, op->inputs[0], axes_of(op), flag(op, "keep"));
}

static hn_tensor build_layer_norm(hn_graph *g, const golden_op *op)
{
    return hn_layer_norm(g, op->inputs[0], op->inputs[1], op->inputs[2], number(op, "epsilon"));
}

static hn_tensor build_conv2d(hn_graph *g, const golden_op *op)
{
    const hn_conv2d_options options = {.stride = (int)integer(op, "stride"), .padding = (int)integer(op, "padding")};
    return hn_conv2d(g, op->inputs[0], op->inputs[1], op->count == 3 ? op->inputs[2] : HN_NO_TENSOR, &options);
}

/* Without statistics among the inputs they are those of x. */
static hn_tensor build_batch_norm(hn_graph *g, const golden_op *op)
{
    const hn_batch_norm_options options = {
        .epsilon = number(op, "epsilon"), .relu = flag(op, "relu"), .from_batch = op->count == 3};
    const hn_tensor statistics = op->count == 3 ? hn_batch_statistics(g, op->inputs[0]) : op->inputs[3];
    return hn_batch_norm(g, op->inputs[0], op->inputs[1], op->inputs[2], statistics, &options);
}

static hn_tensor build_max_pool2d(hn_graph *g, const golden_op *op)
{
    return hn_max_pool2d(g, op->inputs[0], (int)integer(op, "size"), (int)integer(op, "stride"));
}

static hn_tensor build_avg_pool2d(hn_graph *g, const golden_op *op)
{
    return hn_avg_pool2d(g, op->inputs[0], (int)integer(op, "size"), (int)integer(op, "stride"));
}

static hn_tensor build_dropout(hn_graph *g, const golden_op *op)
{
    hn_dropout_options options = {.keep = number(op, "keep"), .base = integer(op, "base")};
    options.site = hn_site(json_string_value(json_object_get(op->attributes, "site")));
    (void)integers(op, "stride", options.stride);
    const char *seed = json_string_value(json_object_get(op->attributes, "seed"));
    hn_graph_set_step(g, strtoull(seed, NULL, 10), (uint32_t)integer(op, "step"));
    return hn_dropout(g, op->inputs[0], &options);
}

static hn_tensor build_softmax_cross_entropy(hn_graph *g, const golden_op *op)
{
    const hn_tensor *in = op->inputs;
    if (json_object_get(op->attributes, "smoothing") == NULL) {
        return hn_softmax_cross_entropy(g, in[0], in[1], in[2], number(op, "divisor"));
    }
    return hn_smoothed_cross_entropy(g, in[0], in[1], in[2], number(op, "divisor"), number(op, "smoothing"));
}

static hn_tensor build_where_length(hn_graph *g, const golden_op *op)
{
    return hn_where_length(g, op->inputs[0], op->inputs[1], op->inputs[2], integer(op, "t"));
}

/* Ops that stay away: copy does nothing to numbers; gather_windows, symbol_bits and batch_statistics have no gradient (their unit
 * tests do them by hand), nor has gather_images, which has a file of its own. */
static const struct {
    hni_op op;
    hn_tensor (*build)(hn_graph *g, const golden_op *op);
} builders[] = {
    {HNI_OP_MATMUL, build_matmul},
    {HNI_OP_ADD, build_add},
    {HNI_OP_SUB, build_sub},
    {HNI_OP_MUL, build_mul},
    {HNI_OP_DIV, build_div},
    {HNI_OP_MUL_ADD, build_mul_add},
    {HNI_OP_SCALE, build_scale},
    {HNI_OP_SIGMOID, build_sigmoid},
    {HNI_OP_TANH, build_tanh},
    {HNI_OP_RELU, build_relu},
    {HNI_OP_RESHAPE, build_reshape},
    {HNI_OP_PERMUTE, build_permute},
    {HNI_OP_SLICE, build_slice},
    {HNI_OP_CONCAT, build_concat},
    {HNI_OP_PAD, build_pad},
    {HNI_OP_SUM, build_sum},
    {HNI_OP_MEAN, build_mean},
    {HNI_OP_LAYER_NORM, build_layer_norm},
    {HNI_OP_CONV2D, build_conv2d},
    {HNI_OP_BATCH_NORM, build_batch_norm},
    {HNI_OP_MAX_POOL2D, build_max_pool2d},
    {HNI_OP_AVG_POOL2D, build_avg_pool2d},
    {HNI_OP_DROPOUT, build_dropout},
    {HNI_OP_LOOKUP, build_lookup},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, build_softmax_cross_entropy},
    {HNI_OP_WHERE_LENGTH, build_where_length},
    {HNI_OP_REVERSE, build_reverse},
};
#define BUILDERS (sizeof builders / sizeof builders[0])

/* Index of the builder of OP.CASE. */
static size_t builder_of(const char *name)
{
    const size_t length = strcspn(name, ".");
    for (size_t i = 0; i < BUILDERS; i++) {
        const char *op = hni_op_find(builders[i].op)->name;
        if (strlen(op) == length && strncmp(op, name, length) == 0) return i;
    }
    fail_msg("ops.safetensors has %s, this test knows no such op", name);
    return 0;
}

/* ---- one case ---- */

/* How far a number may be off in a tensor whose largest entry is `largest`. */
static double allowed_error(const bench *b, const char *name, double largest)
{
    if (!b->is_float) return DOUBLE_SHARE * largest;
    for (size_t i = 0; i < sizeof float_exceptions / sizeof float_exceptions[0]; i++) {
        if (strcmp(float_exceptions[i].name, name) != 0) continue;
        return float_exceptions[i].share * largest + float_exceptions[i].absolute;
    }
    return FLOAT_SHARE * largest;
}

static void compare(const bench *b, const char *name, const char *what, hn_tensor tensor, bool gradient)
{
    const hn_file_tensor *expected = find(b, name, what);
    const int64_t count = hn_shape_elements(expected->shape);
    double actual[2048];
    assert_true(count <= 2048);
    assert_true(hn_shape_equal(expected->shape, hn_tensor_shape(b->graph, tensor)));
    ok(b, gradient ? hn_gradient_read(b->graph, tensor, HN_DTYPE_F64, count, actual)
                   : hn_tensor_read(b->graph, tensor, HN_DTYPE_F64, count, actual));
    const double *numbers = expected->data;
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = numbers[i] > largest ? numbers[i] : (-numbers[i] > largest ? -numbers[i] : largest);
    const double allowed = allowed_error(b, name, largest);
    for (int64_t i = 0; i < count; i++) {
        if (test_is_close(actual[i], numbers[i], 0, allowed)) continue;
        fail_msg("%s/%s: entry %lld is %.17g, expected %.17g (allowed: %.3g off)", name, what, (long long)i, actual[i],
                 numbers[i], allowed);
    }
}

static void run_case(bench *b, const char *name, size_t builder)
{
    golden_op op = {.name = name};
    char suffix[16];
    hn_graph_reset(b->graph);
    op.attributes = json_loads(hn_safetensors_text(b->file, name), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(op.attributes);
    for (; op.count < MAX_INPUTS; op.count++) {
        (void)snprintf(suffix, sizeof suffix, "in%d", op.count);
        const hn_file_tensor *input = find(b, name, suffix);
        if (input == NULL) break;
        (void)snprintf(suffix, sizeof suffix, "grad%d", op.count);
        const bool wanted = find(b, name, suffix) != NULL;
        op.inputs[op.count] = hn_tensor_from(b->graph, input->dtype, input->shape, input->data, wanted);
    }
    assert_true(op.count >= 1);
    const hn_file_tensor *given = find(b, name, "cotangent");
    const hn_tensor out = builders[builder].build(b->graph, &op);
    const hn_tensor cotangent = hn_tensor_from(b->graph, given->dtype, given->shape, given->data, false);
    ok(b, hn_backward_from(b->graph, out, cotangent));
    compare(b, name, "out", out, false);
    for (int i = 0; i < op.count; i++) {
        (void)snprintf(suffix, sizeof suffix, "grad%d", i);
        if (find(b, name, suffix) != NULL) compare(b, name, suffix, op.inputs[i], true);
    }
    json_decref(op.attributes);
}

static void run_all(hn_backend backend, hn_dtype dtype)
{
    bench b = {.is_float = dtype == HN_DTYPE_F32};
    const hn_graph_options options = {backend, dtype};
    int cases[BUILDERS] = {0};
    char *path = test_source_path("tests/golden/ops.safetensors");
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    test_choose_isa(b.context);
    ok(&b, hn_safetensors_open(b.context, path, &b.file));
    if (hn_graph_create(b.context, &options, &b.graph) != HN_OK) { /* a build without the cpu backend */
        hn_safetensors_close(b.file);
        hn_context_destroy(b.context);
        free(path);
        skip();
    }
    for (int64_t i = 0; i < hn_safetensors_count(b.file); i++) {
        char name[96];
        const char *tensor = hn_safetensors_tensor(b.file, i)->name, *slash = strchr(tensor, '/');
        if (slash == NULL || strcmp(slash, "/out") != 0) continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)(slash - tensor), tensor);
        const size_t builder = builder_of(name);
        run_case(&b, name, builder);
        cases[builder]++;
    }
    for (size_t i = 0; i < BUILDERS; i++) {
        if (cases[i] == 0) fail_msg("ops.safetensors has no case of %s", hni_op_find(builders[i].op)->name);
    }
    hn_graph_destroy(b.graph);
    hn_safetensors_close(b.file);
    hn_context_destroy(b.context);
    free(path);
}

static void test_double(void **state)
{
    (void)state;
    run_all(HN_BACKEND_GENERIC, HN_DTYPE_F64);
}

static void test_generic_float(void **state)
{
    (void)state;
    run_all(HN_BACKEND_GENERIC, HN_DTYPE_F32);
}

static void test_cpu_float(void **state)
{
    (void)state;
    run_all(HN_BACKEND_CPU, HN_DTYPE_F32);
}

/* Every row of ops.def is either here or in the list above of ops that stay away. */
static void test_no_op_is_missing(void **state)
{
    (void)state;
    for (int op = 0; op < HNI_OP_COUNT; op++) {
        bool found = op == HNI_OP_COPY || op == HNI_OP_GATHER_WINDOWS || op == HNI_OP_GATHER_IMAGES ||
                     op == HNI_OP_SYMBOL_BITS || op == HNI_OP_BATCH_STATISTICS;
        found = found || hni_op_find((hni_op)op)->kind == HNI_OP_KIND_FUSED; /* test_golden_models has these */
        for (size_t i = 0; i < BUILDERS; i++)
            found = found || (int)builders[i].op == op;
        if (!found) fail_msg("%s has no golden case", hni_op_find((hni_op)op)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double),
        cmocka_unit_test(test_generic_float),
        cmocka_unit_test(test_cpu_float),
        cmocka_unit_test(test_no_op_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
