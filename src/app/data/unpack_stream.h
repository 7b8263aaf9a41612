/* What the decoders of gz and xz share: bytes that grow up to a limit. For src/app/data/unpack*.c only. */
#ifndef HNI_DATA_UNPACK_STREAM_H
#define HNI_DATA_UNPACK_STREAM_H

#include "io/files.h"

typedef struct hni_unpacked {
    hn_context *context;
    const char *name; /* of the file */
    size_t limit;     /* 0: none */
    unsigned char *data;
    size_t size, capacity;
} hni_unpacked;

/* Makes room for at least one more byte: out->capacity - out->size of them. Over the limit is an error. */
HN_MUST_USE hn_status hni_unpacked_grow(hni_unpacked *out);

/* Decode all of `packed` into `out`. */
HN_MUST_USE hn_status hni_unpack_gz(const hni_file_bytes *packed, hni_unpacked *out);
HN_MUST_USE hn_status hni_unpack_xz(const hni_file_bytes *packed, hni_unpacked *out);

#endif
