/* The change of the effective recurrent matrix, without making it. Where the rows of W_h are scaled, for each gate
 *
 *     || diag(d_h,t) W_h - diag(d_h,t-1) W_h ||_F = || (d_h,t - d_h,t-1) * row norms of W_h ||_2
 *
 * and where W_h = sum_k z_k W_k, with the sums of products <W_k,W_l> over all elements of two of the matrices and dz = z_t - z_t-1
 *
 *     || sum_k dz_k W_k ||_F^2 = sum_kl dz_k dz_l <W_k,W_l> */
#include "app/tasks/text_observe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

static bool scales_rows(const hn_cell *cell)
{
    return cell->kind == HN_CELL_HYPERLSTM || cell->kind == HN_CELL_HYPERRNN;
}

static bool has_embeddings(const hn_cell *cell) { return scales_rows(cell) || cell->kind == HN_CELL_HYPERRNN_FULL; }

static bool is_lstm(const hn_cell *cell) { return cell->kind == HN_CELL_LSTM || cell->kind == HN_CELL_HYPERLSTM; }

static const char *phi_quantity(const hn_cell *cell)
{
    if (!is_lstm(cell)) return NULL;
    return cell->layer_norm && cell->observed_phi == HN_OBSERVED_PHI_NORMALISED ? "φ(LN(c))" : "φ(c)";
}

void hni_text_sights(const hni_task_work *work, hni_task_sights *out_sights)
{
    const hn_cell *cell = &work->model.cell;
    *out_sights = (hni_task_sights){
        .layers = work->model.layers,
        .gates = is_lstm(cell) ? 4 : 1,
        .change_weight = has_embeddings(cell),
        .change_scale = scales_rows(cell),
        .embedding = has_embeddings(cell),
        .phi = is_lstm(cell),
        .phi_quantity = phi_quantity(cell),
    };
}

/* ---- what does not change ---- */

/* weight_h of the layer, [rows,N]; freed by the caller. */
static hn_status read_matrix(const hni_text_observer *observer, int layer, int64_t rows, float **out_matrix)
{
    const hni_task_work *work = observer->work;
    const hn_store *store = hn_weights_store(work->weights);
    void *memory = NULL;
    char name[64];
    hn_status status;
    snprintf(name, sizeof name, "layers.%d.weight_h", layer);
    HNI_TRY(hni_alloc_array(work->context, "weight change", (size_t)(rows * observer->units), sizeof(float), &memory));
    HNI_TRY(hn_store_read(store, hn_store_find(store, name), HN_DTYPE_F32, rows * observer->units, memory));
    *out_matrix = memory;
    memory = NULL;
cleanup:
    hni_free(work->context, memory);
    return status;
}

