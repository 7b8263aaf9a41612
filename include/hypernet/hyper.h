/* Static hypernetworks: a generator makes weights of a network from learned embeddings and puts them in place by name
 * (hn_weights_put). The network cannot tell; its gradients reach the generator.
 *
 * Letters: O output channels, C input channels, f width of a kernel, E embedding size, d units of the generator, J embeddings.
 * Call a generator before the network in every pass, the dry one that declares parameters included. Names and layouts of a
 * generator's own parameters: docs/checkpoint.md.
 *
 *     hn_kernel_generator_default(&generator);                          // paper 3.1: basic kernels of 16 to 16 channels, 3 x 3
 *     const hn_target targets[] = {{"conv2.kernel", HN_SHAPE4(64, 32, 3, 3)}};                      // 8 tiles
 *     status = hn_generate_kernels(weights, "generator", &generator, targets, 1, NULL);
 */
#ifndef HYPERNET_HYPER_H
#define HYPERNET_HYPER_H

#include "hypernet/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A weight that is generated: the name under which the network asks for it, and its shape. */
typedef struct hn_target {
    const char *name;
    hn_shape shape;
} hn_target;

/* How a generator's own numbers start. */
typedef enum hn_generator_start {
    HN_GENERATOR_START_PAPER = 0,   /* weights N(0, 0.01^2), biases 0, embeddings N(0, 1) cut at 2 */
    HN_GENERATOR_START_HYPERFAN_IN, /* Chang et al. 2020: so that generated kernels have variance 2 / (C f^2), or .. */
    HN_GENERATOR_START_HYPERFAN_OUT /* .. 2 / (O f^2), each target for its own C or O */
} hn_generator_start;

/* The paper's generator of convolution kernels (3.1, equations 2 and 3). For each embedding z_j it makes a basic kernel:
 *
 *     a_i = W_i z_j + B_i,   K_i = W_out a_i + B_out      i = 1 .. inputs      two layers
 *     K_i = W_i z_j                                                            linear
 *
 * A target whose C and O are multiples of the basic numbers is tiled from (C / inputs) * (O / outputs) basic kernels in row-major
 * order: rows are blocks of input channels, columns blocks of output channels. Tiles of all targets follow each other. */
typedef struct hn_kernel_generator {
    int64_t inputs;         /* channels of the basic kernel; default 16 */
    int64_t outputs;        /* default 16 */
    int64_t size;           /* f; default 3 */
    int64_t embedding_size; /* E; default 64 */
    int64_t units;          /* d; 0 (the default): E. Two layers only */
    bool linear;            /* one layer, without bias: E * inputs * outputs * f^2 numbers */
    hn_generator_start start;
} hn_kernel_generator;

HN_API void hn_kernel_generator_default(hn_kernel_generator *out_generator);
/* The number of basic kernels that a target [O,C,f,f] takes, which is that of its embeddings. HN_ERROR_SHAPE for sizes that do not
 * divide. */
HN_API HN_MUST_USE hn_status hn_kernel_generator_tiles(hn_context *context, const hn_kernel_generator *generator,
                                                       const hn_target *target, int64_t *out_tiles);
/* Makes the kernels of all targets in one pass and puts them in their places. out_block, which may be NULL: all J basic kernels
 * [J,inputs,outputs,f,f], from which the targets were put together. Errors go to the graph too. */
HN_API HN_MUST_USE hn_status hn_generate_kernels(hn_weights *weights, const char *name,
                                                 const hn_kernel_generator *generator, const hn_target *targets,
                                                 int64_t count, hn_tensor *out_block);
/* The basic kernels of any embeddings [n,E] -> [n,inputs,outputs,f,f]: what lies between two layers, for example (equation 2, not tiled).
 * "NAME.embeddings" is not asked for. A builder: errors go to the graph. HN_ERROR_ARGUMENT: a setting out of range (sizes 1 .. 65536, f to
 * 1024), units of a linear generator, a weight's name (as "NAME.weight_out") longer than 159 bytes. HN_ERROR_SHAPE: embeddings that are not
 * [n,E]. HN_ERROR_UNSUPPORTED: a weight of the generator is itself replaced by one a sample. */
HN_API hn_tensor hn_generate_tiles(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                                   hn_tensor embeddings);

/* ---- any weights of any network ------------------------------------------------------------------------------ */

/* Generated numbers that stand for a weight: mean + deviation * what the generator makes, which has variance 1 at the start. */
typedef struct hn_chunk_target {
    const char *name;
    hn_shape shape;   /* of any rank; at most HN_MAX_RANK - 1 with a condition a sample */
    double deviation; /* 0: 1 / sqrt(elements / size[0]) for two dimensions and more, else 0.01 */
    double mean;
} hn_chunk_target;

