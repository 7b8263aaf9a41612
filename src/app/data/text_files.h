/* Inside of the text reader: which files make up a text, and their bytes. */
#ifndef HNI_APP_DATA_TEXT_FILES_H
#define HNI_APP_DATA_TEXT_FILES_H

#include "app/data/text.h"

/* Bytes that grow; hni_free(context, data). */
typedef struct hni_text_bytes {
    hn_context *context;
    uint8_t *data;
    size_t size, capacity;
} hni_text_bytes;

/* Adds a file's bytes (.gz and .xz unpacked), or those of all files below a folder in the order of their paths, names with a
 * leading dot left out. */
HN_MUST_USE hn_status hni_text_add_path(hni_text_bytes *bytes, const char *path);

/* FOLDER/ptb.NAME.txt, plain or packed; an error that names the file if it is missing. out_path: HNI_DATA_PATH_SIZE + 32. */
HN_MUST_USE hn_status hni_text_treebank_file(hn_context *context, const char *folder, const char *name, char *out_path);
bool hni_text_is_folder(const char *path);

#endif
