/* run.json: everything about a run that differs from machine to machine (docs/run-directory.md). */
#ifndef HNI_APP_TRAIN_FACTS_H
#define HNI_APP_TRAIN_FACTS_H

#include "hypernet/params.h"

typedef struct hni_facts hni_facts;

typedef struct hni_facts_start {
    const char *folder;  /* the run directory */
    const char *name;    /* of the recipe */
    const char *label;   /* what a legend calls the model */
    const char *cell;    /* of the model, NULL: unknown */
    const char *symbols; /* what speed is counted in: "characters" */
    const char *command;
    const char *backend;
    const char *data_checksum, *data_found;
    int64_t seed;
    int64_t first_step;
    const hn_store *store;
    const char *init_from; /* the file that a new run's parameters were taken from; NULL: none, or a run that goes on */
} hni_facts_start;

/* Begins a session: reads the file of a resumed run (a damaged one is begun anew: it holds nothing that training needs). */
HN_MUST_USE hn_status hni_facts_open(hn_context *context, const hni_facts_start *start, hni_facts **out_facts);
void hni_facts_close(hni_facts *facts);
/* A row of the log was written: remembers when. Rows at or after a resumed step replace older ones. */
HN_MUST_USE hn_status hni_facts_row(hni_facts *facts, int64_t step);
/* Time spent in updates and symbols they learned from, since the last call. */
void hni_facts_work(hni_facts *facts, double seconds, int64_t symbols);
/* Writes the file, this session ending at `step`. */
HN_MUST_USE hn_status hni_facts_write(hni_facts *facts, int64_t step);
/* Monotonic seconds. */
double hni_seconds_now(void);

#endif
