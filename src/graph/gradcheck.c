/* The runner of gradcheck; what is compared, and how, is in gradcheck.h. Cases are in gradcheck_cases_*.c. */
#include "graph/gradcheck_cases.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/rng.h"

#define STEP 1e-5
#define ABSOLUTE 1e-9
#define RELATIVE 1e-6
#define LARGE_ENOUGH 1e-3
#define LARGEST_LOSS 10.0

/* Host memory of one run: all in double. */
typedef struct bench {
    hn_graph *graph;
    const hni_gradcheck_case *test;
    int inputs;
    double *values[HNI_GRADCHECK_MAX_INPUTS];    /* NULL for integers */
    double *gradients[HNI_GRADCHECK_MAX_INPUTS]; /* NULL unless compared */
    int64_t outputs;
    double cotangent[HNI_GRADCHECK_MAX_OUTPUTS], low[HNI_GRADCHECK_MAX_OUTPUTS], high[HNI_GRADCHECK_MAX_OUTPUTS];
} bench;

int hni_gradcheck_input_count(const hni_gradcheck_case *test)
{
    int count = 0;
    while (count < HNI_GRADCHECK_MAX_INPUTS && test->inputs[count].kind != HNI_GRADCHECK_NONE)
        count++;
    return count;
}

static bool is_compared(const hni_gradcheck_input *input)
{
    return input->kind == HNI_GRADCHECK_CHECKED || input->kind == HNI_GRADCHECK_VANISHING;
}

/* ---- numbers ---- */

/* Number `index` of the case: its size is in [0.1, 1.1), its sign random; never close to 0. */
static double random_number(const hni_rng_key *key, uint64_t index)
{
    const double u = hni_rng_uniform(key, index);
    return u < 0.5 ? -0.1 - 2 * u : 0.1 + 2 * (u - 0.5);
}

static hni_rng_key key_of(const hni_gradcheck_case *test, uint32_t stream)
{
    return (hni_rng_key){.seed = 1, .step = stream, .site = hni_rng_site(test->name)};
}

static hn_status open_inputs(bench *b)
{
    hn_context *context = hn_graph_context(b->graph);
    bool compared = false;
    hn_status status = HN_OK;
    for (int i = 0; i < b->inputs; i++) {
        const hni_gradcheck_input *input = &b->test->inputs[i];
        const int64_t count = hn_shape_elements(input->shape);
        const hni_rng_key key = key_of(b->test, (uint32_t)i);
        void *values = NULL, *gradients = NULL;
        if (count < 1) {
            HNI_TRY(hni_error(context, HN_ERROR_SHAPE, "gradcheck %s: input %d has no shape", b->test->name, i));
        }
        if (input->kind == HNI_GRADCHECK_INTEGERS) continue;
        HNI_TRY(hni_alloc_array(context, "gradcheck", (size_t)count, sizeof(double), &values));
        b->values[i] = values;
        for (int64_t k = 0; k < count; k++) {
            b->values[i][k] = random_number(&key, (uint64_t)k) * (input->factor != 0 ? input->factor : 1);
        }
        if (!is_compared(input)) continue;
        HNI_TRY(hni_alloc_array(context, "gradcheck", (size_t)count, sizeof(double), &gradients));
        b->gradients[i] = gradients;
        compared = true;
    }
    if (!compared) HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "gradcheck %s: no input is checked", b->test->name));
cleanup:
    return status;
}

static void close_inputs(bench *b)
{
    for (int i = 0; i < b->inputs; i++) {
        hni_free(hn_graph_context(b->graph), b->values[i]);
        hni_free(hn_graph_context(b->graph), b->gradients[i]);
    }
}

/* ---- passes ---- */

