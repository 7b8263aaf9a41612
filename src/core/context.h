/* Inside of the context: error record, log, memory account, threads. Not for anything about tensors. */
#ifndef HNI_CORE_CONTEXT_H
#define HNI_CORE_CONTEXT_H

#include "hypernet/core.h"

struct hn_context {
    hn_error error;
    hn_allocator allocator;
    int threads;
    int64_t memory_limit;
    int64_t memory_held;
    uint64_t allocation_calls;
    uint32_t generations; /* handed out to graphs and persistent tensors: unique within the context */
    void (*log)(void *user, hn_log_level level, const char *text);
    void *log_user;
    bool (*progress)(void *user, const char *what, int64_t done, int64_t total);
    void *progress_user;
};

/* Records the first error (later ones are ignored until hn_context_clear) and returns `status`. */
HN_MUST_USE hn_status hni_error(hn_context *context, hn_status status, const char *format, ...) HN_PRINTF(3, 4);

/* The same with the record's fields: "OP: TEXT". `argument`, `shape_a`, `shape_b` may be NULL. */
typedef struct hni_blame {
    const char *op, *argument;
    const char *shape_a, *shape_b; /* printed shapes */
} hni_blame;
HN_MUST_USE hn_status hni_error_at(hn_context *context, hn_status status, const hni_blame *blame, const char *format,
                                   ...) HN_PRINTF(4, 5);

/* Asks the caller's progress callback whether to go on; HN_ERROR_CANCELLED, with a text in the record, if not. */
HN_MUST_USE hn_status hni_go_on(hn_context *context, const char *what, int64_t done, int64_t total);

void hni_log(const hn_context *context, hn_log_level level, const char *format, ...) HN_PRINTF(3, 4);

/* if ((status = call) != OK) goto cleanup; the one exit of a function. */
#define HNI_TRY(call)                      \
    do {                                   \
        status = (call);                   \
        if (status != HN_OK) goto cleanup; \
    } while (0)

#endif
