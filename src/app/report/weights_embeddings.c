/* See weights.h: all embeddings of a model, and what lies between two of them. */
#include <stdio.h>
#include <string.h>

#include "app/report/principal.h"
#include "app/report/weights.h"
#include "app/report/weights_names.h"
#include "core/alloc.h"

/* Places in `words`, which may still move when they are noted. */
typedef struct hni_embedding_place {
    size_t weight, group, words;
    int64_t tile;
} embedding_place;

static size_t add_word(hni_text *words, const char *word)
{
    const size_t place = words->size;
    hni_text_add_bytes(words, word, strlen(word) + 1);
    return place;
}

static hn_status grow(hni_gathered_embeddings *all)
{
    const size_t room = all->room == 0 ? 64 : 2 * all->room;
    void *values = all->values, *places = all->places;
    hn_status status;
    HNI_TRY(hni_realloc_array(all->context, "embeddings", room * all->size, sizeof(float), &values));
    all->values = values;
    HNI_TRY(hni_realloc_array(all->context, "embeddings", room, sizeof *all->places, &places));
    all->places = places;
    all->room = room;
cleanup:
    return status;
}

static void take(void *user, const hni_task_embedding *embedding)
{
    hni_gathered_embeddings *all = user;
    char words[192];
    if (all->count == 0) {
        all->size = (size_t)embedding->size;
        all->filters = embedding->filters;
    }
    if (all->status == HN_OK && all->count == all->room) all->status = grow(all);
    if (all->status != HN_OK) return;
    memcpy(all->values + all->count * all->size, embedding->values, all->size * sizeof(float));
    if (embedding->tiles > 1) {
        snprintf(words, sizeof words, "%s, tile %lld of %lld", embedding->weight, (long long)embedding->tile + 1,
                 (long long)embedding->tiles);
    } else {
        snprintf(words, sizeof words, "%s", embedding->weight);
    }
    all->places[all->count++] = (embedding_place){.weight = add_word(&all->words, embedding->weight),
                                                  .group = add_word(&all->words, embedding->group),
                                                  .words = add_word(&all->words, words),
                                                  .tile = embedding->tile};
    all->status = all->words.status;
}

hn_status hni_gather_embeddings(hn_context *context, const hni_task *task, hni_task_work *work, size_t least,
                                hni_gathered_embeddings *out_embeddings)
{
    hn_status status;
    *out_embeddings = (hni_gathered_embeddings){.context = context, .words = {.context = context}};
    HNI_TRY(hni_weights_want(context, task));
    HNI_TRY(task->embeddings(work, take, out_embeddings));
    HNI_TRY(out_embeddings->status);
    if (out_embeddings->count < least) {
        status = hni_error(context, HN_ERROR_ARGUMENT,
                           "the model has %zu embeddings of kernels, this picture needs %zu: generated wide ResNets "
                           "have many",
                           out_embeddings->count, least);
    }
cleanup:
    return status;
}

void hni_gathered_embeddings_free(hni_gathered_embeddings *embeddings)
{
    if (embeddings->context == NULL) return;
    hni_free(embeddings->context, embeddings->values);
    hni_free(embeddings->context, embeddings->places);
    hni_free(embeddings->context, embeddings->points);
    hni_free(embeddings->context, embeddings->groups);
    hni_text_free(&embeddings->words);
    *embeddings = (hni_gathered_embeddings){.context = NULL};
}

/* ---- on two components ---- */

static const char *word_at(const hni_gathered_embeddings *all, size_t place) { return all->words.data + place; }

/* Weights of a group follow each other, so a new one begins where the name changes. */
static size_t name_groups(hni_gathered_embeddings *all)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *group = word_at(all, all->places[i].group);
        if (count == 0 || strcmp(all->groups[count - 1], group) != 0) all->groups[count++] = group;
        all->points[i].group = count - 1;
        all->points[i].words = word_at(all, all->places[i].words);
    }
    return count;
}

hn_status hni_gathered_embeddings_spread(hni_gathered_embeddings *embeddings)
{
    hni_gathered_embeddings *all = embeddings;
    void *memory = NULL;
    double *xy = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(all->context, "embeddings", all->count, sizeof *all->points, &memory));
    all->points = memory;
    HNI_TRY(hni_alloc_array(all->context, "embeddings", all->count, sizeof *all->groups, &memory));
    all->groups = memory;
    HNI_TRY(hni_alloc_array(all->context, "embeddings", 2 * all->count, sizeof(double), &memory));
    xy = memory;
    const hni_cloud cloud = {.points = all->values, .count = all->count, .width = all->size};
    HNI_TRY(hni_principal_two(all->context, &cloud, xy, all->scatter.share));
    for (size_t i = 0; i < all->count; i++) {
        all->points[i].x = xy[2 * i];
        all->points[i].y = xy[2 * i + 1];
    }
    all->scatter.points = all->points;
    all->scatter.count = all->count;
    all->scatter.groups = all->groups;
    all->scatter.group_count = name_groups(all);
    all->scatter.ordered = true;
