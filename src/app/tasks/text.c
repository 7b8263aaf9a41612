/* The task "text": opened, declared, bound. What a step, an evaluation and a sample do is in the files beside this one. */
#include "app/tasks/text.h"

#include <string.h>

#include "app/tasks/registry.h"
#include "app/tasks/text_paper.h"
#include "core/alloc.h"
#include "nn/settings.h"
#include "nn/trained.h"

int64_t hni_text_state_size(const hni_task_work *work) { return hn_cell_state_size(&work->model.cell); }

static hn_status find_data(hn_context *context, const void *data, const hni_data_places *places,
                           hni_data_status *out_status)
{
    return hni_data_find(context, ((const hni_text_settings *)data)->path, places, out_status);
}

/* ---- open ---- */

/* Model and vocabulary of a trained model, instead of the recipe's. */
static hn_status take_checkpoint(hni_task_work *work, const hn_safetensors *file)
{
    const char *json = hn_safetensors_text(file, "model");
    hn_status status;
    if (json == NULL || hn_safetensors_find(file, "blob.vocabulary") == NULL) {
        return hni_error(work->context, HN_ERROR_FORMAT,
                         "checkpoint: holds no language model (it has no %s): take the last.safetensors or "
                         "best.safetensors of a run",
                         json == NULL ? "'model' in __metadata__" : "'blob.vocabulary'");
    }
    HNI_TRY(hn_language_model_from_json(work->context, json, &work->model));
    HNI_TRY(hni_trained_read_vocabulary(work->context, file, &work->model, &work->trained));
    if (hn_vocabulary_count(work->trained) > HNI_MOST_SYMBOLS) {
        HNI_TRY(hni_error(work->context, HN_ERROR_FORMAT,
                          "checkpoint: 'blob.vocabulary' has %lld symbols, at most %d can be told apart",
                          (long long)hn_vocabulary_count(work->trained), HNI_MOST_SYMBOLS));
    }
    if (work->model.symbols == HN_SYMBOL_CHARACTER) {
        work->data.kind = HNI_TEXT_KIND_CHARACTERS;
    } else if (work->data.kind == HNI_TEXT_KIND_CHARACTERS) {
        HNI_TRY(hni_error(work->context, HN_ERROR_FORMAT,
                          "checkpoint: its symbols are bytes, the recipe beside it says data.kind characters"));
    }
    work->vocabulary = work->trained;
    work->data.vocabulary_size = work->model.vocabulary_size;
cleanup:
    return status;
}

/* The recipe's model for the recipe's text. */
static hn_status take_recipe(hni_task_work *work, const hni_task_open *open)
{
    const bool is_open = work->data.vocabulary_size == 0; /* until the text has been read */
    if (is_open && open->places == NULL && open->file == NULL) {
        return hni_error(work->context, HN_ERROR_ARGUMENT,
                         "data.vocabulary_size: is 0, as many as occur in the text, which is not read here: say how "
                         "many, for example --set data.vocabulary_size=256");
    }
    work->model.vocabulary_size = is_open ? 1 : work->data.vocabulary_size;
    work->model.symbols = hni_text_symbol_kind(work->data.kind);
    return hni_text_settings_check(work->context, &work->data);
}

/* The rows of a trained model's symbols for the recipe's text, whatever symbols occur in it. A file of parameters alone has none. */
static hn_status take_symbols(hni_task_work *work, const hn_safetensors *file)
{
    const char *json = hn_safetensors_text(file, "model");
    hn_language_model model;
    hn_status status = HN_OK;
    if (json == NULL || hn_safetensors_find(file, "blob.vocabulary") == NULL) return HN_OK;
    HNI_TRY(hn_language_model_from_json(work->context, json, &model));
    if (model.symbols != work->model.symbols) {
        HNI_TRY(hni_error(work->context, HN_ERROR_FORMAT, "checkpoint: its symbols are %s, those of data.kind are %s",
                          model.symbols == HN_SYMBOL_CHARACTER ? "characters" : "bytes",
                          model.symbols == HN_SYMBOL_CHARACTER ? "bytes" : "characters"));
    }
    if (work->data.vocabulary_size != 0 && work->data.vocabulary_size != model.vocabulary_size) {
        HNI_TRY(hni_error(work->context, HN_ERROR_SHAPE,
                          "checkpoint: has %lld rows of symbols, data.vocabulary_size is %lld: set it to %lld",
                          (long long)model.vocabulary_size, (long long)work->data.vocabulary_size,
                          (long long)model.vocabulary_size));
    }
    work->data.vocabulary_size = work->model.vocabulary_size = model.vocabulary_size;
    HNI_TRY(hni_trained_read_vocabulary(work->context, file, &model, &work->trained));
    work->vocabulary = work->trained;
cleanup:
    return status;
}

static hn_status read_text(hni_task_work *work, const hni_task_open *open)
{
    const hni_text_source source = {.places = open->places, .vocabulary = work->trained, .file = open->file};
    const hn_status status = hni_text_open(work->context, &work->data, &source, &work->text);
    if (status != HN_OK) return status;
    work->vocabulary = work->text->vocabulary;
    work->tracks = hni_text_tracks_of(work->text->count[HNI_TEXT_TRAIN], work->data.batch, work->data.length);
    if (work->data.vocabulary_size == 0)
        work->data.vocabulary_size = work->model.vocabulary_size = hn_vocabulary_count(work->vocabulary);
    return HN_OK;
}

