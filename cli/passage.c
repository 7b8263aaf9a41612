/* Keeps what a model writes or reads. */
#include "passage.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

const char *const hni_change_words[HNI_CHANGES] = {"weights", "scales"};

hni_change hni_change_parse(struct argp_state *state, const char *word)
{
    for (int change = 0; change < HNI_CHANGES; change++)
        if (strcmp(word, hni_change_words[change]) == 0) return (hni_change)change;
    argp_error(state, "--change: '%s' is unknown: it is weights or scales", word);
    return HNI_CHANGE_WEIGHTS;
}

hn_status hni_change_check(hn_context *context, const hni_task *task, const hni_task_work *work, hni_change change,
                           int layer)
{
    hni_task_sights sights;
    char label[96];
    task->sights(work, &sights);
    task->label(work, label, sizeof label);
    if (!sights.change_weight) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "weight change: the weights of this model (%s) do not change: take a run whose model.cell has "
                         "'hyper' in its name",
                         label);
    }
    if (change == HNI_CHANGE_SCALES && !sights.change_scale) {
        return hni_error(
            context, HN_ERROR_ARGUMENT,
            "weight change: this model (%s) has no scaling vectors, it makes whole matrices: take --change "
            "weights",
            label);
    }
    if (layer < sights.layers) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "weight change: layer %d of %d (they count from 0)", layer,
                     sights.layers);
}

void hni_passage_open(const hni_cli *cli, hni_passage *out_passage)
{
    hn_context *context = cli->context;
    *out_passage = (hni_passage){.cli = cli, .text = {.context = context}, .bits = {.context = context}};
    for (int gate = 0; gate < HNI_GATES; gate++)
        out_passage->change[gate].context = context;
}

void hni_passage_close(hni_passage *passage)
{
    hni_text_free(&passage->text);
    hni_text_free(&passage->bits);
    for (int gate = 0; gate < HNI_GATES; gate++)
        hni_text_free(&passage->change[gate]);
}

static void keep(void *user, const hni_task_observation *seen)
{
    hni_passage *passage = user;
    const float *change = passage->which == HNI_CHANGE_SCALES ? seen->change_scale : seen->change_weight;
    if (seen->sampled == passage->given) return;
    hni_text_add_bytes(&passage->text, seen->bytes, seen->size);
    hni_text_add_bytes(&passage->bits, &seen->bits, sizeof seen->bits);
    for (size_t byte = 0; byte < seen->size; byte++)
        for (int gate = 0; gate < seen->gates; gate++)
            hni_text_add_bytes(&passage->change[gate], &change[gate], sizeof change[gate]);
}

hn_status hni_passage_take(const hni_task *task, hni_task_work *work, const hni_sample_options *options,
                           hni_passage *passage)
{
    hni_sample_options sample = *options;
    hn_status status;
    hni_task_sights sights;
    task->sights(work, &sights);
    passage->given = options->length == 0;
    passage->gates = sights.gates;
    sample.write = NULL;
    sample.observe = keep;
    sample.user = passage;
    HNI_TRY(task->sample(work, &sample));
    HNI_TRY(passage->text.status);
    HNI_TRY(passage->bits.status);
    for (int gate = 0; gate < HNI_GATES; gate++)
        HNI_TRY(passage->change[gate].status);
cleanup:
    return status;
}

const char *hni_passage_gate(const hni_passage *passage, int gate)
{
    static const char *const names[HNI_GATES] = {"i", "g", "f", "o"};
    return passage->gates == 1 ? "h" : names[gate];
}

static json_t *bits_as_json(const hni_passage *passage)
{
    json_t *list = json_array();
    for (size_t at = 0; at < passage->bits.size; at += sizeof(double)) {
        double bits;
        memcpy(&bits, passage->bits.data + at, sizeof bits);
        json_array_append_new(list, hni_cli_number_json(bits));
    }
    return list;
}

static json_t *changes_as_json(const hni_passage *passage)
{
    json_t *gates = json_object();
    for (int gate = 0; gate < passage->gates; gate++) {
        json_t *list = json_array();
        for (size_t at = 0; at < passage->change[gate].size; at += sizeof(float)) {
            float value;
            memcpy(&value, passage->change[gate].data + at, sizeof value);
            json_array_append_new(list, hni_cli_number_json((double)value));
        }
        json_object_set_new(gates, hni_passage_gate(passage, gate), list);
    }
    return gates;
}

void hni_passage_to_json(const hni_passage *passage, json_t *object)
{
    json_object_set_new(object, "text", hni_cli_bytes_json(passage->cli, passage->text.data, passage->text.size));
    json_object_set_new(object, "given", json_boolean(passage->given));
    json_object_set_new(object, "bits", bits_as_json(passage));
    if (passage->changes)
        json_object_set_new(object, passage->which == HNI_CHANGE_SCALES ? "scale_change" : "weight_change",
                            changes_as_json(passage));
}

void hni_passage_title(const hni_passage *passage, const hni_task *task, const hni_task_work *work, char *out_title,
                       size_t size)
{
    char label[96];
    task->label(work, label, sizeof label);
    snprintf(out_title, size, "%s of %s while it %s",
             passage->which == HNI_CHANGE_SCALES ? "Change of the scaling vectors" : "Weight change", label,
             passage->given ? "reads" : "writes");
}

hni_heat hni_passage_heat(const hni_passage *passage)
{
    hni_heat heat = {
        .bytes = (const unsigned char *)passage->text.data, .count = passage->text.size, .gates = passage->gates};
    if (passage->which == HNI_CHANGE_SCALES) heat.quantity = "change of the scaling vectors";
    for (int gate = 0; gate < HNI_GATES; gate++)
        heat.change[gate] = (const float *)(const void *)passage->change[gate].data;
    return heat;
}
