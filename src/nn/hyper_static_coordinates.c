/* A matrix whose weights a small network makes from the coordinates of their input and of their output (paper A.1). The first layer is
 * linear in both, so its part for the I inputs and its part for the O outputs are two small products, and only their sum has a row for
 * each of the O * I weights:
 *
 *     h_1[o,i] = relu(W_in c_i + W_out c_o + b),   h_k = relu(W_k h_(k-1) + b_k),   weight[o,i] = w h + b
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hypernet/hyper.h"
#include "nn/cell.h"

#define MOST 65536   /* units, and each side of a grid */
#define MOST_DEEP 16 /* hidden layers, frequencies */
#define MOST_NAME 100
#define PAPER_DEVIATION 0.01
#define BIAS_WIDTH 1.0 /* half of it: kinks all over the grid */
#define HALF_PI 1.570796326794896619

void hn_coordinate_generator_default(hn_coordinate_generator *out_generator)
{
    *out_generator = (hn_coordinate_generator){.units = 25, .hidden_layers = 2};
}

/* ---- checks ---- */

static hn_status check(hn_context *context, const char *name, const hn_coordinate_generator *generator,
                       const hn_coordinate_target *target)
{
    const struct {
        const char *name;
        int64_t value, least, most;
    } sizes[] = {
        {"units", generator->units, 1, MOST},
        {"hidden_layers", generator->hidden_layers, 1, MOST_DEEP},
        {"frequencies", generator->frequencies, 0, MOST_DEEP},
        {"the height of the inputs", target->inputs.height, 1, MOST},
        {"the width of the inputs", target->inputs.width, 1, MOST},
        {"the height of the outputs", target->outputs.height, 1, MOST},
        {"the width of the outputs", target->outputs.width, 1, MOST},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].value >= sizes[i].least && sizes[i].value <= sizes[i].most) continue;
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "coordinate generator: %s is %lld, it must be between %lld and %lld", sizes[i].name,
                         (long long)sizes[i].value, (long long)sizes[i].least, (long long)sizes[i].most);
    }
    if (hn_shape_elements(HN_SHAPE3(target->outputs.height * target->outputs.width,
                                    target->inputs.height * target->inputs.width, generator->units)) < 1)
        return hni_error(context, HN_ERROR_SHAPE,
                         "coordinate generator: the matrix has more weights than can be counted");
    if (target->name == NULL || target->name[0] == '\0')
        return hni_error(context, HN_ERROR_ARGUMENT, "coordinate generator: the target has no name");
    if ((unsigned)generator->start > HN_GENERATOR_START_HYPERFAN_OUT)
        return hni_error(context, HN_ERROR_ARGUMENT, "coordinate generator: there is no start number %d",
                         (int)generator->start);
    if (strlen(name) > MOST_NAME)
        return hni_error(context, HN_ERROR_ARGUMENT, "coordinate generator: the name '%.60s..' is longer than %d bytes",
                         name, MOST_NAME);
    return HN_OK;
}

/* ---- coordinates ---- */

static int64_t features_of(const hn_coordinate_generator *generator)
{
    return generator->frequencies > 0 ? 4 * (int64_t)generator->frequencies : 2;
}

static double place(int64_t index, int64_t size) { return size == 1 ? 0 : -1 + 2 * (double)index / (double)(size - 1); }

/* Of one point: x, y; or for each frequency cos x, sin x, cos y, sin y. */
static void write_features(int frequencies, double x, double y, double *out)
{
    if (frequencies == 0) {
        out[0] = x;
        out[1] = y;
    }
    for (int k = 0; k < frequencies; k++) {
        const double turn = ldexp(HALF_PI, k);
        *out++ = cos(turn * x);
        *out++ = sin(turn * x);
        *out++ = cos(turn * y);
        *out++ = sin(turn * y);
    }
}

/* Mean over the places on an axis of the squares of its features; of a frequency they add up to 1. */
static double axis_squares(int frequencies, int64_t size)
{
    double sum = 0;
    if (frequencies > 0) return (double)frequencies;
    for (int64_t i = 0; i < size; i++)
        sum += place(i, size) * place(i, size);
    return sum / (double)size;
}

static double grid_squares(const hn_coordinate_generator *generator, hn_coordinate_grid grid)
{
    return axis_squares(generator->frequencies, grid.width) + axis_squares(generator->frequencies, grid.height);
}

/* [height*width, features]; of a dry graph, without numbers. */
static hn_tensor grid_features(hn_graph *graph, const hn_coordinate_generator *generator, hn_coordinate_grid grid)
{
    const int64_t points = grid.height * grid.width, width = features_of(generator);
    const hn_shape shape = HN_SHAPE2(points, width);
    void *memory = NULL;
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    if (hn_graph_is_dry(graph)) return hn_tensor_from(graph, HN_DTYPE_F64, shape, NULL, false);
    graph->status = hni_arena_take(&graph->meta, (size_t)points * (size_t)width * sizeof(double), &memory);
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    double *numbers = memory;
    for (int64_t i = 0; i < points; i++)
        write_features(generator->frequencies, place(i % grid.width, grid.width), place(i / grid.width, grid.height),
                       numbers + i * width);
    return hn_tensor_from(graph, HN_DTYPE_F64, shape, numbers, false);
}