/* A fresh step: the inputs as they are now, and the output. */
static hn_status build(bench *b, bool record, hn_tensor *leaves, hn_tensor *out_output)
{
    hn_graph *graph = b->graph;
    hn_graph_reset(graph);
    hn_graph_record(graph, record);
    hn_graph_train(graph, true);
    hn_graph_set_step(graph, 0, 0);
    for (int i = 0; i < b->inputs; i++) {
        const hni_gradcheck_input *input = &b->test->inputs[i];
        const bool integers = input->kind == HNI_GRADCHECK_INTEGERS;
        const void *data = integers ? (const void *)input->integers : (const void *)b->values[i];
        leaves[i] =
            hn_tensor_from(graph, integers ? HN_DTYPE_I32 : HN_DTYPE_F64, input->shape, data, is_compared(input));
    }
    *out_output = b->test->build(graph, leaves, b->test->user);
    return hn_graph_status(graph);
}

/* The output without a tape. */
static hn_status forward(bench *b, double *out_values)
{
    hn_tensor leaves[HNI_GRADCHECK_MAX_INPUTS], output;
    const hn_status status = build(b, false, leaves, &output);
    return status != HN_OK ? status : hn_tensor_read(b->graph, output, HN_DTYPE_F64, b->outputs, out_values);
}

/* Size of the output, and a cotangent that makes |L| at most 10. */
static hn_status draw_cotangent(bench *b)
{
    hn_tensor leaves[HNI_GRADCHECK_MAX_INPUTS], output;
    const hni_rng_key key = key_of(b->test, UINT32_MAX);
    double loss = 0;
    hn_status status;
    HNI_TRY(build(b, false, leaves, &output));
    b->outputs = hn_shape_elements(hn_tensor_shape(b->graph, output));
    if (b->outputs < 1 || b->outputs > HNI_GRADCHECK_MAX_OUTPUTS) {
        HNI_TRY(hni_error(hn_graph_context(b->graph), HN_ERROR_ARGUMENT,
                          "gradcheck %s: %" PRId64 " outputs, a case has between 1 and %d: make it smaller",
                          b->test->name, b->outputs, HNI_GRADCHECK_MAX_OUTPUTS));
    }
    HNI_TRY(hn_tensor_read(b->graph, output, HN_DTYPE_F64, b->outputs, b->low));
    for (int64_t i = 0; i < b->outputs; i++) {
        b->cotangent[i] = random_number(&key, (uint64_t)i);
        loss += b->cotangent[i] * b->low[i];
    }
    for (int64_t i = 0; fabs(loss) > LARGEST_LOSS && i < b->outputs; i++)
        b->cotangent[i] *= LARGEST_LOSS / fabs(loss);
cleanup:
    return status;
}

/* One forward and one backward. */
static hn_status differentiate(bench *b)
{
    hn_tensor leaves[HNI_GRADCHECK_MAX_INPUTS], output;
    hn_status status;
    HNI_TRY(build(b, true, leaves, &output));
    const hn_tensor cotangent =
        hn_tensor_from(b->graph, HN_DTYPE_F64, hn_tensor_shape(b->graph, output), b->cotangent, false);
    HNI_TRY(hn_backward_from(b->graph, output, cotangent));
    for (int i = 0; i < b->inputs; i++) {
        const int64_t count = hn_shape_elements(b->test->inputs[i].shape);
        if (b->gradients[i] == NULL) continue;
        HNI_TRY(hn_gradient_read(b->graph, leaves[i], HN_DTYPE_F64, count, b->gradients[i]));
    }
cleanup:
    return status;
}

/* dL/dx of one element by two forward passes. The inner product is taken of the outputs' difference, which rounds less than
 * the difference of two inner products. */
static hn_status difference(bench *b, double *element, double *out_numeric)
{
    const double x = *element, step = STEP * fmax(1, fabs(x)), below = x - step, above = x + step;
    double sum = 0;
    hn_status status;
    *element = below;
    HNI_TRY(forward(b, b->low));
    *element = above;
    HNI_TRY(forward(b, b->high));
    for (int64_t i = 0; i < b->outputs; i++)
        sum += b->cotangent[i] * (b->high[i] - b->low[i]);
    *out_numeric = sum / (above - below); /* the step that was really made */
cleanup:
    *element = x;
    return status;
}

/* ---- comparison ---- */

