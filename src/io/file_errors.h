/* What the file functions share: the words of their errors, and a write that finishes. For src/io only. */
#ifndef HNI_IO_FILE_ERRORS_H
#define HNI_IO_FILE_ERRORS_H

#include "core/context.h"

/* What to do about an errno value, in a few words. */
const char *hni_file_advice(int error);
/* "PATH: WHAT: reason of the system (what to do)", HN_ERROR_IO. */
HN_MUST_USE hn_status hni_file_error(hn_context *context, const char *path, const char *what, int error);
/* Writes all bytes to an open file; `path` is for the message. */
HN_MUST_USE hn_status hni_file_put(hn_context *context, const char *path, int descriptor, const void *data,
                                   size_t size);

#endif
