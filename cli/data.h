/* What the files of `hypernet data` share: its options, and what shows each kind of data. */
#ifndef HNI_CLI_DATA_H
#define HNI_CLI_DATA_H

#include "cli.h"

typedef struct hni_data_options {
    hni_cli *cli;
    const char *verb, *path;
    int text_kind;           /* hni_text_kind; -1: not given */
    int images_kind;         /* hni_images_kind; -1: not given */
    int64_t vocabulary_size; /* -1: the kind's own */
    const char *output;      /* a picture of the first images; NULL: none */
} hni_data_options;

/* `path` is where the data was found. They print, say what failed, and return the exit code. */
int hni_data_show_text(const hni_data_options *options, const char *path);
int hni_data_show_images(const hni_data_options *options, const char *path);

#endif
