/* The paper's generator of convolution kernels (3.1): basic kernels from embeddings (equation 2), kernels tiled from basic ones
 * (equation 3). All J embeddings of a network are one product for the a_i of every input channel, and one for the kernels; targets of
 * one shape that follow each other are put together in one pass. What replaces a kernel in the network is hn_weights_put. */
#include <math.h>

#include "core/alloc.h"
#include "hypernet/hyper.h"
#include "nn/cell.h"

#define MOST 65536     /* channels, embedding size and units: so that products of all can be counted */
#define MOST_SIZE 1024 /* f */
#define PAPER_DEVIATION 0.01

void hn_kernel_generator_default(hn_kernel_generator *out_generator)
{
    *out_generator = (hn_kernel_generator){.inputs = 16, .outputs = 16, .size = 3, .embedding_size = 64};
}

/* ---- checks ---- */

static hn_status check_generator(hn_context *context, const hn_kernel_generator *generator)
{
    const struct {
        const char *name;
        int64_t value, least, most;
    } sizes[] = {
        {"inputs", generator->inputs, 1, MOST},  {"outputs", generator->outputs, 1, MOST},
        {"size", generator->size, 1, MOST_SIZE}, {"embedding_size", generator->embedding_size, 1, MOST},
        {"units", generator->units, 0, MOST},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].value >= sizes[i].least && sizes[i].value <= sizes[i].most) continue;
        return hni_error(context, HN_ERROR_ARGUMENT, "kernel generator: %s is %lld, it must be between %lld and %lld",
                         sizes[i].name, (long long)sizes[i].value, (long long)sizes[i].least, (long long)sizes[i].most);
    }
    if (generator->linear && generator->units != 0)
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "kernel generator: a linear one has no units, %lld given: leave them at 0",
                         (long long)generator->units);
    if ((unsigned)generator->start > HN_GENERATOR_START_HYPERFAN_OUT)
        return hni_error(context, HN_ERROR_ARGUMENT, "kernel generator: there is no start number %d",
                         (int)generator->start);
    return HN_OK;
}

hn_status hn_kernel_generator_tiles(hn_context *context, const hn_kernel_generator *generator, const hn_target *target,
                                    int64_t *out_tiles)
{
    const hn_shape shape = target->shape;
    char text[96];
    *out_tiles = 0;
    const hn_status status = check_generator(context, generator);
    if (status != HN_OK) return status;
    if (target->name == NULL || target->name[0] == '\0')
        return hni_error(context, HN_ERROR_ARGUMENT, "kernel generator: a target has no name");
    hn_shape_print(shape, text, sizeof text);
    if (shape.rank != 4 || hn_shape_elements(shape) < 1)
        return hni_error(context, HN_ERROR_SHAPE, "kernel generator: \"%s\" %s is no kernel [O,C,f,f]", target->name,
                         text);
    if (shape.size[2] != generator->size || shape.size[3] != generator->size)
        return hni_error(context, HN_ERROR_SHAPE,
                         "kernel generator: \"%s\" %s is %lld x %lld, the basic kernel %lld x %lld: give kernels of "
                         "each size a generator of their own",
                         target->name, text, (long long)shape.size[2], (long long)shape.size[3],
                         (long long)generator->size, (long long)generator->size);
    if (shape.size[0] % generator->outputs != 0 || shape.size[1] % generator->inputs != 0)
        return hni_error(context, HN_ERROR_SHAPE,
                         "kernel generator: \"%s\" %s has %lld output and %lld input channels: they must be multiples "
                         "of the basic kernel's %lld and %lld",
                         target->name, text, (long long)shape.size[0], (long long)shape.size[1],
                         (long long)generator->outputs, (long long)generator->inputs);
    *out_tiles = shape.size[0] / generator->outputs * (shape.size[1] / generator->inputs);
    return HN_OK;
}

/* J of all targets, whose elements in all can be counted. */
static hn_status count_tiles(hn_context *context, const hn_kernel_generator *generator, const hn_target *targets,
                             int64_t count, int64_t *out_tiles)
{
    int64_t elements = 0;
    *out_tiles = 0;
    if (count < 1)
        return hni_error(context, HN_ERROR_ARGUMENT, "kernel generator: %lld targets: it needs at least one",
                         (long long)count);
    for (int64_t i = 0; i < count; i++) {
        int64_t tiles;
        const hn_status status = hn_kernel_generator_tiles(context, generator, &targets[i], &tiles);
        if (status != HN_OK) return status;
        const int64_t own = hn_shape_elements(targets[i].shape);
        if (own > INT64_MAX - elements)
            return hni_error(context, HN_ERROR_SHAPE,
                             "kernel generator: the targets have more elements than can be counted");
        elements += own;
        *out_tiles += tiles;
    }
    return HN_OK;
}

/* ---- starts ---- */