/* ---- the network ---- */

static hn_tensor part(hn_weights *weights, const char *layer, const char *suffix, hn_shape shape, hn_init start)
{
    return hni_want_rank(hn_weights_graph(weights), hni_weight(weights, layer, suffix, shape, start), suffix,
                         shape.rank);
}

/* Half of the variance before relu stays: 2 from the products, that of the uniform bias. */
#define SQUARE_AFTER ((2 + BIAS_WIDTH * BIAS_WIDTH / 3) / 2)

/* -> [O,I,units] */
static hn_tensor first_layer(hn_weights *weights, const char *layer, const hn_coordinate_generator *generator,
                             const hn_coordinate_target *target)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t inputs = target->inputs.height * target->inputs.width, units = generator->units;
    const int64_t outputs = target->outputs.height * target->outputs.width, width = features_of(generator);
    const double squares = grid_squares(generator, target->inputs) + grid_squares(generator, target->outputs);
    const hn_tensor of_inputs = grid_features(graph, generator, target->inputs);
    const hn_tensor of_outputs = grid_features(graph, generator, target->outputs);
    const hn_init start = hn_init_normal(squares > 0 ? sqrt(2 / squares) : 1);
    const hn_tensor weight = part(weights, layer, "weight", HN_SHAPE2(units, 2 * width), start);
    const hn_tensor bias = part(weights, layer, "bias", HN_SHAPE1(units), hn_init_uniform(BIAS_WIDTH));
    const hn_tensor columns = hn_matmul(graph, of_inputs, hn_slice(graph, weight, 1, 0, width), HN_TRANSPOSE_B);
    const hn_tensor rows = hn_matmul(graph, of_outputs, hn_slice(graph, weight, 1, width, width), HN_TRANSPOSE_B);
    return hn_add(graph, hn_reshape(graph, rows, HN_SHAPE3(outputs, 1, units)),
                  hn_reshape(graph, hn_add(graph, columns, bias), HN_SHAPE3(1, inputs, units)));
}

/* x [O,I,units] -> [O,I,outputs] */
static hn_tensor later_layer(hn_weights *weights, const char *layer, hn_tensor x, hn_shape shape, hn_init start,
                             hn_init bias_start)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_tensor weight = part(weights, layer, "weight", shape, start);
    const hn_tensor bias = part(weights, layer, "bias", HN_SHAPE1(shape.size[0]), bias_start);
    return hn_add(graph, hn_matmul(graph, x, weight, HN_TRANSPOSE_B), bias);
}

static hn_init last_start(const hn_coordinate_generator *generator, const hn_coordinate_target *target)
{
    const hn_coordinate_grid *fan =
        generator->start == HN_GENERATOR_START_HYPERFAN_IN ? &target->inputs : &target->outputs;
    const double variance = 2 / ((double)fan->height * (double)fan->width);
    if (generator->start == HN_GENERATOR_START_PAPER) return hn_init_normal(PAPER_DEVIATION);
    return hn_init_normal(sqrt(variance / ((double)generator->units * SQUARE_AFTER)));
}

hn_status hn_generate_from_coordinates(hn_weights *weights, const char *name, const hn_coordinate_generator *generator,
                                       const hn_coordinate_target *target)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t units = generator->units;
    char layer[MOST_NAME + 16];
    hn_tensor h;
    hn_status status = hn_graph_status(graph);
    if (status == HN_OK) status = graph->status = check(graph->context, name, generator, target);
    if (status != HN_OK) return status;
    snprintf(layer, sizeof layer, "%s.layers.0", name);
    h = hn_relu(graph, first_layer(weights, layer, generator, target));
    for (int k = 1; k < generator->hidden_layers; k++) {
        snprintf(layer, sizeof layer, "%s.layers.%d", name, k);
        const hn_init start = hn_init_normal(sqrt(2 / ((double)units * SQUARE_AFTER)));
        const hn_init bias_start = hn_init_uniform(BIAS_WIDTH);
        h = hn_relu(graph, later_layer(weights, layer, h, HN_SHAPE2(units, units), start, bias_start));
    }
    snprintf(layer, sizeof layer, "%s.layers.%d", name, generator->hidden_layers);
    h = later_layer(weights, layer, h, HN_SHAPE2(1, units), last_start(generator, target), hn_init_zeros());
    const int64_t rows = target->outputs.height * target->outputs.width;
    const int64_t columns = target->inputs.height * target->inputs.width;
    return hn_weights_put(weights, target->name, hn_reshape(graph, h, HN_SHAPE2(rows, columns)));
}
