/* How many directions the embeddings of a hypernetwork really use: the effective rank of the covariance of z, for each layer, each of
 * z_h, z_x, z_b, and each gate, over the first windows of an evaluation. With the paper's start all elements of z_h begin alike and get
 * like gradients, so that its rank stays 1 whatever E is; this is how one sees that. */
#include <stdio.h>

#include "app/tasks/covariance.h"
#include "app/tasks/text.h"
#include "core/alloc.h"

/* Positions are taken in whole windows until there are so many. */
#define ENOUGH_POSITIONS 1000
/* Elements of an embedding whose rank is taken: a covariance costs their square, in memory and at each position. */
#define WIDEST 256

enum { KINDS = 3 }; /* z_h, z_x, z_b */

struct hni_text_ranks {
    hni_task_work *work;
    int64_t embedding;           /* E */
    size_t gates;                /* G */
    int64_t positions;           /* so far */
    hni_covariance *covariances; /* [layers,KINDS,G], in the order of work->figures */
    double *memory;              /* theirs */
    float *z;                    /* [rows,T,G,E] of one window */
};

/* ---- names ---- */

/* G of a cell with embeddings that are not too wide, else 0. */
static size_t gates_of(const hn_cell *cell)
{
    if (cell->embedding_size > WIDEST) return 0;
    if (cell->kind == HN_CELL_HYPERLSTM) return 4;
    return cell->kind == HN_CELL_HYPERRNN || cell->kind == HN_CELL_HYPERRNN_FULL ? 1 : 0;
}

hn_status hni_text_figures_create(hni_task_work *work)
{
    static const char kinds[KINDS] = {'h', 'x', 'b'}, gates[] = {'i', 'g', 'f', 'o'};
    const size_t count = gates_of(&work->model.cell);
    void *memory = NULL;
    if (count == 0) return HN_OK;
    work->figure_count = (size_t)work->model.layers * KINDS * count;
    const hn_status status =
        hni_alloc_array(work->context, "figures", work->figure_count, sizeof *work->figures, &memory);
    if (status != HN_OK) return status;
    work->figures = memory;
    for (size_t i = 0; i < work->figure_count; i++) {
        hni_figure *figure = &work->figures[i];
        const size_t gate = i % count, kind = i / count % KINDS, layer = i / count / KINDS;
        const int length = snprintf(figure->name, sizeof figure->name, "rank.%zu.%c", layer, kinds[kind]);
        if (count > 1) snprintf(figure->name + length, sizeof figure->name - (size_t)length, ".%c", gates[gate]);
    }
    return HN_OK;
}

/* ---- one evaluation ---- */

hn_status hni_text_ranks_create(hni_task_work *work, int64_t positions, hni_text_ranks **out_ranks)
{
    const int64_t embedding = work->model.cell.embedding_size;
    hni_text_ranks *ranks = NULL;
    void *memory = NULL;
    size_t each;
    hn_status status;
    *out_ranks = NULL;
    if (work->figure_count == 0) return HN_OK;
    HNI_TRY(hni_alloc(work->context, "ranks", sizeof *ranks, &memory));
    ranks = memory;
    *ranks = (hni_text_ranks){.work = work, .embedding = embedding, .gates = gates_of(&work->model.cell)};
    if (!hni_covariance_room(embedding, &each)) {
        HNI_TRY(hni_error(work->context, HN_ERROR_MEMORY, "ranks: model.embedding_size %lld is too large",
                          (long long)embedding));
    }
    HNI_TRY(hni_alloc_array(work->context, "ranks", work->figure_count, sizeof *ranks->covariances, &memory));
    ranks->covariances = memory;
    HNI_TRY(hni_alloc_array(work->context, "ranks", work->figure_count, each * sizeof(double), &memory));
    ranks->memory = memory;
    HNI_TRY(hni_alloc_array(work->context, "ranks", (size_t)positions * ranks->gates, (size_t)embedding * sizeof(float),
                            &memory));
    ranks->z = memory;
    for (size_t i = 0; i < work->figure_count; i++)
        hni_covariance_start(&ranks->covariances[i], embedding, ranks->memory + i * each);
    *out_ranks = ranks;
    ranks = NULL;
cleanup:
    hni_text_ranks_destroy(ranks);
    return status;
}

void hni_text_ranks_destroy(hni_text_ranks *ranks)
{
    if (ranks == NULL) return;
    hn_context *context = ranks->work->context;
    hni_free(context, ranks->covariances);
    hni_free(context, ranks->memory);
    hni_free(context, ranks->z);
    hni_free(context, ranks);
}

bool hni_text_ranks_want(const hni_text_ranks *ranks) { return ranks != NULL && ranks->positions < ENOUGH_POSITIONS; }

/* z [rows,T,G,E] of one layer and kind; its covariances begin at `first`. */
static hn_status add_kind(hni_text_ranks *ranks, hn_tensor z, size_t first, int64_t *out_positions)
{
    const hni_task_work *work = ranks->work;
    const hn_shape shape = hn_tensor_shape(work->graph, z);
    const hn_status status = hn_tensor_read(work->graph, z, HN_DTYPE_F32, hn_shape_elements(shape), ranks->z);
    if (status != HN_OK) return status;
    *out_positions = shape.size[0] * shape.size[1];
    for (int64_t position = 0; position < *out_positions; position++) {
        for (size_t gate = 0; gate < ranks->gates; gate++) {
            const size_t at = (size_t)position * ranks->gates + gate;
            hni_covariance_add(&ranks->covariances[first + gate], ranks->z + at * (size_t)ranks->embedding);
        }
    }
    return HN_OK;
}

hn_status hni_text_ranks_add(hni_text_ranks *ranks, const hn_observation *layers)
{
    int64_t positions = 0;
    size_t at = 0;
    for (int k = 0; k < ranks->work->model.layers; k++) {
        const hn_tensor kinds[KINDS] = {layers[k].z_h, layers[k].z_x, layers[k].z_b};
        for (int kind = 0; kind < KINDS; kind++, at += ranks->gates) {
            const hn_status status = add_kind(ranks, kinds[kind], at, &positions);
            if (status != HN_OK) return status;
        }
    }
    ranks->positions += positions;
    return HN_OK;
}

void hni_text_ranks_finish(const hni_text_ranks *ranks)
{
    for (size_t i = 0; i < ranks->work->figure_count; i++)
        ranks->work->figures[i].value = hni_covariance_rank(&ranks->covariances[i]);
}
