/* Inside of `hypernet plot`: the options, and the functions that draw. Each appends the picture's bytes and adds to `facts` what --json
 * tells. */
#ifndef HNI_CLI_PLOT_H
#define HNI_CLI_PLOT_H

#include "app/plot/curves.h"
#include "app/report/weights.h"
#include "passage.h"
#include "writing.h"

typedef struct hni_plot_options hni_plot_options;

typedef hn_status hni_plot_draw(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                                json_t *facts);

/* One kind of picture: which options it has use for, and what makes it. */
typedef struct hni_plot_kind {
    const char *name;
    bool many;   /* runs in one picture */
    bool writes; /* --prime, --text, ...: a model is loaded to write or read */
    bool layer, change, axis, level, loss;
    bool weight; /* --layer is the name of a weight, not a number */
    bool way;    /* --from, --to, --steps */
    bool split;
    int64_t length; /* symbols that are written without --length */
    hni_plot_draw *draw;
} hni_plot_kind;

struct hni_plot_options {
    hni_cli *cli;
    hni_writing writing;
    const hni_plot_kind *kind;
    char **runs;
    int run_count;
    const char *output;
    int layer;
    const char *weight; /* NULL: the one that stands for the network */
    hni_change change;
    hni_curves_axis axis;
    double level;
    bool loss;
    hni_way way;
    const char *split;
    const char *of_layer, *of_change, *of_axis, *of_way, *of_split; /* an option that was given; NULL: none */
};

/* plot_models.c: what models show while they write or read. */
hni_plot_draw hni_plot_change, hni_plot_path, hni_plot_phi;
/* plot_networks.c: what networks are made of, and what they say. */
hni_plot_draw hni_plot_kernels, hni_plot_strip, hni_plot_embeddings, hni_plot_confusion, hni_plot_mistakes;
/* plot_logs.c: what runs have logged. */
hni_plot_draw hni_plot_curves, hni_plot_rank;

/* The label of run `run` out of labels [run_count][label_size]: "hyper conv 16", or, if another has it too, "hyper conv 16 (run-1)". */
void hni_plot_name_run(const hni_plot_options *options, const char *labels, size_t label_size, int run,
                       hni_text *out_name);

/* The words of --axis, as hni_curves_axis has them; NULL ends them. */
extern const char *const hni_plot_axis_words[];

#endif
