/* Rows and their symbols, both ways. Bytes and the characters below U+0100 are found in a table, other characters by halving. */
#include "nn/vocabulary.h"

#include <string.h>

#include "core/alloc.h"
#include "io/text.h"

#define LOW 256

struct hn_vocabulary {
    hn_context *context;
    hn_symbol_kind kind;
    int64_t count;
    uint8_t *text;    /* all symbols one after the other */
    size_t size;      /* of the text */
    size_t *starts;   /* [count + 1] place of each row in it */
    uint32_t *codes;  /* [count] byte or code point of each row */
    int32_t low[LOW]; /* rows of the codes below 256, or -1 */
};

/* Bytes of the symbol that the text begins with; 0 if there is none. */
static size_t symbol_length(hn_symbol_kind kind, const void *text, size_t size)
{
    if (kind == HN_SYMBOL_CHARACTER) return hni_utf8_length(text, size);
    return size > 0 ? 1 : 0;
}

static uint32_t symbol_code(hn_symbol_kind kind, const void *text, size_t length)
{
    return kind == HN_SYMBOL_CHARACTER ? hni_utf8_code(text, length) : *(const uint8_t *)text;
}

/* ---- making ---- */

static hn_status allocate(hn_vocabulary *vocabulary, const void *text, size_t size)
{
    hn_context *context = vocabulary->context;
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc(context, "vocabulary", size, &memory));
    vocabulary->text = memory;
    memcpy(vocabulary->text, text, size);
    vocabulary->size = size;
    HNI_TRY(hni_alloc_array(context, "vocabulary", size + 1, sizeof(size_t), &memory));
    vocabulary->starts = memory;
    HNI_TRY(hni_alloc_array(context, "vocabulary", size, sizeof(uint32_t), &memory));
    vocabulary->codes = memory;
cleanup:
    return status;
}

/* A byte may not come twice; characters rise, so that one that comes twice is seen, and any of them found by halving. */
static bool is_in_place(const hn_vocabulary *vocabulary, uint32_t code)
{
    if (vocabulary->kind == HN_SYMBOL_BYTE) return vocabulary->low[code] < 0;
    return vocabulary->count == 0 || vocabulary->codes[vocabulary->count - 1] < code;
}

static hn_status add_symbols(hn_vocabulary *vocabulary)
{
    for (size_t at = 0, length; at < vocabulary->size; at += length) {
        length = symbol_length(vocabulary->kind, vocabulary->text + at, vocabulary->size - at);
        if (length == 0) {
            return hni_error(vocabulary->context, HN_ERROR_FORMAT,
                             "checkpoint: 'blob.vocabulary' is not UTF-8 at byte %zu: damaged file", at + 1);
        }
        const uint32_t code = symbol_code(vocabulary->kind, vocabulary->text + at, length);
        if (!is_in_place(vocabulary, code)) {
            return hni_error(vocabulary->context, HN_ERROR_FORMAT,
                             "checkpoint: 'blob.vocabulary' has symbol %u in row %lld, %s: damaged file", code,
                             (long long)vocabulary->count,
                             vocabulary->kind == HN_SYMBOL_BYTE ? "which an earlier row has"
                                                                : "where the codes have to rise from row to row");
        }
        if (code < LOW) vocabulary->low[code] = (int32_t)vocabulary->count;
        vocabulary->codes[vocabulary->count] = code;
        vocabulary->starts[vocabulary->count++] = at;
        vocabulary->starts[vocabulary->count] = at + length;
    }
    return HN_OK;
}

hn_status hni_vocabulary_create(hn_context *context, hn_symbol_kind kind, const void *text, size_t size,
                                hn_vocabulary **out_vocabulary)
{
    hn_vocabulary *vocabulary = NULL;
    void *memory = NULL;
    hn_status status;
    *out_vocabulary = NULL;
    if (size == 0) return hni_error(context, HN_ERROR_FORMAT, "checkpoint: 'blob.vocabulary' holds no symbol");
    HNI_TRY(hni_alloc(context, "vocabulary", sizeof *vocabulary, &memory));
    vocabulary = memory;
    vocabulary->context = context;
    vocabulary->kind = kind;
    for (int i = 0; i < LOW; i++)
        vocabulary->low[i] = -1;
    HNI_TRY(allocate(vocabulary, text, size));
    HNI_TRY(add_symbols(vocabulary));
    *out_vocabulary = vocabulary;
    vocabulary = NULL;
cleanup:
    hni_vocabulary_destroy(vocabulary);
    return status;
}

void hni_vocabulary_destroy(hn_vocabulary *vocabulary)
{
    if (vocabulary == NULL) return;
    hni_free(vocabulary->context, vocabulary->text);
    hni_free(vocabulary->context, vocabulary->starts);
    hni_free(vocabulary->context, vocabulary->codes);
    hni_free(vocabulary->context, vocabulary);
}

/* ---- asking ---- */

int64_t hn_vocabulary_count(const hn_vocabulary *vocabulary) { return vocabulary->count; }
hn_symbol_kind hni_vocabulary_kind(const hn_vocabulary *vocabulary) { return vocabulary->kind; }

const uint8_t *hni_vocabulary_text(const hn_vocabulary *vocabulary, size_t *out_size)
{
    *out_size = vocabulary->size;
    return vocabulary->text;
}

bool hni_vocabulary_equal(const hn_vocabulary *a, const hn_vocabulary *b)
{
    return a->kind == b->kind && a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

const char *hn_vocabulary_symbol(const hn_vocabulary *vocabulary, int64_t row, size_t *out_size)
{
    *out_size = 0;
    if (row < 0 || row >= vocabulary->count) return NULL;
    *out_size = vocabulary->starts[row + 1] - vocabulary->starts[row];
    return (const char *)vocabulary->text + vocabulary->starts[row];
}

/* The row of a code point among rising ones. */
static int64_t find_code(const hn_vocabulary *vocabulary, uint32_t code)
{
    int64_t low = 0, high = vocabulary->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (vocabulary->codes[middle] < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < vocabulary->count && vocabulary->codes[low] == code ? low : -1;
}

int64_t hn_vocabulary_find(const hn_vocabulary *vocabulary, const void *text, size_t size, size_t *out_used)
{
    *out_used = symbol_length(vocabulary->kind, text, size);
    if (*out_used == 0) return -1;
    const uint32_t code = symbol_code(vocabulary->kind, text, *out_used);
    return code < LOW ? vocabulary->low[code] : find_code(vocabulary, code);
}