static void fail_once(hni_gradcheck_report *report, const char *text)
{
    if (report->passed) (void)snprintf(report->failure, sizeof report->failure, "%s", text);
    report->passed = false;
}

static void compare(hni_gradcheck_report *report, int input, int64_t element, double analytic, double numeric)
{
    const double allowed = ABSOLUTE + RELATIVE * fmax(fabs(analytic), fabs(numeric));
    const double error = fabs(analytic - numeric);
    report->compared++;
    const double share = error / allowed; /* not below anything where a number is infinite or NaN */
    if (!(share <= report->worst)) report->worst = share <= DBL_MAX ? share : DBL_MAX;
    if (error <= DBL_MAX && error <= allowed) return;
    char text[200];
    (void)snprintf(text, sizeof text, "input %d, element %" PRId64 ": backward gives %.12g, differences %.12g", input,
                   element, analytic, numeric);
    fail_once(report, text);
}

static hn_status compare_input(bench *b, int input, hni_gradcheck_report *report)
{
    const hni_gradcheck_input *given = &b->test->inputs[input];
    const int64_t count = hn_shape_elements(given->shape);
    double largest = 0, numeric = 0;
    hn_status status = HN_OK;
    for (int64_t k = 0; k < count; k++) {
        HNI_TRY(difference(b, &b->values[input][k], &numeric));
        compare(report, input, k, b->gradients[input][k], numeric);
        largest = fmax(largest, fabs(numeric));
    }
    char text[200];
    if (given->kind == HNI_GRADCHECK_CHECKED && !(largest > LARGE_ENOUGH)) {
        (void)snprintf(text, sizeof text,
                       "input %d: no difference is above %g (largest %.3g): the check could not fail", input,
                       LARGE_ENOUGH, largest);
        fail_once(report, text);
    }
    if (given->kind == HNI_GRADCHECK_VANISHING && !(largest <= ABSOLUTE)) {
        (void)snprintf(text, sizeof text, "input %d: the gradient should vanish, a difference is %.3g", input, largest);
        fail_once(report, text);
    }
cleanup:
    return status;
}

hn_status hni_gradcheck_run(hn_graph *graph, const hni_gradcheck_case *test, hni_gradcheck_report *out_report)
{
    bench *b = NULL;
    void *memory = NULL;
    hn_status status;
    *out_report = (hni_gradcheck_report){.passed = true};
    if (hn_graph_dtype(graph) != HN_DTYPE_F64 || hn_graph_is_dry(graph)) {
        return hni_error(
            hn_graph_context(graph), HN_ERROR_ARGUMENT,
            "gradcheck: needs a graph that computes in F64: create it with HN_BACKEND_GENERIC and HN_DTYPE_F64");
    }
    HNI_TRY(hni_alloc(hn_graph_context(graph), "gradcheck", sizeof *b, &memory));
    b = memory; /* all zero */
    b->graph = graph;
    b->test = test;
    b->inputs = hni_gradcheck_input_count(test);
    HNI_TRY(open_inputs(b));
    HNI_TRY(draw_cotangent(b));
    HNI_TRY(differentiate(b));
    for (int i = 0; i < b->inputs; i++) {
        if (b->gradients[i] != NULL) HNI_TRY(compare_input(b, i, out_report));
    }
cleanup:
    if (b != NULL) close_inputs(b);
    hni_free(hn_graph_context(graph), b);
    hn_graph_reset(graph);
    hn_graph_record(graph, true);
    return status;
}

/* ---- the cases of all ops ---- */

const hni_gradcheck_case *hni_gradcheck_at(int64_t index)
{
    const hni_gradcheck_list *const lists[] = {
        &hni_gradcheck_matmul, &hni_gradcheck_elementwise, &hni_gradcheck_views,   &hni_gradcheck_rows,
        &hni_gradcheck_image,  &hni_gradcheck_batch_norm,  &hni_gradcheck_sequence};
    if (index < 0) return NULL;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (index < lists[i]->count) return &lists[i]->cases[index];
        index -= lists[i]->count;
    }
    return NULL;
}
