/* What a model is to write or to read, as options of a command: --prime, --length, --temperature, --top-k, --top-p, --seed, or --text
 * with a text that is there already. Shared by `sample` and `plot`; stands between a command's parser and the common options:
 *
 *     static const struct argp parser = {rows, parse, "RUN", "...", hni_writing_child};
 *     case ARGP_KEY_INIT: state->child_inputs[0] = &options->writing; return 0;
 */
#ifndef HNI_CLI_WRITING_H
#define HNI_CLI_WRITING_H

#include "cli.h"
#include "io/files.h"

#define HNI_WRITING_MOST 100000000 /* symbols */

typedef struct hni_writing {
    hni_cli *cli;
    const char *prime;     /* "" without one */
    const char *text_path; /* --text; NULL: none */
    int64_t length;        /* -1: not given */
    int64_t seed, top_k;   /* top_k 0: not cut */
    double temperature, top_p;
    const char *drawn; /* the last option that says how to draw: --text has no use for it; NULL: none was given */
    hni_file_bytes text;
} hni_writing;

extern const struct argp_child hni_writing_child[];
void hni_writing_default(hni_cli *cli, hni_writing *out_writing);
/* Reads the file of --text, if there is one. */
HN_MUST_USE hn_status hni_writing_read(hni_writing *writing);
void hni_writing_close(hni_writing *writing);
/* An option of these that was given; NULL: none was. */
const char *hni_writing_given(const hni_writing *writing);
/* For a task's sample; `length` stands where none was given. Borrows the texts. */
hni_sample_options hni_writing_options(const hni_writing *writing, int64_t length);

#endif
