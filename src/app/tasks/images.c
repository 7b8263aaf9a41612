/* The task "images": opened, declared, bound. What a step and an evaluation do is in the files beside this one. */
#include "app/tasks/images.h"

#include <string.h>

#include "app/data/image_batch.h"
#include "app/tasks/images_paper.h"
#include "app/tasks/registry.h"
#include "core/alloc.h"
#include "graph/graph.h"

static hn_status find_data(hn_context *context, const void *data, const hni_data_places *places,
                           hni_data_status *out_status)
{
    return hni_data_find(context, ((const hni_images_settings *)data)->path, places, out_status);
}

/* ---- open ---- */

static hn_status take_checkpoint(hni_task_work *work, const hn_safetensors *file)
{
    const char *json = hn_safetensors_text(file, "model");
    hn_status status;
    if (json == NULL) {
        return hni_error(work->context, HN_ERROR_FORMAT,
                         "checkpoint: holds no image model (it has no 'model' in __metadata__): take the "
                         "last.safetensors or best.safetensors of a run");
    }
    HNI_TRY(hn_image_model_from_json(work->context, json, &work->model));
    HNI_TRY(hni_image_facts_read(work->context, file, &work->model, &work->facts));
cleanup:
    return status;
}

/* Sizes of the model that are 0 become those of the images; others must be the same. */
static hn_status match(hni_task_work *work)
{
    const hni_images *images = work->images;
    const struct {
        const char *name;
        int64_t *model, images;
    } sizes[] = {{"channels", &work->model.channels, images->channels},
                 {"height", &work->model.height, images->height},
                 {"width", &work->model.width, images->width},
                 {"classes", &work->model.classes, images->classes}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (*sizes[i].model == 0) *sizes[i].model = sizes[i].images;
        if (*sizes[i].model == sizes[i].images) continue;
        if (work->facts.classes != NULL) {
            return hni_error(work->context, HN_ERROR_SHAPE,
                             "the images of '%.300s': their %s is %lld, the model was trained on %lld", work->data.path,
                             sizes[i].name, (long long)sizes[i].images, (long long)*sizes[i].model);
        }
        return hni_error(
            work->context, HN_ERROR_SHAPE,
            "model.%s is %lld, the images of '%.300s' have %lld: set it to that, or to 0 for what the images have",
            sizes[i].name, (long long)*sizes[i].model, work->data.path, (long long)sizes[i].images);
    }
    return HN_OK;
}

/* Classes of folders are in order of their names: a label means what it meant in training only if the names are the same. */
static hn_status match_classes(const hni_task_work *work)
{
    const hni_images *images = work->images;
    const char *name = work->facts.classes;
    if (images->kind != HNI_IMAGES_KIND_FOLDER) return HN_OK;
    for (int64_t i = 0; i < images->classes; i++) {
        const size_t length = strcspn(name, "\n");
        if (strlen(images->class_names[i]) != length || memcmp(images->class_names[i], name, length) != 0) {
            return hni_error(work->context, HN_ERROR_ARGUMENT,
                             "the images of '%.300s': class %lld is '%.64s', the model was trained on '%.*s' there: "
                             "name the folders as "
                             "they were",
                             work->data.path, (long long)i, images->class_names[i], (int)(length < 64 ? length : 64),
                             name);
        }
        name += length + (name[length] != 0);
    }
    return HN_OK;
}

static hn_status read_images(hni_task_work *work, const hni_task_open *open)
{
    const hni_images_source source = {.places = open->places, .look = open->file != NULL};
    hn_status status;
    if (open->file != NULL) {
        const size_t length = strlen(open->file);
        if (length >= sizeof work->data.path)
            return hni_error(work->context, HN_ERROR_ARGUMENT, "%.200s...: the path is too long", open->file);
        memcpy(work->data.path, open->file, length + 1);
        work->data.kind = HNI_IMAGES_KIND_AUTO;
    }
    HNI_TRY(hni_images_open(work->context, &work->data, &source, &work->images));
    HNI_TRY(match(work));
    HNI_TRY(work->facts.classes != NULL ? match_classes(work) : hni_images_take_facts(work));
cleanup:
    return status;
}

static hn_status check_sizes(const hni_task_work *work)
{
    const hn_image_model *model = &work->model;
    if (model->channels > 0 && model->height > 0 && model->width > 0 && model->classes > 0) return HN_OK;
    return hni_error(work->context, HN_ERROR_ARGUMENT,
                     "model.channels, model.height, model.width or model.classes is 0, what the images have, which are "
                     "not read here: "
                     "say how many, for example --set model.classes=10");
}

static hn_status take_batch(hni_task_work *work)
{
    const size_t rows = (size_t)work->data.batch;
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(work->context, "batch", rows, sizeof *work->views, &memory));
    work->views = memory;
    HNI_TRY(hni_alloc_array(work->context, "batch", rows, sizeof *work->rows, &memory));
    work->rows = memory;
    HNI_TRY(hni_alloc_array(work->context, "batch", rows, sizeof *work->labels, &memory));
    work->labels = memory;
    HNI_TRY(hni_alloc_array(work->context, "batch", rows * (size_t)work->model.classes, sizeof *work->logits, &memory));
    work->logits = memory;