static bool is_paper(const hn_kernel_generator *generator) { return generator->start == HN_GENERATOR_START_PAPER; }

static int64_t units_of(const hn_kernel_generator *generator)
{
    return generator->units > 0 ? generator->units : generator->embedding_size;
}

/* Of the matrix that makes kernels from `width` numbers of variance 1, so that a basic kernel has variance 2 / (basic channels * f^2). */
static hn_init kernel_start(const hn_kernel_generator *generator, int64_t width)
{
    const int64_t fan = generator->start == HN_GENERATOR_START_HYPERFAN_IN ? generator->inputs : generator->outputs;
    const double numbers = (double)width * (double)fan * (double)generator->size * (double)generator->size;
    return hn_init_normal(is_paper(generator) ? PAPER_DEVIATION : sqrt(2 / numbers));
}

/* One matrix serves all widths, so a target with more channels than the basic kernel must have smaller embeddings. */
static void width_factors(const hn_kernel_generator *generator, const hn_target *targets, int64_t count,
                          double *out_factors)
{
    for (int64_t i = 0; i < count; i++) {
        const double rows = (double)targets[i].shape.size[1] / (double)generator->inputs;
        const double columns = (double)targets[i].shape.size[0] / (double)generator->outputs;
        const double wider = generator->start == HN_GENERATOR_START_HYPERFAN_IN ? rows : columns;
        for (int64_t tile = 0; tile < (int64_t)(rows * columns); tile++)
            *out_factors++ = 1 / sqrt(wider);
    }
}

/* Embeddings [J,E]. Uniform ones of variance 1 vary less in length than normal ones, which matters where E is small. */
static hn_tensor embeddings_of(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                               const hn_target *targets, int64_t count, int64_t tiles)
{
    hn_context *context = hn_graph_context(hn_weights_graph(weights));
    const hn_shape shape = HN_SHAPE2(tiles, generator->embedding_size);
    hn_init start = hn_init_truncated_normal(1);
    void *factors = NULL;
    if (!is_paper(generator) && !hn_store_is_sealed(hn_weights_store(weights))) {
        hn_graph *graph = hn_weights_graph(weights);
        graph->status = hni_alloc_array(context, "start of embeddings", (size_t)tiles, sizeof(double), &factors);
        if (graph->status != HN_OK) return HN_NO_TENSOR;
        width_factors(generator, targets, count, factors);
        start = hn_init_by_row(hn_init_uniform(sqrt(3)), factors);
    }
    const hn_tensor embeddings = hni_weight(weights, name, "embeddings", shape, start);
    hni_free(context, factors);
    return hni_want_rank(hn_weights_graph(weights), embeddings, "generator's embeddings", 2);
}

/* ---- basic kernels (equation 2) ---- */

static hn_tensor matrix(hn_weights *weights, const char *name, const char *suffix, hn_shape shape, hn_init start)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_tensor weight = hni_want_rank(graph, hni_weight(weights, name, suffix, shape, start), suffix, shape.rank);
    int64_t rows = 1;
    for (int i = 0; i + 1 < shape.rank; i++)
        rows *= shape.size[i];
    return hn_reshape(graph, weight, HN_SHAPE2(rows, shape.size[shape.rank - 1]));
}

static hn_tensor vector(hn_weights *weights, const char *name, const char *suffix, hn_shape shape)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_tensor weight = hni_weight(weights, name, suffix, shape, hn_init_zeros());
    return hn_reshape(graph, hni_want_rank(graph, weight, suffix, shape.rank), HN_SHAPE1(hn_shape_elements(shape)));
}

/* z [n,E] -> [n*C_in, C_out*f*f], or as many numbers in another shape */
static hn_tensor linear_kernels(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                                hn_tensor z)
{
    const int64_t e = generator->embedding_size, columns = generator->outputs * generator->size * generator->size;
    const hn_tensor weight =
        matrix(weights, name, "weight", HN_SHAPE3(generator->inputs, columns, e), kernel_start(generator, e));
    return hn_matmul(hn_weights_graph(weights), z, weight, HN_TRANSPOSE_B);
}

static hn_tensor two_layer_kernels(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                                   hn_tensor z, int64_t n)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t inputs = generator->inputs, e = generator->embedding_size, d = units_of(generator);
    const int64_t columns = generator->outputs * generator->size * generator->size;
    const hn_init start = hn_init_normal(is_paper(generator) ? PAPER_DEVIATION : 1 / sqrt((double)e));
    const hn_tensor weight_in = matrix(weights, name, "weight_in", HN_SHAPE3(inputs, d, e), start);
    const hn_tensor bias_in = vector(weights, name, "bias_in", HN_SHAPE2(inputs, d));
    const hn_tensor weight_out = matrix(weights, name, "weight_out", HN_SHAPE2(columns, d), kernel_start(generator, d));
    const hn_tensor bias_out = vector(weights, name, "bias_out", HN_SHAPE1(columns));
    const hn_tensor a = hn_add(graph, hn_matmul(graph, z, weight_in, HN_TRANSPOSE_B), bias_in);
    const hn_tensor rows = hn_reshape(graph, a, HN_SHAPE2(n * inputs, d));
    return hn_add(graph, hn_matmul(graph, rows, weight_out, HN_TRANSPOSE_B), bias_out);
}

