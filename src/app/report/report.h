/* The report: runs read from their folders, and one HTML file that shows them side by side. The file needs nothing beside it: no
 * network, no script. How samples and weight changes are made is the business of whoever fills the structs.
 *
 *     hni_run runs[2];
 *     HNI_TRY(hni_run_load(ctx, "runs/lstm", &runs[0]));
 *     HNI_TRY(hni_run_load(ctx, "runs/hyper", &runs[1]));
 *     runs[1].samples = &sample, runs[1].sample_count = 1;                  // optional, borrowed
 *     HNI_TRY(hni_report_write(ctx, "report.html", &(hni_report){.runs = runs, .run_count = 2}));
 *     cleanup: hni_run_free(&runs[0]); ...
 */
#ifndef HNI_APP_REPORT_REPORT_H
#define HNI_APP_REPORT_REPORT_H

#include "app/plot/album.h"
#include "app/plot/confusion.h"
#include "app/plot/heat.h"
#include "app/plot/histogram.h"
#include "app/plot/path.h"
#include "app/report/weights.h"
#include "app/tasks/task.h"
#include "core/arena.h"

/* One row of log.csv with the seconds from run.json. A number that is not there is NaN. */
typedef struct hni_run_row {
    int64_t step;
    double epoch, seconds, rate;
    double train, valid; /* loss and metric, as run->measure says */
    double gradient_norm, clip_rate;
    double valid_loss; /* where the loss is no metric */
} hni_run_row;

typedef struct hni_run_fact {
    const char *key, *value;
} hni_run_fact;

/* A column of effective ranks: "rank.0.h.i" is layer 0, embedding z_h, gate i. */
typedef struct hni_run_rank {
    int layer;
    char embedding;       /* 'h', 'x' or 'b' */
    const char *gate;     /* "" of a cell with one gate */
    const double *values; /* [row_count]; NaN in rows without one */
} hni_run_rank;

/* Text that the model wrote; any bytes. */
typedef struct hni_run_sample {
    const char *title; /* "primed with ..., temperature 0.8"; NULL: none */
    const void *bytes;
    size_t size;
    const char *prime; /* what the model had been given to go on from, shown paler; NULL: nothing */
} hni_run_sample;

typedef struct hni_run_heat {
    const char *title; /* "layer 0"; NULL: none */
    hni_heat heat;
} hni_run_heat;

typedef struct hni_run {
    const char *name;   /* for legends and headings: "LN-HyperLSTM" */
    const char *folder; /* last part of the run directory's path, tells runs of one name apart */
    const char *cell;   /* "" if not known */
    int64_t parameters; /* 0: not known */
    double speed;       /* symbols of training a second, as run->measure names them; NaN: not known */
    hni_run_row *rows;  /* in order of step */
    size_t row_count;
    const char *recipe; /* text of recipe.yaml, "" if there is none */
    const hni_run_fact *facts;
    size_t fact_count;
    const hni_run_sample *samples;
    size_t sample_count;
    const char *sample_note; /* said before the samples, or instead of them: why there is none; NULL: nothing */
    const hni_run_heat *heats;
    size_t heat_count;
    hni_arena memory; /* what hni_run_load made; samples, heats, paths and what follows them are the caller's */
    double test;      /* of the best checkpoint on the test split; NaN: not known */
    const hni_measure *measure; /* what train, valid and test are; never NULL in a run that was loaded */
    const hni_run_rank *ranks;  /* columns of log.csv */
    size_t rank_count;
    int64_t embedding_size;       /* E of the recipe; 0: not known */
    const hni_paper_table *paper; /* of the paper, on the data set of this run; NULL: it has none */
    hni_histogram_counts phi;     /* values of φ while the model wrote; all 0: none */
    const char *phi_quantity;     /* what was counted: "φ(LN(c))"; NULL: "φ(c)" */
    const hni_path *paths;        /* ways of embeddings through a text, each with its name */
    size_t path_count;
    const hni_gathered_weight *weights; /* those that stand for the network */
    size_t weight_count;
    const hni_scatter *embeddings;  /* of a generator's tiles; this and what follows may be NULL */
    const hni_strip *strip;         /* what it makes on the way between two of them */
    const hni_confusion *confusion; /* on the test split */
    const hni_album *mistakes;      /* there, the worst */
    const char *network_note;       /* said of these: why there are none, or of which checkpoint they are */
} hni_run;

typedef struct hni_report {
    const char *title;        /* NULL: "Training report" */
    const char *introduction; /* a paragraph under the title; NULL: none */
    const hni_run *runs;
    size_t run_count; /* at least 1 */
} hni_report;

/* Reads log.csv, run.json and recipe.yaml of a run directory (docs/run-directory.md). Anything missing or damaged is an error
 * that names file and line or key. Two things are only warned of in the log: a last line of log.csv that was cut off while being
 * written is left out, and a run that was stopped before log.csv was begun has no rows. On failure *out_run needs no freeing. */
HN_MUST_USE hn_status hni_run_load(hn_context *context, const char *folder, hni_run *out_run);
void hni_run_free(hni_run *run);

/* Runs that stand side by side must be of one task, or their figures say nothing of each other. */
HN_MUST_USE hn_status hni_runs_agree(hn_context *context, const hni_run *runs, size_t count);

/* The row with the lowest validation figure, the earliest of equals; NULL if there is none. */
const hni_run_row *hni_run_best(const hni_run *run);

/* Writes the page, replacing a file that is there. The same input gives the same bytes. */
HN_MUST_USE hn_status hni_report_write(hn_context *context, const char *path, const hni_report *report);

/* A page of the same kind with one weight-change picture alone (`sample --heat html`), appended to *out_html. */
HN_MUST_USE hn_status hni_report_heat_page(hn_context *context, const char *title, const hni_run_heat *heat,
                                           hni_text *out_html);

#endif