static double sum_of_products(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static hn_status read_row_norms(hni_text_observer *observer, int layer)
{
    const int64_t rows = observer->gates * observer->units, units = observer->units;
    float *matrix = NULL;
    const hn_status status = read_matrix(observer, layer, rows, &matrix);
    if (status != HN_OK) return status;
    for (int64_t row = 0; row < rows; row++)
        observer->row_norms[row] = (float)sqrt(sum_of_products(matrix + row * units, matrix + row * units, units));
    hni_free(observer->work->context, matrix);
    return HN_OK;
}

/* [E,E], each from two of the E matrices [N,N] that stand one below the other. */
static hn_status read_slice_products(hni_text_observer *observer, int layer)
{
    const int64_t slices = observer->embedding, size = observer->units * observer->units;
    float *matrix = NULL;
    const hn_status status = read_matrix(observer, layer, slices * observer->units, &matrix);
    if (status != HN_OK) return status;
    for (int64_t k = 0; k < slices; k++)
        for (int64_t l = 0; l <= k; l++)
            observer->slice_products[k * slices + l] = observer->slice_products[l * slices + k] =
                sum_of_products(matrix + k * size, matrix + l * size, size);
    hni_free(observer->work->context, matrix);
    return HN_OK;
}

static hn_status take(hn_context *context, int64_t count, float **out_numbers)
{
    void *memory = NULL;
    const hn_status status = hni_alloc_array(context, "weight change", (size_t)count, sizeof(float), &memory);
    *out_numbers = memory;
    return status;
}

hn_status hni_text_observer_open(const hni_task_work *work, hn_stream *stream, int layer,
                                 hni_text_observer *out_observer)
{
    const hn_cell *cell = &work->model.cell;
    hni_task_sights sights;
    void *memory = NULL;
    hn_status status;
    hni_text_sights(work, &sights);
    *out_observer = (hni_text_observer){.work = work, .gates = sights.gates, .units = cell->units};
    if (layer < 0 || layer >= work->model.layers) {
        return hni_error(work->context, HN_ERROR_ARGUMENT, "observation: layer %d of %d (they count from 0)", layer,
                         work->model.layers);
    }
    HNI_TRY(hn_stream_observe(stream, layer));
    if (sights.embedding) out_observer->embedding = cell->embedding_size;
    if (scales_rows(cell)) {
        HNI_TRY(take(work->context, out_observer->gates * cell->units, &out_observer->row_norms));
        HNI_TRY(take(work->context, out_observer->gates * cell->units, &out_observer->previous_d_h));
        HNI_TRY(read_row_norms(out_observer, layer));
    } else if (sights.embedding) {
        HNI_TRY(take(work->context, cell->embedding_size, &out_observer->previous_z_h));
        HNI_TRY(hni_alloc_array(work->context, "weight change", (size_t)(cell->embedding_size * cell->embedding_size),
                                sizeof(double), &memory));
        out_observer->slice_products = memory;
        HNI_TRY(read_slice_products(out_observer, layer));
    }
cleanup:
    return status;
}

void hni_text_observer_close(hni_text_observer *observer)
{
    if (observer->work == NULL) return;
    hni_free(observer->work->context, observer->row_norms);
    hni_free(observer->work->context, observer->previous_d_h);
    hni_free(observer->work->context, observer->previous_z_h);
    hni_free(observer->work->context, observer->slice_products);
}

/* ---- what does ---- */

/* Norms of one gate's change of d_h, plain and weighted by the rows of W_h. */
static void measure_rows(const hni_text_observer *observer, int64_t gate, const float *d_h, hni_task_observation *seen)
{
    double scale = 0, weight = 0;
    for (int64_t i = gate * observer->units; i < (gate + 1) * observer->units; i++) {
        const double moved = (double)d_h[i] - (double)observer->previous_d_h[i];
        const double weighted = moved * (double)observer->row_norms[i];
        scale += moved * moved;
        weight += weighted * weighted;
    }
    seen->change_scale[gate] = (float)sqrt(scale);
    seen->change_weight[gate] = (float)sqrt(weight);
}

/* Norm of the change of the sum of matrices. Rounding may leave less than nothing of a change that is none. */
static float measure_slices(const hni_text_observer *observer, const float *z_h)
{
    const int64_t slices = observer->embedding;
    double sum = 0;
    for (int64_t k = 0; k < slices; k++) {
        const double moved = (double)z_h[k] - (double)observer->previous_z_h[k];
        for (int64_t l = 0; l < slices; l++)
            sum +=
                moved * ((double)z_h[l] - (double)observer->previous_z_h[l]) * observer->slice_products[k * slices + l];
    }
    return (float)sqrt(fmax(sum, 0));
}

hn_status hni_text_observer_read(hni_text_observer *observer, const hn_stream *stream, int64_t lane,
                                 hni_task_observation *out_seen)
{
    const int64_t width = observer->gates * observer->units;
    hn_stream_observation seen;
    const hn_status status = hn_stream_observation_read(stream, &seen);
    if (status != HN_OK) return status;
    *out_seen = (hni_task_observation){
        .gates = (int)observer->gates, .embedding_size = observer->embedding, .units = observer->units};
    for (int gate = 0; gate < HNI_TASK_MOST_GATES; gate++)
        out_seen->change_weight[gate] = out_seen->change_scale[gate] = NAN;
    if (seen.phi != NULL) out_seen->phi = seen.phi + lane * observer->units;
    if (seen.z_h != NULL) out_seen->z_h = seen.z_h + lane * observer->gates * observer->embedding;
    if (observer->previous_d_h != NULL) {
        const float *d_h = seen.d_h + lane * width;
        for (int64_t gate = 0; gate < observer->gates && observer->has_previous; gate++)
            measure_rows(observer, gate, d_h, out_seen);
        memcpy(observer->previous_d_h, d_h, (size_t)width * sizeof *d_h);
    }
    if (observer->previous_z_h != NULL) {
        if (observer->has_previous) out_seen->change_weight[0] = measure_slices(observer, out_seen->z_h);
        memcpy(observer->previous_z_h, out_seen->z_h, (size_t)observer->embedding * sizeof *out_seen->z_h);
    }
    observer->has_previous = true;
    return HN_OK;
}
