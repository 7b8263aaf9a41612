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

#include "hypernet/params.h"

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
/* The basic kernels of any embeddings [n,E] -> [n,inputs,outputs,f,f]: what lies between two layers, for example. A builder. */
HN_API hn_tensor hn_generate_tiles(hn_weights *weights, const char *name, const hn_kernel_generator *generator,
                                   hn_tensor embeddings);

#ifdef __cplusplus
}
#endif
#endif
