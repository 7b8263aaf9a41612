/* What the readers of a run directory's files share. Only src/app/report reads this. */
#ifndef HNI_APP_REPORT_LOAD_H
#define HNI_APP_REPORT_LOAD_H

#include "app/report/report.h"

/* Parses log.csv; rows and ranks lie in run->memory, the rows' seconds are NaN. The text is changed while it is read. `path` is for messages. */
HN_MUST_USE hn_status hni_run_parse_log(hn_context *context, const char *path, char *text, size_t size, hni_run *run);
/* Takes what the page needs from the run's recipe: the data set's table in the paper, the size of embeddings. A recipe that this
 * version cannot read is only warned of: it is shown as text all the same. */
HN_MUST_USE hn_status hni_run_read_recipe(hn_context *context, const char *path, hni_run *run);
/* Parses run.json: name, cell, parameters, speed, facts, and the rows' seconds. */
HN_MUST_USE hn_status hni_run_parse_facts(hn_context *context, const char *path, const char *text, size_t size,
                                          hni_run *run);
/* A copy that lives as long as the run. */
HN_MUST_USE hn_status hni_run_keep(hni_run *run, const char *text, size_t size, const char **out_copy);

#endif
