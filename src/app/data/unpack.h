/* Data files read whole: plain, .gz or .xz (told apart by their first bytes, not by name), or all files below a folder.
 * A damaged or cut-off file is an error, never a shorter text: checksums and lengths are checked. Knows nothing of what the
 * bytes mean, and nothing of archives. */
#ifndef HNI_DATA_UNPACK_H
#define HNI_DATA_UNPACK_H

#include "io/files.h"

/* `limit`: the most bytes that may come out, 0: no limit. Free out_bytes->data with hni_free; one 0 byte stands behind the last.
 * Nothing at all coming out is an error. */

/* One file, unpacked if it is packed. */
HN_MUST_USE hn_status hni_unpack_file(hn_context *context, const char *path, size_t limit, hni_file_bytes *out_bytes);
/* The same from memory; `name` is the file's name in messages. */
HN_MUST_USE hn_status hni_unpack_bytes(hn_context *context, const char *name, const hni_file_bytes *packed,
                                       size_t limit, hni_file_bytes *out_bytes);
/* A file as above; or a folder: all regular files below it, each unpacked, one behind the other in the order of the bytes of
 * their paths, a newline added between two where it is missing. Hidden files and folders, and empty files, are left out. */
HN_MUST_USE hn_status hni_unpack_path(hn_context *context, const char *path, size_t limit, hni_file_bytes *out_bytes);

#endif
