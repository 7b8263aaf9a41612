/* Fuzzes the way of a text file into the program: plain, gz or xz from memory, with a limit on what may come out; then
 * Penn Treebank's rule. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/data/text.h"
#include "app/data/unpack.h"
#include "core/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that a packed bomb is met early. */
#define LIMIT ((size_t)1 << 20)

static bool begins_packed(const uint8_t *data, size_t size)
{
    return (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0) || (size >= 6 && memcmp(data,
                                                                                   "\xfd"
                                                                                   "7zXZ",
                                                                                   6) == 0);
}

/* Penn Treebank's rule on whatever came out: every line ended, no space left, nothing grown but by the last line's end. */
static void check_rule(hni_file_bytes *bytes)
{
    const size_t size = hni_treebank_characters(bytes->data, bytes->size);
    if (size == 0 || size > bytes->size + 1 || bytes->data[size - 1] != '\n') abort();
    if (memchr(bytes->data, ' ', size) != NULL) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hn_context *context;
    hni_file_bytes out;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL || hn_context_create(NULL, &context) != HN_OK) abort();
    memcpy(copy, data, size);
    hni_file_bytes packed = {copy, size};
    hn_status status = hni_unpack_bytes(context, "fuzz", &packed, LIMIT, &out);
    if (status == HN_OK) {
        if (out.size == 0 || out.size > LIMIT || out.data[out.size] != 0) abort();
        if (!begins_packed(data, size) && (out.size != size || memcmp(out.data, data, size) != 0)) abort();
    } else if (out.data != NULL || strncmp(hn_context_error(context)->text, "fuzz: ", 6) != 0) {
        abort();
    }
    if (status == HN_OK) check_rule(&out);
    hni_free(context, out.data);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    free(copy);
    return 0;
}
