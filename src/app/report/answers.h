/* What pictures of a classifier's answers are made of: which class it took for which, and its worst mistakes with their images; taken while a
 * part of the data is evaluated.
 *
 *     hni_answers answers;
 *     HNI_TRY(hni_answers_begin(context, model.task, model.work, &answers));
 *     const hni_evaluate_options options = {.split = "test", .tracks = 1, .item = hni_answers_take, .user = &answers};
 *     HNI_TRY(model.task->evaluate(model.work, &options, &metric));
 *     HNI_TRY(hni_answers_end(&answers));                                 // answers.classes.confusion and answers.album are pictures' data
 *     cleanup: hni_answers_free(&answers);
 */
#ifndef HNI_APP_REPORT_ANSWERS_H
#define HNI_APP_REPORT_ANSWERS_H

#include "app/plot/album.h"
#include "app/report/class_counts.h"

#define HNI_MISTAKES_MOST 24

typedef struct hni_mistake {
    int64_t place, label, said;
    double right, wrong; /* the probabilities of the two classes */
    uint8_t *pixels;     /* [C,H,W] */
    size_t channels, height, width;
    char words[160], hover[256];
} hni_mistake;

typedef struct hni_answers {
    hn_context *context;
    hni_class_counts classes;
    hni_mistake worst[HNI_MISTAKES_MOST]; /* the right class had the least; the first one least of all */
    size_t worst_count;
    int64_t wrong; /* of all */
    hni_album_item items[HNI_MISTAKES_MOST];
    hni_album album; /* after hni_answers_end */
    hn_status status;
} hni_answers;

/* An error for a task without classes. */
HN_MUST_USE hn_status hni_answers_begin(hn_context *context, const hni_task *task, hni_task_work *work,
                                        hni_answers *out_answers);
/* For hni_evaluate_options.item, the answers as `user`. Items without a label are left out. */
void hni_answers_take(void *user, const hni_task_item *item);
/* The first failure of hni_answers_take. */
HN_MUST_USE hn_status hni_answers_end(hni_answers *answers);
/* A struct of zeros, or what a failure has left, is allowed. */
void hni_answers_free(hni_answers *answers);

#endif
