/* The parts of the page; only src/app/report reads this. */
#ifndef HNI_APP_REPORT_PAGE_H
#define HNI_APP_REPORT_PAGE_H

#include "app/report/report.h"

typedef struct hni_page {
    hn_context *context;
    const hni_report *report;
    const hni_measure *measure; /* of all its runs */
    hni_text html;
    hn_status status; /* the first failure of a picture; that of the text is in html */
} hni_page;

/* The style sheet of the page, with the colours of the pictures. */
void hni_page_style(hni_page *page);
/* Runs, best figure, size, speed and time. */
void hni_page_table(hni_page *page);
/* The paper's figures for the same data, its own models' and those it cites. */
void hni_page_paper(hni_page *page);
/* Learning curves over steps, epochs and time, and where each run first reaches a few figures. */
void hni_page_curves(hni_page *page);
/* Weight change under text, for runs that have it. */
void hni_page_heats(hni_page *page);
/* One weight-change picture, without a heading. */
HN_MUST_USE hn_status hni_page_heat(hni_page *page, const hni_run_heat *heat);
/* Histograms of φ of all runs that have some. */
void hni_page_phi(hni_page *page);
/* Ways of embeddings through a text. */
void hni_page_paths(hni_page *page);
/* Effective rank of embeddings over training. */
void hni_page_ranks(hni_page *page);
/* Weights of the networks, and what makes them: kernels side by side, strips, embeddings. */
void hni_page_networks(hni_page *page);
/* What classifiers took for what: right answers of each class, confusion matrices, the worst mistakes. */
void hni_page_answers(hni_page *page);
/* What the models wrote. */
void hni_page_samples(hni_page *page);
/* Recipe, facts and validation figures of each run, folded away. */
void hni_page_details(hni_page *page);

/* A run's name, with its folder behind it where two runs have one name. */
void hni_page_name(hni_page *page, hni_text *out, size_t run);
/* The same into the page, escaped. */
void hni_page_write_name(hni_page *page, size_t run);
/* The same as a heading of the third rank. */
void hni_page_write_heading(hni_page *page, size_t run);
/* The dot in the run's colour. */
void hni_page_write_key(hni_page *page, size_t run);
/* A picture drawn twice, for wide and for narrow windows; the style sheet shows one. A large one (HNI_PAGE_LARGE bytes) is drawn once, wide,
 * and can be scrolled. `draw` gets `data` and the canvas. `height` may be 0 for drawings that find their own. */
#define HNI_PAGE_LARGE (256 << 10)
typedef hn_status hni_page_draw(hn_context *context, const void *data, const hni_canvas_options *options,
                                hni_text *out);
typedef struct hni_page_picture {
    hni_page_draw *draw;
    const void *data;
    const char *title;   /* for readers who cannot see it */
    const char *caption; /* NULL: none */
    double wide_height, narrow_height;
} hni_page_picture;
void hni_page_figures(hni_page *page, const hni_page_picture *picture);
/* A paragraph in the paler colour; NULL: none. */
void hni_page_note(hni_page *page, const char *note);
/* "52 s", "8 min 20 s", "2 h 5 min"; "–" for NaN. */
void hni_page_duration(hni_text *out, double seconds);
/* With that many decimals; "–" for NaN. */
void hni_page_figure(hni_text *out, double number, int decimals);
/* Seconds of the last row that has them; NaN if none. */
double hni_page_seconds(const hni_run *run);

#endif
