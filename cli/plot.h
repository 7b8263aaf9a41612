/* Inside of `hypernet plot`: the options, and the functions that draw. Each appends the picture's bytes and adds to `facts` what --json
 * tells. */
#ifndef HNI_CLI_PLOT_H
#define HNI_CLI_PLOT_H

#include "app/plot/curves.h"
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
    bool layer, change, axis, level;
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
    hni_change change;
    hni_curves_axis axis;
    double level;
    const char *of_layer, *of_change, *of_axis; /* an option that was given; NULL: none */
};

/* plot_models.c: what models show while they write or read. */
hni_plot_draw hni_plot_change, hni_plot_path, hni_plot_phi;
/* plot_logs.c: what runs have logged. */
hni_plot_draw hni_plot_curves, hni_plot_rank;

/* The words of --axis, as hni_curves_axis has them; NULL ends them. */
extern const char *const hni_plot_axis_words[];

#endif
