/* What a model writes, shows and answers for the page of `report`, and the structs of the page that point into it. */
#ifndef HNI_CLI_REPORT_WORK_H
#define HNI_CLI_REPORT_WORK_H

#include "app/report/answers.h"
#include "app/report/gather.h"
#include "app/report/report.h"
#include "passage.h"

#define HNI_REPORT_WEIGHTS 2 /* of a network on the page */

typedef struct hni_report_work_options {
    const hni_cli *cli;
    int64_t sample_length;
    bool writes; /* the model is to write and to show; else .. */
    bool tests;  /* .. or also: the best checkpoint is measured on the test split, which needs the data */
} hni_report_work_options;

typedef struct hni_report_work {
    hni_passage text, changes[HN_MAX_LAYERS];
    hni_gathered_path gathered[HN_MAX_LAYERS];
    hni_run_sample sample;
    hni_run_heat heats[HN_MAX_LAYERS];
    hni_path paths[HN_MAX_LAYERS];
    char heat_titles[HN_MAX_LAYERS][128], path_names[HN_MAX_LAYERS][128], note[640];
    hni_gathered_weight weights[HNI_REPORT_WEIGHTS];
    hni_gathered_embeddings embeddings;
    hni_gathered_strip strip;
    hni_answers answers;
} hni_report_work;

void hni_report_work_open(const hni_cli *cli, hni_report_work *out_work);
void hni_report_work_close(hni_report_work *work);
/* Loads the run's best checkpoint, or the newest of a run that was never validated, and lets it write or shows what it is
 * made of, as its task can; the run then points into the work. A run without a readable checkpoint is shown without: the page and stderr
 * say why. */
HN_MUST_USE hn_status hni_report_work_do(const hni_report_work_options *options, const char *folder, hni_run *run,
                                         hni_report_work *work);

#endif
