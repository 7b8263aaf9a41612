/* See report_work.h. Every layer is seen while the same text is written: the text of one seed. */
#include "report_work.h"

#include <stdio.h>

#include "model.h"

#define PRIME "And God said, "
#define HEAT_LENGTH 300
#define PHI_LENGTH 400
#define PATH_LENGTH 120
#define TEMPERATURE 0.7
#define SEED 1
#define STRIP_STEPS 9

void hni_report_work_open(const hni_cli *cli, hni_report_work *out_work)
{
    hni_passage_open(cli, &out_work->text);
    for (int layer = 0; layer < HN_MAX_LAYERS; layer++)
        hni_passage_open(cli, &out_work->changes[layer]);
}

void hni_report_work_close(hni_report_work *work)
{
    hni_passage_close(&work->text);
    for (int layer = 0; layer < HN_MAX_LAYERS; layer++) {
        hni_passage_close(&work->changes[layer]);
        hni_gathered_path_free(&work->gathered[layer]);
    }
    hni_gathered_strip_free(&work->strip);
    hni_gathered_embeddings_free(&work->embeddings);
    for (int i = 0; i < HNI_REPORT_WEIGHTS; i++)
        hni_gathered_weight_free(&work->weights[i]);
    hni_answers_free(&work->answers);
}

/* ---- what the model writes ---- */

/* Primed if the model knows all symbols of the prime, else begun from nothing. */
static hn_status write_sample(hni_cli_model *model, hni_sample_options *options, hni_report_work *work)
{
    hn_context *context = model->context;
    options->prime = PRIME;
    work->sample.prime = PRIME;
    work->sample.title = "primed with \"" PRIME "\", temperature 0.7, seed 1";
    hn_status status = hni_passage_take(model->task, model->work, options, &work->text);
    if (status == HN_ERROR_ARGUMENT) { /* a symbol of the prime is unknown to this model */
        hn_context_clear(context);
        options->prime = "";
        work->sample.prime = NULL;
        work->sample.title = "temperature 0.7, seed 1";
        status = hni_passage_take(model->task, model->work, options, &work->text);
    }
    work->sample.bytes = work->text.text.data;
    work->sample.size = work->text.text.size;
    return status;
}

/* ---- what it shows meanwhile ---- */

static hn_status add_change(hni_cli_model *model, const hni_sample_options *options, int layer, hni_run *run,
                            hni_report_work *work)
{
    hni_sample_options sample = *options;
    char *title = work->heat_titles[layer];
    sample.length = HEAT_LENGTH;
    sample.observe_layer = layer;
    const hn_status status = hni_passage_take(model->task, model->work, &sample, &work->changes[layer]);
    snprintf(title, sizeof work->heat_titles[layer], "layer %d, while writing, %s", layer, work->sample.title);
    work->heats[layer] = (hni_run_heat){.title = title, .heat = hni_passage_heat(&work->changes[layer])};
    run->heats = work->heats;
    run->heat_count = (size_t)layer + 1;
    return status;
}

static hn_status add_path(hni_cli_model *model, const hni_sample_options *options, int layer, hni_run *run,
                          hni_report_work *work)
{
    hni_sample_options sample = *options;
    sample.length = PATH_LENGTH;
    sample.observe_layer = layer;
    const hn_status status = hni_gather_path(model->context, model->task, model->work, &sample, &work->gathered[layer]);
    snprintf(work->path_names[layer], sizeof work->path_names[layer], "z_h of layer %d, while writing", layer);
    work->paths[layer] = work->gathered[layer].path;
    work->paths[layer].name = work->path_names[layer];
    run->paths = work->paths;
    run->path_count = (size_t)layer + 1;
    return status;
}

static hn_status show_inside(hni_cli_model *model, const hni_sample_options *options, hni_run *run,
                             hni_report_work *work)
{
    hni_sample_options sample = *options;
    hni_task_sights sights;
    hn_status status = HN_OK;
    model->task->sights(model->work, &sights);
    sample.length = PHI_LENGTH;
    run->phi_quantity = sights.phi_quantity;
    if (sights.phi) HNI_TRY(hni_gather_phi(model->context, model->task, model->work, &sample, &run->phi));
    for (int layer = 0; layer < sights.layers; layer++) {
        if (sights.change_weight) HNI_TRY(add_change(model, options, layer, run, work));
        if (sights.embedding) HNI_TRY(add_path(model, options, layer, run, work));
    }
cleanup:
    return status;
}

