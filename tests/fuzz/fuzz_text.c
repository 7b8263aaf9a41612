/* Fuzzes the way of a text file into the program: plain, gz or xz from memory, with a limit on what may come out; then its
 * characters and their rows, and Penn Treebank's rule. And the same bytes as the list of symbols of a checkpoint. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/data/text.h"
#include "app/data/unpack.h"
#include "core/alloc.h"
#include "io/text.h"

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

/* Every symbol is found where it stands, and all of them together are the text again. */
static void check_rows(const hn_vocabulary *vocabulary, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0, used, length; at < size; at += used) {
        const int64_t row = hn_vocabulary_find(vocabulary, bytes + at, size - at, &used);
        const char *symbol = hn_vocabulary_symbol(vocabulary, row, &length);
        if (row < 0 || symbol == NULL || length != used || memcmp(symbol, bytes + at, used) != 0) abort();
    }
}

/* Characters are valid up to a place where none begins, and what is valid comes back out of its rows. */
static void check_characters(hn_context *context, const hni_file_bytes *bytes)
{
    size_t valid, list_size;
    hn_vocabulary *vocabulary = NULL;
    const int64_t count = hni_characters_count(bytes->data, bytes->size, &valid);
    if (valid > bytes->size || (uint64_t)count > valid || (uint64_t)count * 4 < valid) abort();
    if (valid < bytes->size && hni_utf8_length(bytes->data + valid, bytes->size - valid) != 0) abort();
    if (valid == 0) return;
    const hni_file_bytes text = {bytes->data, valid};
    if (hni_vocabulary_of(context, HN_SYMBOL_CHARACTER, &text, 0, &vocabulary) != HN_OK) abort();
    if (hn_vocabulary_count(vocabulary) > count) abort();
    check_rows(vocabulary, text.data, text.size);
    check_rows(vocabulary, hni_vocabulary_text(vocabulary, &list_size), list_size);
    hni_vocabulary_destroy(vocabulary);
}

/* A list is refused, or all of its symbols are found. */
static void check_list(hn_context *context, hn_symbol_kind kind, const uint8_t *data, size_t size)
{
    hn_vocabulary *vocabulary = NULL;
    const hn_status status = hni_vocabulary_create(context, kind, data, size, &vocabulary);
    if ((status == HN_OK) != (vocabulary != NULL) || (status != HN_OK && status != HN_ERROR_FORMAT)) abort();
    if (status == HN_OK) check_rows(vocabulary, data, size);
    hn_context_clear(context);
    hni_vocabulary_destroy(vocabulary);
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
    if (status == HN_OK) {
        check_characters(context, &out);
        check_rule(&out);
    }
    hni_free(context, out.data);
    hn_context_clear(context);
    check_list(context, HN_SYMBOL_BYTE, copy, size);
    check_list(context, HN_SYMBOL_CHARACTER, copy, size);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    free(copy);
    return 0;
}
