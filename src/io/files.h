/* Whole files read, replaced as one, and appended to, with messages that say where, what and what to do.
 * Every path here ends at a file system: nothing knows what is in the files. */
#ifndef HNI_IO_FILES_H
#define HNI_IO_FILES_H

#include "core/context.h"

typedef struct hni_file_bytes {
    unsigned char *data; /* one 0 byte stands behind the last; hni_free */
    size_t size;
} hni_file_bytes;

/* Whether a file's name ends so, with something before: ".gz". */
bool hni_ends_in(const char *name, const char *ending);
/* Reads a regular file or a pipe to its end. An empty one, a folder, a device, or more than `limit` bytes (0: no limit) is an
 * error. */
HN_MUST_USE hn_status hni_file_read(hn_context *context, const char *path, size_t limit, hni_file_bytes *out_bytes);

/* A file that appears under its name only when it is whole and on the disk. Until then it stands beside it, as
 * "NAME.PROCESS-N.partial"; whatever fails, the file that was there before stays as it was.
 *
 *     hni_file_writer *writer = NULL;
 *     HNI_TRY(hni_file_writer_open(context, path, &writer));
 *     HNI_TRY(hni_file_writer_put(writer, data, size));            // any number of times
 *     HNI_TRY(hni_file_writer_commit(writer));                     // flush, rename, flush the folder
 *     cleanup: hni_file_writer_close(writer);                      // not committed: removes the partial file; NULL is allowed
 */
typedef struct hni_file_writer hni_file_writer;
HN_MUST_USE hn_status hni_file_writer_open(hn_context *context, const char *path, hni_file_writer **out_writer);
HN_MUST_USE hn_status hni_file_writer_put(hni_file_writer *writer, const void *data, size_t size);
HN_MUST_USE hn_status hni_file_writer_commit(hni_file_writer *writer);
void hni_file_writer_close(hni_file_writer *writer);

/* The same for bytes at hand. */
HN_MUST_USE hn_status hni_file_write_atomic(hn_context *context, const char *path, const void *data, size_t size);

/* Writes `data` behind the first `length` bytes of the file, which is made if it is missing; what stood there is cut off (a run
 * that was resumed from before it), and flushes it to disk. A file shorter than `length` is an error. On success *length is the new length. */
HN_MUST_USE hn_status hni_file_append(hn_context *context, const char *path, uint64_t *length, const void *data,
                                      size_t size);

#endif
