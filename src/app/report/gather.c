/* See gather.h. */
#include "app/report/gather.h"

#include "app/report/principal.h"
#include "core/alloc.h"

static hn_status refuse(hn_context *context, const hni_task *task, const hni_task_work *work, const char *what)
{
    char label[96];
    task->label(work, label, sizeof label);
    return hni_error(context, HN_ERROR_ARGUMENT, "%s, and this model (%s) is another", what, label);
}

static hn_status check_layer(hn_context *context, const hni_task_sights *sights, int layer)
{
    if (layer >= 0 && layer < sights->layers) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "layer %d of %d (they count from 0)", layer, sights->layers);
}

/* ---- phi ---- */

typedef struct phi_user {
    hni_histogram_counts *counts;
    bool sampled; /* what is wanted */
} phi_user;

static void count_phi(void *user, const hni_task_observation *seen)
{
    const phi_user *to = user;
    if (seen->sampled == to->sampled) hni_histogram_add(to->counts, seen->phi, (size_t)seen->units);
}

hn_status hni_gather_phi(hn_context *context, const hni_task *task, hni_task_work *work,
                         const hni_sample_options *options, hni_histogram_counts *counts)
{
    hni_sample_options sample = *options;
    phi_user user = {.counts = counts, .sampled = options->length > 0};
    hni_task_sights sights;
    hn_status status;
    task->sights(work, &sights);
    if (!sights.phi)
        return refuse(context, task, work, "phi: only cells with an output gate, LSTM and HyperLSTM, have it");
    HNI_TRY(check_layer(context, &sights, options->observe_layer));
    sample.write = NULL;
    sample.observe = count_phi;
    sample.user = &user;
    HNI_TRY(task->sample(work, &sample));
cleanup:
    return status;
}

/* ---- path ---- */

typedef struct path_user {
    bool sampled;      /* what is wanted */
    size_t width;      /* G*E */
    hni_text *symbols; /* bytes, one symbol after the other */
    hni_text sizes;    /* size_t, of each symbol */
    hni_text rows;     /* floats [count,width] */
} path_user;

static void keep_embedding(void *user, const hni_task_observation *seen)
{
    path_user *to = user;
    if (seen->sampled != to->sampled) return;
    to->width = (size_t)seen->gates * (size_t)seen->embedding_size;
    hni_text_add_bytes(to->symbols, seen->bytes, seen->size);
    hni_text_add_bytes(&to->sizes, &seen->size, sizeof seen->size);
    hni_text_add_bytes(&to->rows, seen->z_h, to->width * sizeof *seen->z_h);
}

static hn_status make_points(hn_context *context, const path_user *from, hni_gathered_path *out)
{
    const size_t *sizes = (const size_t *)(const void *)from->sizes.data;
    const size_t count = from->sizes.size / sizeof *sizes;
    const hni_cloud cloud = {
        .points = (const float *)(const void *)from->rows.data, .count = count, .width = from->width};
    void *memory = NULL;
    double *xy = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "path", count, sizeof *out->points, &memory));
    out->points = memory;
    HNI_TRY(hni_alloc_array(context, "path", count, 2 * sizeof *xy, &memory));
    xy = memory;
    HNI_TRY(hni_principal_two(context, &cloud, xy, out->path.share));
    for (size_t i = 0, at = 0; i < count; at += sizes[i++]) {
        out->points[i] =
            (hni_path_point){.x = xy[2 * i], .y = xy[2 * i + 1], .bytes = out->text.data + at, .size = sizes[i]};
    }
    out->path.points = out->points;
    out->path.count = count;
cleanup:
    hni_free(context, xy);
    return status;
}

hn_status hni_gather_path(hn_context *context, const hni_task *task, hni_task_work *work,
                          const hni_sample_options *options, hni_gathered_path *out_path)
{
    hni_sample_options sample = *options;
    path_user user = {.sampled = options->length > 0,
                      .symbols = &out_path->text,
                      .sizes = {.context = context},
                      .rows = {.context = context}};
    hni_task_sights sights;
    hn_status status;
    *out_path = (hni_gathered_path){.text = {.context = context}, .path = {.name = "z_h"}};
    task->sights(work, &sights);
    if (!sights.embedding)
        return refuse(context, task, work,
                      "path: only a hypernetwork's model, whose model.cell has 'hyper' in its "
                      "name, has embeddings");
    HNI_TRY(check_layer(context, &sights, options->observe_layer));
    sample.write = NULL;
    sample.observe = keep_embedding;
    sample.user = &user;
    HNI_TRY(task->sample(work, &sample));
    HNI_TRY(out_path->text.status);
    HNI_TRY(user.sizes.status);
    HNI_TRY(user.rows.status);
    if (out_path->text.size == 0)
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "path: no symbol was read: give a longer text"));
    HNI_TRY(make_points(context, &user, out_path));
cleanup:
    hni_text_free(&user.sizes);
    hni_text_free(&user.rows);
    return status;
}

void hni_gathered_path_free(hni_gathered_path *path)
{
    hn_context *context = path->text.context;
    if (context == NULL) return;
    hni_free(context, path->points);
    hni_text_free(&path->text);
}
