/* Where data may lie, how a data path of a recipe becomes a file or a folder, and what to do when it is nowhere. Reads no content. */
#ifndef HNI_APP_DATA_FIND_H
#define HNI_APP_DATA_FIND_H

#include "core/context.h"

#define HNI_DATA_PATH_SIZE 1024

/* Folders in the order of looking; "" entries are skipped. */
typedef struct hni_data_places {
    char folders[4][HNI_DATA_PATH_SIZE];
} hni_data_places;

/* What `recipes` and messages say about a recipe's data. */
typedef struct hni_data_status {
    bool available;
    char where[HNI_DATA_PATH_SIZE]; /* the file or folder that was found, "" if none */
    char remedy[736];               /* what to put where, with its checksum, when it is not; "" if it is */
} hni_data_status;

/* `option` (--data; NULL: none), $HYPERNET_DATA, ~/.local/share/hypernet, /usr/share/hypernet. An option that names no folder is an
 * error; the others may be missing. */
HN_MUST_USE hn_status hni_data_places_find(hn_context *context, const char *option, hni_data_places *out_places);

/* `path` as it stands (absolute, or from the current folder), else below each place. "enwik8" is one file of a folder of that name:
 * enwik8, enwik8.xz, enwik8.gz, or else the longest beginning, enwik8.first4000000. Nothing found is no error: it is
 * reported by `available`, with the remedy for data sets that are known by name ("ptb", "kjv/kjv.txt"). */
HN_MUST_USE hn_status hni_data_find(hn_context *context, const char *path, const hni_data_places *places,
                                    hni_data_status *out_status);

/* The same, where nothing found is an error: "data.path: 'ptb' is not here: ...". out_path: HNI_DATA_PATH_SIZE bytes. */
HN_MUST_USE hn_status hni_data_want(hn_context *context, const char *path, const hni_data_places *places,
                                    char *out_path);

#endif
