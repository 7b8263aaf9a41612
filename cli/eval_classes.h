/* What `hypernet eval` says of each class: how many of its examples were right, and what the others were taken for. */
#ifndef HNI_CLI_EVAL_CLASSES_H
#define HNI_CLI_EVAL_CLASSES_H

#include <jansson.h>
#include <stdio.h>

#include "app/report/class_counts.h"

#define HNI_EVAL_CLASSES_PRINTED 100 /* a longer table is left to --json */

/* A table, a class a line; of more than HNI_EVAL_CLASSES_PRINTED, or of classes that were not counted, a sentence. */
void hni_eval_classes_print(const hni_class_counts *counts, FILE *file);
/* An array of {"name", "count", "right", "percent" (null without examples), "taken_for" [classes]}, empty where classes were not counted; NULL: out of memory. */
json_t *hni_eval_classes_json(const hni_class_counts *counts);

#endif
