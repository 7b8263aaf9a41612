/* A walk over the regular files of a tar archive that is in memory: ustar, GNU's and pax' headers. Long names, links and folders are passed
 * over. Every header's checksum is checked, and that the archive ends as one does.
 *
 *     hni_tar tar = {.context = context, .name = path, .archive = &bytes};
 *     while (tar.status == HN_OK && hni_tar_next(&tar)) ... tar.entry, tar.file ...
 */
#ifndef HNI_APP_DATA_TAR_H
#define HNI_APP_DATA_TAR_H

#include "io/files.h"

typedef struct hni_tar {
    hn_context *context;
    const char *name; /* of the archive */
    const hni_file_bytes *archive;
    size_t at;
    hn_status status;
    /* The file found. */
    char entry[101];     /* its name without folders */
    hni_file_bytes file; /* points into the archive */
} hni_tar;

/* The next regular file; false at the end, or with the reason in `status`. */
bool hni_tar_next(hni_tar *tar);

#endif