cleanup:
    hni_free(all->context, xy);
    return status;
}

/* ---- between two ---- */

/* The first embedding of a weight; NULL: of the first weight, or of the last one. */
static hn_status find(const hni_gathered_embeddings *all, const char *name, bool last, size_t *out_index)
{
    size_t index = 0;
    if (name == NULL && last) {
        for (index = all->count - 1; all->places[index].tile > 0;)
            index--;
    } else if (name != NULL) {
        while (index < all->count && !hni_weight_is(word_at(all, all->places[index].weight), name))
            index++;
    }
    *out_index = index;
    if (index < all->count) return HN_OK;
    return hni_error(all->context, HN_ERROR_ARGUMENT,
                     "the model generates no weight '%.100s': the first that it does is %s, the last %s", name,
                     word_at(all, all->places[0].weight), word_at(all, all->places[all->count - 1].weight));
}

/* "groups.0.blocks.0.conv1.kernel": without the last part, which all of them share. */
static void name_end(const hni_gathered_embeddings *all, size_t index, char *out_name, size_t size)
{
    const char *weight = word_at(all, all->places[index].weight), *dot = strrchr(weight, '.');
    snprintf(out_name, size, "%.*s", (int)(dot != NULL ? (size_t)(dot - weight) : strlen(weight)), weight);
}

static hn_status take_memory(hni_gathered_strip *strip, size_t steps, size_t weights)
{
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(strip->context, "strip", steps * weights, sizeof(float), &memory));
    strip->kernels = memory;
    HNI_TRY(hni_alloc_array(strip->context, "strip", steps, sizeof *strip->list, &memory));
    strip->list = memory;
    HNI_TRY(hni_alloc_array(strip->context, "strip", steps, sizeof *strip->labels, &memory));
    strip->labels = memory;
    HNI_TRY(hni_alloc_array(strip->context, "strip", steps, sizeof *strip->label_list, &memory));
    strip->label_list = memory;
cleanup:
    return status;
}

/* The embeddings on the way. */
static void go(const hni_gathered_embeddings *all, const size_t ends[2], size_t steps, float *out_way)
{
    for (size_t i = 0; i < steps; i++) {
        const double share = (double)i / (double)(steps - 1);
        for (size_t k = 0; k < all->size; k++) {
            const double from = (double)all->values[ends[0] * all->size + k],
                         to = (double)all->values[ends[1] * all->size + k];
            out_way[i * all->size + k] = (float)((1.0 - share) * from + share * to);
        }
    }
}

/* Under each kernel stands its share of the way; names of weights are longer than kernels are wide. */
static void label(const hni_gathered_embeddings *all, const size_t ends[2], hni_gathered_strip *strip)
{
    const size_t steps = strip->strip.count, weights = hni_filters_count(&all->filters);
    char names[2][80];
    for (int end = 0; end < 2; end++)
        name_end(all, ends[end], names[end], sizeof names[end]);
    snprintf(strip->name, sizeof strip->name, "%s to %s", names[0], names[1]);
    for (size_t i = 0; i < steps; i++) {
        char *text = strip->labels[i];
        snprintf(text, sizeof strip->labels[i], "%.3g", (double)i / (double)(steps - 1));
        strip->label_list[i] = text;
        strip->list[i] = strip->kernels + i * weights;
    }
}

hn_status hni_gather_strip(const hni_gathered_embeddings *embeddings, const hni_task *task, hni_task_work *work,
                           const hni_way *way, hni_gathered_strip *out_strip)
{
    const hni_gathered_embeddings *all = embeddings;
    hn_context *context = all->context;
    void *between = NULL;
    size_t ends[2];
    hn_status status;
    *out_strip = (hni_gathered_strip){.context = context};
    HNI_TRY(find(all, way->from, false, &ends[0]));
    HNI_TRY(find(all, way->to, true, &ends[1]));
    HNI_TRY(take_memory(out_strip, way->steps, hni_filters_count(&all->filters)));
    HNI_TRY(hni_alloc_array(context, "strip", way->steps * all->size, sizeof(float), &between));
    go(all, ends, way->steps, between);
    HNI_TRY(task->make(work, between, (int64_t)way->steps, out_strip->kernels));
    out_strip->strip = (hni_strip){.name = out_strip->name,
                                   .kernels = out_strip->list,
                                   .labels = out_strip->label_list,
                                   .count = way->steps,
                                   .filters = all->filters};
    label(all, ends, out_strip);
cleanup:
    hni_free(context, between);
    return status;
}

void hni_gathered_strip_free(hni_gathered_strip *strip)
{
    if (strip->context == NULL) return;
    hni_free(strip->context, strip->kernels);
    hni_free(strip->context, strip->list);
    hni_free(strip->context, strip->labels);
    hni_free(strip->context, strip->label_list);
    *strip = (hni_gathered_strip){.context = NULL};
}