static void close_work(hni_task_work *work)
{
    if (work == NULL) return;
    hni_text_close(work->text);
    hni_vocabulary_destroy(work->trained);
    hni_free(work->context, work->starts);
    hni_free(work->context, work->state_copy);
    hni_free(work->context, work->figures);
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
    work->parts = 1;
    work->data = *(const hni_text_settings *)open->data;
    work->model = *(const hn_language_model *)open->model;
    HNI_TRY(open->checkpoint != NULL ? take_checkpoint(work, open->checkpoint) : take_recipe(work, open));
    if (open->symbols != NULL && open->checkpoint == NULL) HNI_TRY(take_symbols(work, open->symbols));
    HNI_TRY(hn_language_model_check(context, &work->model));
    if (open->places != NULL || open->file != NULL) HNI_TRY(read_text(work, open));
    HNI_TRY(hni_alloc_array(context, "windows", (size_t)work->data.batch, sizeof(int64_t), &memory));
    work->starts = memory;
    HNI_TRY(hni_text_figures_create(work));
    *out_work = work;
    work = NULL;
cleanup:
    close_work(work);
    return status;
}

static void size_of(const hni_task_work *work, hni_task_size *out_size)
{
    *out_size = (hni_task_size){
        .windows_per_epoch = work->tracks.windows,
        .symbols_per_step = work->data.batch * work->data.length,
        .rows_per_step = work->data.batch,
    };
    if (work->text == NULL) return;
    out_size->train_symbols = work->text->count[HNI_TEXT_TRAIN];
    out_size->valid_symbols = work->text->count[HNI_TEXT_VALID];
    out_size->test_symbols = work->text->count[HNI_TEXT_TEST];
}

/* "As many as occur" has become a number. */
static void settle(const hni_task_work *work, void *data)
{
    ((hni_text_settings *)data)->vocabulary_size = work->data.vocabulary_size;
}

static const char *data_checksum(const hni_task_work *work) { return work->text != NULL ? work->text->checksum : ""; }

/* ---- bind ---- */

static hn_status declare(hni_task_work *work, hn_store *store)
{
    return hn_language_model_declare(store, &work->model);
}

static hn_status bind_corpus(hni_task_work *work)
{
    work->corpus = HN_NO_TENSOR;
    if (work->text == NULL) return HN_OK;
    const hni_text_data *text = work->text;
    const hn_dtype dtype = text->wide != NULL ? HN_DTYPE_I32 : HN_DTYPE_U8;
    const int64_t count = text->count[HNI_TEXT_ALL];
    const hn_status status = hn_tensor_persist(work->graph, dtype, HN_SHAPE1(count), &work->corpus);
    if (status != HN_OK || hn_graph_is_dry(work->graph)) return status;
    const void *symbols = text->wide != NULL ? (const void *)text->wide : text->symbols;
    return hn_tensor_write(work->graph, work->corpus, dtype, count, symbols);
}

static hn_status bind_work(hni_task_work *work, hn_weights *weights)
{
    hn_status status;
    work->weights = weights;
    work->graph = hn_weights_graph(weights);
    HNI_TRY(bind_corpus(work));
    const hn_shape shape = HN_SHAPE2(work->data.batch, hni_text_state_size(work));
    for (int k = 0; k < work->model.layers; k++)
        HNI_TRY(hn_tensor_persist(work->graph, hn_graph_dtype(work->graph), shape, &work->state[k]));
cleanup:
    return status;
}

static hn_status model_json(const hni_task_work *work, char *out_text, size_t size)
{
    return hn_language_model_to_json(work->context, &work->model, out_text, size);
}

static const hni_figure *figures_of(const hni_task_work *work, size_t *out_count)
{
    *out_count = work->figure_count;
    return work->figures;
}

static const hni_paper_row *paper(const hni_task_work *work, const hni_paper_table **out_table)
{
    return hni_text_paper_find(&work->model, out_table);
}

const hni_task hni_task_text = {
    .name = "text",
    .help = "character language model on text (bits per character)",
    .measure =
        {.loss_key = "bpc",
         .loss_name = "bits per character",
         .metric_key = "bpc",
         .metric_name = "bits per character",
         .metric_unit = "bits per character",
         .metric_short = "bits/char.",
         .metric_words =
             "Bits per character: how much of a surprise the next character is to the model, on text that it did "
             "not learn from. Lower is better; 8 would be knowing nothing of a byte.",
         .nats = 0.6931471805599453,
         .decimals = 3,
         .passes = "the training text",
         .symbols = "characters",
         .symbols_short = "char."},
    .streams = true,
    .narrow = true,
    .sizes = "model.units, data.batch or data.length",
    .data_settings = hni_text_settings_table,
    .data_size = sizeof(hni_text_settings),
    .model_settings = hni_language_settings,
    .model_size = sizeof(hn_language_model),
    .find_data = find_data,
    .open = open_work,
    .close = close_work,
    .size = size_of,
    .data_checksum = data_checksum,
    .declare = declare,
    .bind = bind_work,
    .loss = hni_text_loss,
    .advance = hni_text_advance,
    .evaluate = hni_text_evaluate,
    .sample = hni_text_sample,
    .state_get = hni_text_state_get,
    .state_set = hni_text_state_set,
    .model_json = model_json,
    .label = hni_text_label,
    .sights = hni_text_sights,
    .describe = hni_text_describe,
    .settle = settle,
    .take_part = hni_text_take_part,
    .figures = figures_of,
    .dynamic_bytes = hni_text_dynamic_bytes,
    .paper = paper,
};
