/* See answers.h. */
#include "app/report/answers.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

hn_status hni_answers_begin(hn_context *context, const hni_task *task, hni_task_work *work, hni_answers *out_answers)
{
    *out_answers = (hni_answers){.context = context};
    return hni_class_counts_begin(context, task, work, &out_answers->classes);
}

/* ---- the worst mistakes ---- */

/* Where a mistake belongs among the worst; of equals the first one seen stays before. */
static size_t place_of(const hni_answers *answers, double right)
{
    size_t place = answers->worst_count;
    while (place > 0 && answers->worst[place - 1].right > right)
        place--;
    return place;
}

/* The pixels of the one that falls out are used again: all images have one size. */
static void keep_mistake(hni_answers *answers, const hni_task_item *item)
{
    const double right = (double)item->probabilities[item->label];
    const size_t place = place_of(answers, right);
    const size_t bytes = (size_t)(item->channels * item->height * item->width);
    void *pixels = answers->worst[HNI_MISTAKES_MOST - 1].pixels;
    if (place == HNI_MISTAKES_MOST) return;
    if (answers->worst_count < HNI_MISTAKES_MOST) {
        answers->status = hni_alloc(answers->context, "mistakes", bytes, &pixels);
        if (answers->status != HN_OK) return;
        answers->worst_count++;
    }
    memmove(&answers->worst[place + 1], &answers->worst[place],
            (answers->worst_count - place - 1) * sizeof answers->worst[0]);
    answers->worst[place] = (hni_mistake){.place = item->place,
                                          .label = item->label,
                                          .said = item->said,
                                          .right = right,
                                          .wrong = (double)item->probabilities[item->said],
                                          .pixels = pixels,
                                          .channels = (size_t)item->channels,
                                          .height = (size_t)item->height,
                                          .width = (size_t)item->width};
    memcpy(pixels, item->pixels, bytes);
}

void hni_answers_take(void *user, const hni_task_item *item)
{
    hni_answers *answers = user;
    if (answers->status != HN_OK || item->label < 0 || item->label >= (int64_t)answers->classes.confusion.classes)
        return;
    hni_class_counts_take(&answers->classes, item);
    if (item->said == item->label) return;
    answers->wrong++;
    keep_mistake(answers, item);
}

/* ---- as pictures ---- */

static void describe(hni_answers *answers, size_t index)
{
    hni_mistake *mistake = &answers->worst[index];
    const char *const *names = answers->classes.name_list;
    const char *label = names[mistake->label], *said = names[mistake->said];
    snprintf(mistake->words, sizeof mistake->words, "%.50s, said %.50s", label, said);
    snprintf(mistake->hover, sizeof mistake->hover, "image %lld: %.80s (%.2g %%), said %.80s (%.3g %%)",
             (long long)mistake->place, label, 100.0 * mistake->right, said, 100.0 * mistake->wrong);
    answers->items[index] =
        (hni_album_item){.image = {mistake->pixels, mistake->channels, mistake->height, mistake->width},
                         .words = mistake->words,
                         .hover = mistake->hover};
}

hn_status hni_answers_end(hni_answers *answers)
{
    if (answers->status != HN_OK) return answers->status;
    for (size_t i = 0; i < answers->worst_count; i++)
        describe(answers, i);
    answers->album = (hni_album){.items = answers->items, .count = answers->worst_count};
    return HN_OK;
}

void hni_answers_free(hni_answers *answers)
{
    if (answers->context == NULL) return;
    for (size_t i = 0; i < answers->worst_count; i++)
        hni_free(answers->context, answers->worst[i].pixels);
    hni_class_counts_free(&answers->classes);
    *answers = (hni_answers){.context = NULL};
}
