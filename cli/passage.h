/* A passage that a model writes, kept: its bytes and, where its weights change, by how much under each of them. What `sample --heat`
 * draws and `report` shows. */
#ifndef HNI_CLI_PASSAGE_H
#define HNI_CLI_PASSAGE_H

#include "app/plot/heat.h"
#include "app/tasks/task.h"
#include "io/text.h"

typedef struct hni_passage {
    hni_text text;
    hni_text change[HNI_GATES]; /* floats, one a byte; empty without heat */
} hni_passage;

void hni_passage_open(hn_context *context, hni_passage *out_passage);
void hni_passage_close(hni_passage *passage);
/* Lets the model write; `write`, `heat` and `user` of the options are set here. */
HN_MUST_USE hn_status hni_passage_write(const hni_task *task, hni_task_work *work, const hni_sample_options *options,
                                        bool heat, hni_passage *passage);
/* The passage as a picture's data; borrowed. */
hni_heat hni_passage_heat(const hni_passage *passage);

#endif
