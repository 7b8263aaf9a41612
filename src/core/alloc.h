/* The one allocator of the library. Everything in src/ allocates here, so that a context knows what it holds. */
#ifndef HNI_CORE_ALLOC_H
#define HNI_CORE_ALLOC_H

#include "core/context.h"

#define HNI_ALIGNMENT 64

/* Zeroed memory at a multiple of 64 bytes. Fails with HN_ERROR_MEMORY over the context's limit, naming `what` ("step memory",
 * "gradients") and both figures. size 0 gives a valid pointer. */
HN_MUST_USE hn_status hni_alloc(hn_context *context, const char *what, size_t size, void **out_pointer);
/* The same, with any content. */
HN_MUST_USE hn_status hni_alloc_unzeroed(hn_context *context, const char *what, size_t size, void **out_pointer);
/* Array of `count` elements with overflow check. */
HN_MUST_USE hn_status hni_alloc_array(hn_context *context, const char *what, size_t count, size_t size,
                                      void **out_pointer);
/* Grows an array (contents kept, new part zeroed); *pointer may be NULL. On failure *pointer stays as it was. */
HN_MUST_USE hn_status hni_realloc_array(hn_context *context, const char *what, size_t count, size_t size,
                                        void **pointer);
/* NULL is allowed. */
void hni_free(hn_context *context, void *pointer);
HN_MUST_USE hn_status hni_copy_text(hn_context *context, const char *text, char **out_copy);

/* The C library's, for contexts without a hook of their own. */
hn_allocator hni_allocator_default(void);
/* "61.0 GiB", "12 bytes"; rounded down. Returns buffer; 32 bytes are always enough. */
char *hni_bytes_print(uint64_t bytes, char *buffer, size_t size);

#endif