/* z [n,E] -> [n,C_in,C_out,f,f] */
static hn_tensor basic_kernels(hn_weights *weights, const char *name, const hn_kernel_generator *generator, hn_tensor z,
                               int64_t n)
{
    const hn_tensor kernels = generator->linear ? linear_kernels(weights, name, generator, z)
                                                : two_layer_kernels(weights, name, generator, z, n);
    const hn_shape shape = hn_shape_of(5, n, generator->inputs, generator->outputs, generator->size, generator->size);
    return hn_reshape(hn_weights_graph(weights), kernels, shape);
}

hn_tensor hn_generate_tiles(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                            hn_tensor embeddings)
{
    hn_graph *graph = hn_weights_graph(weights);
    char text[96];
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    graph->status = check_generator(graph->context, generator);
    if (graph->status != HN_OK || hni_graph_want(graph, embeddings, "kernel generator") == NULL) return HN_NO_TENSOR;
    const hn_shape shape = hn_tensor_shape(graph, embeddings);
    if (shape.rank != 2 || shape.size[1] != generator->embedding_size || shape.size[0] > INT64_MAX / MOST)
        return hni_graph_fail(graph, HN_ERROR_SHAPE, "kernel generator: embeddings %s must be [n,%lld]",
                              hn_shape_print(shape, text, sizeof text), (long long)generator->embedding_size);
    return basic_kernels(weights, name, generator, embeddings, shape.size[0]);
}

/* ---- kernels put together from tiles (equation 3) ---- */

/* Targets of one shape that follow each other. */
typedef struct tile_run {
    const hn_target *targets;
    int64_t count;
    int64_t rows, columns; /* tiles of each */
} tile_run;

static tile_run run_at(const hn_kernel_generator *generator, const hn_target *targets, int64_t count)
{
    const hn_shape shape = targets[0].shape;
    tile_run out = {targets, 1, shape.size[1] / generator->inputs, shape.size[0] / generator->outputs};
    while (out.count < count && hn_shape_equal(targets[out.count].shape, shape))
        out.count++;
    return out;
}

/* Tiles [n*rows*columns,C_in,C_out,f,f] -> kernels [n*O,C,f,f]: the tile of row r and column c has the input channels r*C_in + i and
 * the output channels c*C_out + o. */
static hn_tensor join(hn_graph *graph, const hn_kernel_generator *generator, const tile_run *run, hn_tensor tiles)
{
    static const int order[6] = {0, 2, 4, 1, 3, 5};
    const int64_t f = generator->size;
    const hn_shape apart =
        hn_shape_of(6, run->count, run->rows, run->columns, generator->inputs, generator->outputs, f * f);
    const hn_tensor turned = hn_permute(graph, hn_reshape(graph, tiles, apart), order);
    return hn_reshape(graph, turned,
                      HN_SHAPE4(run->count * run->columns * generator->outputs, run->rows * generator->inputs, f, f));
}

static hn_status put(hn_weights *weights, const tile_run *run, hn_tensor kernels)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t outputs = run->targets[0].shape.size[0];
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < run->count; i++)
        status = hn_weights_put(weights, run->targets[i].name, hn_slice(graph, kernels, 0, i * outputs, outputs));
    return status;
}

hn_status hn_generate_kernels(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                              const hn_target *targets, int64_t count, hn_tensor *out_block)
{
    hn_graph *graph = hn_weights_graph(weights);
    int64_t tiles = 0, first = 0;
    hn_status status = hn_graph_status(graph);
    if (out_block != NULL) *out_block = HN_NO_TENSOR;
    if (status == HN_OK) status = graph->status = count_tiles(graph->context, generator, targets, count, &tiles);
    if (status != HN_OK) return status;
    const hn_tensor z = embeddings_of(weights, name, generator, targets, count, tiles);
    const hn_tensor block = basic_kernels(weights, name, generator, z, tiles);
    status = hn_graph_status(graph);
    for (int64_t i = 0; status == HN_OK && i < count;) {
        const tile_run next = run_at(generator, targets + i, count - i);
        const int64_t own = next.count * next.rows * next.columns;
        status = put(weights, &next, join(graph, generator, &next, hn_slice(graph, block, 0, first, own)));
        first += own;
        i += next.count;
    }
    if (status == HN_OK && out_block != NULL) *out_block = block;
    return status;
}
