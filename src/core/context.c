/* The context: options, error record, log, version. It is the one block taken straight from the allocator hook, since the
 * memory account that src/core/alloc.c keeps lies inside of it. Not for anything about tensors. */
#include "core/context.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"

#ifndef HYPERNET_VERSION
#define HYPERNET_VERSION "0.0.0" /* built without our CMake */
#endif

/* More threads than any machine we know has cores; beyond it the OpenMP runtime ends the process. */
enum { MOST_THREADS = 4096 };

const char *hn_version(void) { return HYPERNET_VERSION; }

int hn_version_number(void)
{
    int parts[3] = {0, 0, 0};
    int part = 0;
    for (const char *c = HYPERNET_VERSION; *c != '\0' && part < 3; c++) {
        if (*c >= '0' && *c <= '9')
            parts[part] = parts[part] * 10 + (*c - '0');
        else if (*c == '.')
            part++;
        else
            break;
    }
    return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

const char *hn_status_name(hn_status status)
{
    switch (status) {
    case HN_OK: return "ok";
    case HN_ERROR_MEMORY: return "memory";
    case HN_ERROR_ARGUMENT: return "argument";
    case HN_ERROR_SHAPE: return "shape";
    case HN_ERROR_TYPE: return "type";
    case HN_ERROR_STALE: return "stale";
    case HN_ERROR_STATE: return "state";
    case HN_ERROR_UNSUPPORTED: return "unsupported";
    case HN_ERROR_IO: return "io";
    case HN_ERROR_FORMAT: return "format";
    case HN_ERROR_NONFINITE: return "nonfinite";
    case HN_ERROR_CANCELLED: return "cancelled";
    }
    return "unknown";
}

void hn_context_options_default(hn_context_options *out_options) { memset(out_options, 0, sizeof *out_options); }

hn_status hn_context_create(const hn_context_options *options, hn_context **out_context)
{
    hn_context_options chosen;
    hn_context_options_default(&chosen);
    if (options != NULL) chosen = *options;
    *out_context = NULL;
    if (chosen.threads < 0 || chosen.threads > MOST_THREADS || chosen.memory_limit < 0) return HN_ERROR_ARGUMENT;

    const hn_allocator allocator = chosen.allocator.resize != NULL ? chosen.allocator : hni_allocator_default();
    hn_context *context = allocator.resize(allocator.user, NULL, sizeof *context);
    if (context == NULL) return HN_ERROR_MEMORY;
    memset(context, 0, sizeof *context);
    context->allocator = allocator;
    context->allocation_calls = 1;
    context->threads = chosen.threads > 0 ? chosen.threads : hni_parallel_cores();
    context->memory_limit = chosen.memory_limit;
    context->log = chosen.log;
    context->log_user = chosen.log_user;
    context->progress = chosen.progress;
    context->progress_user = chosen.progress_user;
    *out_context = context;
    return HN_OK;
}

void hn_context_destroy(hn_context *context)
{
    if (context == NULL) return;
    const hn_allocator allocator = context->allocator;
    (void)allocator.resize(allocator.user, context, 0);
}

const hn_error *hn_context_error(const hn_context *context) { return &context->error; }

void hn_context_clear(hn_context *context) { memset(&context->error, 0, sizeof context->error); }

int hn_context_threads(const hn_context *context) { return context->threads; }

hn_status hn_context_set_threads(hn_context *context, int threads)
{
    if (threads < 0 || threads > MOST_THREADS) {
        return hni_error(context, HN_ERROR_ARGUMENT, "threads: %d is outside 0 to %d", threads, (int)MOST_THREADS);
    }
    context->threads = threads > 0 ? threads : hni_parallel_cores();
    return HN_OK;
}

int64_t hn_context_memory(const hn_context *context) { return context->memory_held; }

uint64_t hn_context_allocations(const hn_context *context) { return context->allocation_calls; }

/* Texts quote file contents: one line, no terminal commands, and a cut text says so without half a UTF-8 character. */
static void tidy_text(char *text, size_t size, bool cut)
{
    for (char *c = text; *c != '\0'; c++) {
        const unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f) *c = byte == '\n' || byte == '\t' ? ' ' : '?';
    }
    if (!cut || size < 4) return;
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    memcpy(text + end, "...", 4);
}

static void copy_text(char *buffer, size_t size, const char *text)
{
    if (text == NULL) text = "";
    const int length = snprintf(buffer, size, "%s", text);
    tidy_text(buffer, size, length >= 0 && (size_t)length >= size);
}

/* op and text, "op: text". */
HN_PRINTF(2, 0) static void record_text(hn_error *error, const char *format, va_list arguments)
{
    size_t used = 0;
    if (error->op[0] != '\0') used = (size_t)snprintf(error->text, sizeof error->text, "%s: ", error->op);
    const int length = vsnprintf(error->text + used, sizeof error->text - used, format, arguments);
    tidy_text(error->text, sizeof error->text, length >= 0 && (size_t)length >= sizeof error->text - used);
}

hn_status hni_error(hn_context *context, hn_status status, const char *format, ...)
{
    assert(status != HN_OK);
    if (context->error.status != HN_OK) return status;
    context->error.status = status;
    va_list arguments;
    va_start(arguments, format);
    record_text(&context->error, format, arguments);
    va_end(arguments);
    return status;
}

hn_status hni_error_at(hn_context *context, hn_status status, const hni_blame *blame, const char *format, ...)
{
    assert(status != HN_OK);
    hn_error *error = &context->error;
    if (error->status != HN_OK) return status;
    error->status = status;
    copy_text(error->op, sizeof error->op, blame->op);
    copy_text(error->argument, sizeof error->argument, blame->argument);
    copy_text(error->shapes[0], sizeof error->shapes[0], blame->shape_a);
    copy_text(error->shapes[1], sizeof error->shapes[1], blame->shape_b);
    va_list arguments;
    va_start(arguments, format);
    record_text(error, format, arguments);
    va_end(arguments);
    return status;
}

hn_status hni_go_on(hn_context *context, const char *what, int64_t done, int64_t total)
{
    if (context->progress == NULL || context->progress(context->progress_user, what, done, total)) return HN_OK;
    return hni_error(context, HN_ERROR_CANCELLED, "%s: cancelled by the progress callback after %lld of %lld", what,
                     (long long)done, (long long)total);
}

void hni_log(const hn_context *context, hn_log_level level, const char *format, ...)
{
    if (context->log == NULL) return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tidy_text(text, sizeof text, length >= 0 && (size_t)length >= sizeof text);
    context->log(context->log_user, level, text);
}
