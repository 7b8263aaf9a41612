/* Status codes, the context, its error record, allocator, log and threads.
 *
 * A context belongs to one thread at a time; any number of contexts may live in a process. The library never
 * exits, prints, or keeps mutable globals. Every fallible call returns an hn_status and leaves a text in the
 * context's error record:
 *
 *     hn_context *ctx;
 *     if (hn_context_create(NULL, &ctx) != HN_OK) return 1;            // NULL: default options
 *     if (hn_store_load(store, path) != HN_OK) puts(hn_context_error(ctx)->text);
 */
#ifndef HYPERNET_CORE_H
#define HYPERNET_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define HN_MUST_USE __attribute__((warn_unused_result))
#define HN_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define HN_API __attribute__((visibility("default")))
#else
#define HN_MUST_USE
#define HN_PRINTF(format_index, first_argument)
#define HN_API
#endif

/* What went wrong, by kind. 0 is success. */
typedef enum hn_status {
    HN_OK = 0,
    HN_ERROR_MEMORY,      /* an allocation failed, or the step would not fit into the stated limit */
    HN_ERROR_ARGUMENT,    /* an argument is outside its stated range */
    HN_ERROR_SHAPE,       /* shapes do not fit together */
    HN_ERROR_TYPE,        /* an element type is not accepted here */
    HN_ERROR_STALE,       /* a tensor was used after its arena was reset, or with another graph */
    HN_ERROR_STATE,       /* the call is not allowed now (backward twice, a sealed store, ...) */
    HN_ERROR_UNSUPPORTED, /* refused by name: this backend or version does not do it */
    HN_ERROR_IO,          /* the operating system refused a file operation */
    HN_ERROR_FORMAT,      /* a file's content is damaged or of another kind */
    HN_ERROR_NONFINITE,   /* a loss, gradient or weight is infinite or not a number */
    HN_ERROR_CANCELLED    /* a callback asked to stop */
} hn_status;

/* A constant, lower-case name such as "shape"; "unknown" for a value that is none of the above. */
HN_API const char *hn_status_name(hn_status status);

typedef struct hn_context hn_context;

/* The first error since the last hn_context_clear. Strings are owned by the context. */
typedef struct hn_error {
    hn_status status;
    char text[768];     /* one line: what, where, what to do */
    char op[48];        /* the op or function, "" if none */
    char argument[48];  /* the offending argument, "" if none */
    char shapes[2][96]; /* the shapes that do not fit, "" if none */
} hn_error;

/* Allocation hook. `resize` follows realloc: (NULL, size) allocates, (p, 0) frees and returns NULL.
 * Sizes are exact multiples of nothing; the library aligns by itself. */
typedef struct hn_allocator {
    void *(*resize)(void *user, void *pointer, size_t size);
    void *user;
} hn_allocator;

typedef enum hn_log_level { HN_LOG_DEBUG = 0, HN_LOG_INFO, HN_LOG_WARNING } hn_log_level;

typedef struct hn_context_options {
    int threads;            /* threads of compute, >= 1; 0: one a core that this process may use */
    int64_t memory_limit;   /* bytes that graphs and stores may hold in all; 0: no limit */
    hn_allocator allocator; /* resize == NULL: the C library's */
    void (*log)(void *user, hn_log_level level, const char *text); /* NULL: silence */
    void *log_user;
    /* Asked, by the thread that made the call, before each part of a call that may take long: `done` of `total` parts are
     * finished (total 0: unknown). false cancels: the call gives HN_ERROR_CANCELLED, and after hn_context_clear and hn_graph_reset
     * everything may be used again; a backward that was cancelled leaves parts of gradients, which hn_store_zero_gradients clears.
     * `what` is one of "initialise" (numbers of a store), "orthogonalise" (vectors of one matrix), "read", "write" (bytes of a file),
     * "parameters" (copied from a file), "sequence" (steps of a layer; in a backward those of the way back), "backward" (nodes of the
     * tape). The callback must not use the context. NULL: never asked. */
    bool (*progress)(void *user, const char *what, int64_t done, int64_t total);
    void *progress_user;
} hn_context_options;

HN_API void hn_context_options_default(hn_context_options *out_options);

/* options may be NULL. On failure *out_context is NULL (there is no record to ask then). */
HN_API HN_MUST_USE hn_status hn_context_create(const hn_context_options *options, hn_context **out_context);
/* Everything made with the context must have been destroyed before. NULL is allowed. */
HN_API void hn_context_destroy(hn_context *context);

HN_API const hn_error *hn_context_error(const hn_context *context);
HN_API void hn_context_clear(hn_context *context);
HN_API int hn_context_threads(const hn_context *context);
/* Another number of threads (0: one a core), from the next hn_graph_reset of each graph and the next hn_store_zero_gradients of
 * each store on, that is, from the beginning of a step. Results are then those of a context made with that number. */
HN_API HN_MUST_USE hn_status hn_context_set_threads(hn_context *context, int threads);
/* Bytes now held by stores, graphs and streams of this context, and the number of allocator calls so far. */
HN_API int64_t hn_context_memory(const hn_context *context);
HN_API uint64_t hn_context_allocations(const hn_context *context);

/* "0.1.0", and the same as one number for comparisons: major * 10000 + minor * 100 + patch. */
HN_API const char *hn_version(void);
HN_API int hn_version_number(void);

#ifdef __cplusplus
}
#endif
#endif
