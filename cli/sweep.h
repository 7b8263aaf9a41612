/* Inside of `hypernet sweep`: the product of the axes as runs, their folder, and the processes that train them. A point is a choice on
 * every axis but the seeds; the axis of the seeds is the last one, so the runs of a point are neighbours. */
#ifndef HNI_CLI_SWEEP_H
#define HNI_CLI_SWEEP_H

#include <sys/types.h>

#include "cli.h"

#define HNI_SWEEP_MOST_RUNS 1000
#define HNI_SWEEP_MOST_AXES 9
#define HNI_SWEEP_MOST_SETS 40
#define HNI_SWEEP_MOST_JOBS 64
#define HNI_SWEEP_FILE "sweep.json"
#define HNI_SWEEP_TABLE "sweep.csv"

typedef struct hni_sweep_axis {
    char *block;      /* the texts below; free() */
    const char *key;  /* "train.rate" */
    const char *word; /* of names and headings: "rate", or the key where two axes end alike */
    size_t count;
    const char *assignments[HNI_SWEEP_MOST_RUNS]; /* "train.rate=0.002" */
} hni_sweep_axis;

typedef enum hni_sweep_state {
    HNI_SWEEP_WAITING = 0, /* not begun, or not gone on with yet */
    HNI_SWEEP_RUNNING,
    HNI_SWEEP_STOPPED, /* saved on its way */
    HNI_SWEEP_FAILED,  /* `message` says why */
    HNI_SWEEP_FINISHED
} hni_sweep_state;

typedef struct hni_sweep_run {
    char name[128]; /* of its folder: "rate=0.002,seed=1" */
    hni_sweep_state state;
    int64_t parameters, step, steps, best_step;
    bool has_best;
    double best;    /* lowest validation figure */
    double seconds; /* of all sessions; 0: not known */
    char message[512];
    pid_t process; /* while it is running, with .. */
    int output;    /* .. the pipe that its result comes from */
    double shown;  /* when its progress was last shown */
} hni_sweep_run;

typedef struct hni_sweep {
    hni_cli *cli;
    const char *recipe, *folder;
    const char *sets[HNI_SWEEP_MOST_SETS];
    size_t set_count;
    hni_sweep_axis axes[HNI_SWEEP_MOST_AXES];
    size_t axis_count;
    bool has_seeds; /* the last axis is that of the seeds */
    int jobs, threads;
    char *base; /* effective recipe without the axes; hni_free */
    const hni_task *task;
    hni_sweep_run *runs;
    size_t run_count;
    int lock;
} hni_sweep;

/* ---- sweep_axes.c ---- */

/* "KEY=A,B,C"; returns NULL, or what is wrong with it. */
const char *hni_sweep_axis_read(hni_sweep_axis *axis, const char *text);
/* The value of `run` on an axis, as it was given; and "KEY=VALUE". */
const char *hni_sweep_value(const hni_sweep *sweep, size_t run, size_t axis);
const char *hni_sweep_assignment(const hni_sweep *sweep, size_t run, size_t axis);
/* Runs of a point, and the number of points. */
size_t hni_sweep_seeds(const hni_sweep *sweep);
size_t hni_sweep_points(const hni_sweep *sweep);

typedef struct hni_sweep_figure { /* of a point */
    size_t finished;
    double mean, lowest, highest; /* over its finished runs; NaN if there are none */
} hni_sweep_figure;
hni_sweep_figure hni_sweep_point(const hni_sweep *sweep, size_t point);
/* The point with the lowest mean among those with the most finished runs; false if no run is finished. */
bool hni_sweep_best_point(const hni_sweep *sweep, size_t *out_point);
/* The best run of that point. */
bool hni_sweep_best_run(const hni_sweep *sweep, size_t *out_run);

/* ---- sweep_plan.c ---- */

/* Names all runs and reads every plan, so that a key or value that cannot be is found before anything is trained. */
HN_MUST_USE hn_status hni_sweep_plan(hni_sweep *sweep, const hni_data_places *places);
/* The effective recipe that an earlier version printed, as this one prints it; hni_free. `name` is for messages. */
HN_MUST_USE hn_status hni_sweep_renew(const hni_sweep *sweep, const char *name, const char *text, char **out_text);

/* ---- sweep_file.c ---- */

/* Makes the folder, or takes up the sweep that is in it: of another recipe or grid, it is an error. */
HN_MUST_USE hn_status hni_sweep_open(hni_sweep *sweep);
/* Writes sweep.json and sweep.csv. */
HN_MUST_USE hn_status hni_sweep_save(const hni_sweep *sweep);
void hni_sweep_close(hni_sweep *sweep);
/* What the command prints for a machine, and sweep.json holds; json_decref. NULL: out of memory. */
json_t *hni_sweep_json(const hni_sweep *sweep);
/* "FOLDER/NAME" and an ending; hni_free. */
HN_MUST_USE hn_status hni_sweep_path(const hni_sweep *sweep, const char *name, const char *ending, char **out_path);
/* Is this file in the folder of the run? */
bool hni_sweep_has(const hni_sweep *sweep, const hni_sweep_run *run, const char *file);

/* ---- sweep_table.c ---- */

/* All runs, then the means over the seeds, then where the best run lies. */
void hni_sweep_print(const hni_sweep *sweep);

/* ---- sweep_jobs.c ---- */

/* Trains what is not finished, `jobs` at a time, until all is done or a stop is asked for. A run that fails is no failure of this. */
HN_MUST_USE hn_status hni_sweep_work(hni_sweep *sweep);

#endif