cleanup:
    return status;
}

static void close_work(hni_task_work *work)
{
    if (work == NULL) return;
    hni_images_close(work->images);
    hni_free(work->context, work->facts.classes);
    hni_free(work->context, work->facts.norm);
    hni_free(work->context, work->views);
    hni_free(work->context, work->rows);
    hni_free(work->context, work->labels);
    hni_free(work->context, work->logits);
    hni_free(work->context, work);
}

static hn_status open_work(const hni_task_open *open, hni_task_work **out_work)
{
    hn_context *context = open->context;
    hni_task_work *work = NULL;
    void *memory = NULL;
    hn_status status;
    *out_work = NULL;
    HNI_TRY(hni_alloc(context, "task", sizeof *work, &memory));
    work = memory;
    work->context = context;
    work->data = *(const hni_images_settings *)open->data;
    work->model = *(const hn_image_model *)open->model;
    work->figure = (hni_figure){.name = "valid_loss"};
    if (open->checkpoint != NULL) HNI_TRY(take_checkpoint(work, open->checkpoint));
    if (open->places != NULL || open->file != NULL) HNI_TRY(read_images(work, open));
    HNI_TRY(check_sizes(work));
    HNI_TRY(hn_image_model_check(context, &work->model));
    HNI_TRY(take_batch(work));
    *out_work = work;
    work = NULL;
cleanup:
    close_work(work);
    return status;
}

static void size_of(const hni_task_work *work, hni_task_size *out_size)
{
    *out_size = (hni_task_size){.symbols_per_step = work->data.batch, .rows_per_step = work->data.batch};
    if (work->images == NULL) return;
    out_size->train_symbols = work->images->part[HNI_IMAGES_TRAIN].count;
    out_size->valid_symbols = work->images->part[HNI_IMAGES_VALID].count;
    out_size->test_symbols = work->images->part[HNI_IMAGES_TEST].count;
    out_size->windows_per_epoch = hni_image_batches(work->images, work->data.batch);
}

static const char *data_checksum(const hni_task_work *work)
{
    return work->images != NULL ? work->images->checksum : "";
}

/* ---- bind ---- */

static hn_status declare(hni_task_work *work, hn_store *store) { return hn_image_model_declare(store, &work->model); }

/* The graph reads the images where they are: a large set is in memory once. (A backend whose memory is not the processor's will want
 * a copy here.) */
static hn_status bind_work(hni_task_work *work, hn_weights *weights)
{
    const hn_image_model *model = &work->model;
    const hni_images *images = work->images;
    const hn_shape shape = HN_SHAPE4(images != NULL ? images->count : 1, model->channels, model->height, model->width);
    const hni_view pixels = hni_view_of(images != NULL ? images->pixels : NULL, HN_DTYPE_U8, shape);
    work->weights = weights;
    work->graph = hn_weights_graph(weights);
    work->pixels = hni_graph_bind(work->graph, &pixels, NULL);
    return hn_graph_status(work->graph);
}

static hn_status model_json(const hni_task_work *work, char *out_text, size_t size)
{
    return hn_image_model_to_json(work->context, &work->model, out_text, size);
}

static const hni_figure *figures_of(const hni_task_work *work, size_t *out_count)
{
    *out_count = 1;
    return &work->figure;
}

static const hni_paper_row *paper(const hni_task_work *work, const hni_paper_table **out_table)
{
    return hni_images_paper_find(hn_store_elements(hn_weights_store(work->weights)), work->data.path, out_table);
}

static const char *class_name(const hni_task_work *work, int64_t index, size_t *out_size)
{
    return hni_image_class_of(work->facts.classes, index, out_size);
}

const hni_task hni_task_images = {
    .name = "images",
    .help = "classification of images (error in percent)",
    .measure =
        {.loss_key = "loss",
         .loss_name = "nats",
         .metric_key = "error",
         .metric_name = "error, %",
         .metric_unit = "% wrong",
         .metric_short = "%",
         .metric_words =
             "Error: how many images of a hundred, of those that it did not learn from, a model takes for another "
             "class. Lower is better.",
         .nats = 1,
         .decimals = 2,
         .passes = "the training images",
         .symbols = "images",
         .symbols_short = "images"},
    .sizes = "data.batch, model.depth or model.widen",
    .data_settings = hni_images_settings_table,
    .data_size = sizeof(hni_images_settings),
    .model_settings = hni_image_settings,
    .model_size = sizeof(hn_image_model),
    .find_data = find_data,
    .open = open_work,
    .close = close_work,
    .size = size_of,
    .data_checksum = data_checksum,
    .declare = declare,
    .bind = bind_work,
    .loss = hni_images_loss,
    .evaluate = hni_images_evaluate,
    .state_get = hni_images_state_get,
    .state_set = hni_images_state_set,
    .model_json = model_json,
    .label = hni_images_label,
    .describe = hni_images_describe,
    .class_name = class_name,
    .predict = hni_images_predict,
    .bake = hni_images_bake,
    .compare = hni_images_compare,
    .weights = hni_images_weights,
    .embeddings = hni_images_embeddings,
    .make = hni_images_make,
    .figures = figures_of,
    .paper = paper,
};