/* A network (linear without hidden layers) that makes all numbers of a list of targets in chunks of one size, each from a learned
 * embedding of its own; the last chunk is cut. Beside the chunk's embedding it may read the embedding of a task and a condition, so
 * that one generator serves several data sets, or each sample has weights of its own. Not in the paper, whose static generators
 * make kernels (3.1) or a matrix from coordinates (A.1): it is the chunked hypernetwork of von Oswald et al. 2020, which reads embeddings
 * of chunk and task, with a condition added. Sizes are at most 2^20; units without hidden layers and task_size without tasks must be at
 * least 1 all the same. */
typedef struct hn_chunk_generator {
    int64_t chunk_size;       /* numbers of a chunk; default 1024 */
    int64_t embedding_size;   /* E, of a chunk; default 8 */
    int hidden_layers;        /* 0 .. 16; default 1 */
    int64_t units;            /* of each hidden layer; default 32 */
    hn_activation activation; /* of the hidden layers; default relu */
    int64_t tasks;            /* number of tasks; 0 (the default): no embeddings of tasks */
    int64_t task_size;        /* numbers of a task's embedding; default 8 */
} hn_chunk_generator;

typedef struct hn_chunk_inputs {
    int64_t task; /* 0 .. tasks - 1 */
    hn_tensor
        condition; /* [Q]; or [B,Q]: weights a sample [B,..]; HN_NO_TENSOR: none. Numbers of variance 1 suit the start */
} hn_chunk_inputs;

HN_API void hn_chunk_generator_default(hn_chunk_generator *out_generator);
/* Makes the weights of all targets in one pass and puts them in their places. inputs may be NULL where there are neither tasks nor a
 * condition. Errors go to the graph too. HN_ERROR_ARGUMENT: a setting of the generator out of range, `name` longer than 100 bytes, no
 * targets, one without a name, a deviation below 0 or not finite, a mean that is not finite, a task outside [0, tasks) (without tasks: not
 * 0), tasks without inputs. HN_ERROR_SHAPE: a condition of another rank, a target of rank 6 with a condition [B,Q], one with a size below
 * 1, more numbers than can be counted. HN_ERROR_UNSUPPORTED: a weight of the generator is itself replaced by one a sample.
 *
 *     hn_chunk_generator_default(&generator);
 *     const hn_chunk_target targets[] = {{"layers.0.weight_h", HN_SHAPE2(4 * units, units)}};
 *     status = hn_generate_chunks(weights, "generator", &generator, targets, 1, NULL);
 */
HN_API HN_MUST_USE hn_status hn_generate_chunks(hn_weights *weights, const char *name,
                                                const hn_chunk_generator *generator, const hn_chunk_target *targets,
                                                int64_t count, const hn_chunk_inputs *inputs);

/* ---- a matrix from coordinates (paper A.1) ------------------------------------------------------------------- */

/* Where the units of a layer lie: unit number y * width + x at (x, y), both spread over [-1, 1]. */
typedef struct hn_coordinate_grid {
    int64_t height, width;
} hn_coordinate_grid;

typedef struct hn_coordinate_target {
    const char *name;                   /* of a matrix [outputs, inputs] */
    hn_coordinate_grid inputs, outputs; /* pixels, say 28 x 28; hidden units, say 16 x 16 */
} hn_coordinate_target;

/* A small relu network reads (x, y) of a weight's input and (x, y) of its output and makes that weight. All weights of the matrix are one
 * pass. */
typedef struct hn_coordinate_generator {
    int64_t units;     /* of each hidden layer; default 25 */
    int hidden_layers; /* 1 .. 16; default 2: with 25 units 801 numbers */
    int frequencies; /* 0 (the default): reads the coordinates; else, for k below it, cos and sin of 2^k pi/2 times each. At most 16 */
    hn_generator_start
        start; /* of the last layer: paper N(0, 0.01^2); hyperfan: variance 2 / inputs or 2 / outputs of the weights.
                               * The paper is silent about the others: He normal, biases uniform in [-1, 1) */
} hn_coordinate_generator;

HN_API void hn_coordinate_generator_default(hn_coordinate_generator *out_generator);
/* Makes the matrix [outputs, inputs] and puts it in its place (A.1). Errors go to the graph too. HN_ERROR_ARGUMENT: a setting out of range
 * (units and each side of a grid 1 .. 65536), a target without a name, `name` longer than 100 bytes. HN_ERROR_SHAPE: inputs * outputs *
 * units cannot be counted. HN_ERROR_UNSUPPORTED: a weight of the generator is itself replaced by one a sample.
 *
 *     hn_coordinate_generator_default(&generator);
 *     const hn_coordinate_target target = {"hidden.weight", {28, 28}, {16, 16}};
 *     status = hn_generate_from_coordinates(weights, "generator", &generator, &target);
 */
HN_API HN_MUST_USE hn_status hn_generate_from_coordinates(hn_weights *weights, const char *name,
                                                          const hn_coordinate_generator *generator,
                                                          const hn_coordinate_target *target);

#ifdef __cplusplus
}
#endif
#endif
