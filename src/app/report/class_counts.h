/* How often a classifier takes each class for each: counted while a part of the data is evaluated.
 *
 *     hni_class_counts counts;
 *     HNI_TRY(hni_class_counts_begin(context, model.task, model.work, &counts));
 *     const hni_evaluate_options options = {.split = "test", .tracks = 1, .item = hni_class_counts_take, .user = &counts};
 *     HNI_TRY(model.task->evaluate(model.work, &options, &metric));    // counts.confusion
 *     cleanup: hni_class_counts_free(&counts);
 */
#ifndef HNI_APP_REPORT_CLASS_COUNTS_H
#define HNI_APP_REPORT_CLASS_COUNTS_H

#include "app/plot/confusion.h"
#include "app/tasks/task.h"
#include "io/text.h"

#define HNI_CLASS_COUNTS_MOST 1024 /* classes; of more nothing is counted, and confusion.counts stays NULL */

typedef struct hni_class_counts {
    hn_context *context;
    uint64_t *counts; /* [classes,classes] or NULL */
    hni_text names;   /* each with a 0 behind it */
    const char **name_list;
    hni_confusion confusion; /* of all these */
} hni_class_counts;

/* An error for a task without classes. */
HN_MUST_USE hn_status hni_class_counts_begin(hn_context *context, const hni_task *task, hni_task_work *work,
                                             hni_class_counts *out_counts);
/* For hni_evaluate_options.item, the counts as `user`. Items without a label are left out. */
void hni_class_counts_take(void *user, const hni_task_item *item);
/* A struct of zeros, or what a failure has left, is allowed. */
void hni_class_counts_free(hni_class_counts *counts);

#endif