static hn_status let_write(const hni_report_work_options *options, hni_cli_model *model, hni_run *run,
                           hni_report_work *work)
{
    hni_sample_options sample = {.length = options->sample_length, .temperature = TEMPERATURE, .seed = SEED};
    hn_status status;
    HNI_TRY(write_sample(model, &sample, work));
    run->samples = &work->sample;
    run->sample_count = 1;
    HNI_TRY(show_inside(model, &sample, run, work));
cleanup:
    return status;
}

/* ---- what the network is made of ---- */

/* A generator with one embedding has no way to go and nothing to compare. */
static hn_status show_network(hni_cli_model *model, hni_run *run, hni_report_work *work)
{
    const hni_way way = {.steps = STRIP_STEPS};
    hn_status status;
    run->weights = work->weights;
    HNI_TRY(hni_gather_shown_weights(model->context, model->task, model->work, HNI_REPORT_WEIGHTS, work->weights,
                                     &run->weight_count));
    HNI_TRY(hni_gather_embeddings(model->context, model->task, model->work, 0, &work->embeddings));
    if (work->embeddings.count < 2) goto cleanup;
    HNI_TRY(hni_gathered_embeddings_spread(&work->embeddings));
    run->embeddings = &work->embeddings.scatter;
    HNI_TRY(hni_gather_strip(&work->embeddings, model->task, model->work, &way, &work->strip));
    run->strip = &work->strip.strip;
cleanup:
    return status;
}

/* ---- the whole ---- */

/* One stream, state carried, as `eval` does; answers are kept where the model knows classes. */
static hn_status measure(const hni_report_work_options *options, hni_cli_model *model, hni_run *run,
                         hni_report_work *work)
{
    const bool answers = options->writes && model->task->class_name != NULL;
    hni_evaluate_options evaluate = {.split = "test", .tracks = 1}; /* tracks: of a stream */
    hni_metric metric;
    hn_status status;
    if (answers) {
        HNI_TRY(hni_answers_begin(model->context, model->task, model->work, &work->answers));
        evaluate.item = hni_answers_take;
        evaluate.user = &work->answers;
    }
    HNI_TRY(model->task->evaluate(model->work, &evaluate, &metric));
    run->test = metric.value;
    if (!answers) goto cleanup;
    HNI_TRY(hni_answers_end(&work->answers));
    run->confusion = &work->answers.classes.confusion;
    run->mistakes = &work->answers.album;
cleanup:
    return status;
}

static void note_missing(const hni_report_work_options *options, const hni_cli_model *model, const char *folder,
                         hni_report_work *work)
{
    hn_context *context = options->cli->context;
    const bool writes = model->task == NULL || model->task->sample != NULL;
    snprintf(work->note, sizeof work->note, "%s: %.560s",
             writes ? "It has written nothing" : "There is nothing to show", hn_context_error(context)->text);
    fprintf(stderr, "%s: no sample of %s: %s\n", options->cli->name, folder, hn_context_error(context)->text);
    hn_context_clear(context);
}

static hn_status do_work(const hni_report_work_options *options, hni_cli_model *model, hni_run *run,
                         hni_report_work *work)
{
    hni_data_places places;
    hn_status status;
    if (options->tests) HNI_TRY(hni_data_places_find(model->context, options->cli->data, &places));
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, options->tests ? &places : NULL, NULL));
    if (options->tests) HNI_TRY(measure(options, model, run, work));
    if (options->writes && model->task->sample != NULL) HNI_TRY(let_write(options, model, run, work));
    if (options->writes && model->task->weights != NULL) HNI_TRY(show_network(model, run, work));
cleanup:
    return status;
}

hn_status hni_report_work_do(const hni_report_work_options *options, const char *folder, hni_run *run,
                             hni_report_work *work)
{
    hni_cli_model model = {.context = options->cli->context};
    hn_status status = hni_cli_model_find(options->cli->context, folder, &model);
    if (status == HN_ERROR_IO) {
        note_missing(options, &model, folder, work);
        status = HN_OK;
    } else if (status == HN_OK) {
        if (hni_run_best(run) == NULL)
            snprintf(work->note, sizeof work->note, "Never validated yet: the newest checkpoint %s, not the best one.",
                     model.task->sample != NULL ? "writes" : "is shown");
        status = do_work(options, &model, run, work);
    }
    const bool writes = model.task == NULL || model.task->sample != NULL;
    if (work->note[0] != 0) *(writes ? &run->sample_note : &run->network_note) = work->note;
    hni_cli_model_close(&model);
    return status;
}
