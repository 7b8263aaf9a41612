/* See symbols.h. */
#include "symbols.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/data/text.h"
#include "app/plot/surprise.h"
#include "core/alloc.h"
#include "format.h"

const char *const hni_symbols_words[HNI_SYMBOLS_FORMS + 1] = {"", "csv", "ansi", "html", "table", NULL};

/* One place of the text. */
typedef struct place {
    int32_t row;
    float bits; /* NaN: not predicted */
    float dynamic;
    uint8_t size;
    char bytes[4];
} place;

/* All places with one row together. */
typedef struct sum {
    const place *first; /* one of them, for its bytes; NULL: does not occur */
    double bits;
    int64_t count;
} sum;

struct hni_symbols {
    hn_context *context;
    place *places;
    size_t count, room;
    size_t dynamic_count; /* those with a dynamic figure too */
    hn_status status;
};

hn_status hni_symbols_create(hn_context *context, hni_symbols **out_symbols)
{
    void *memory = NULL;
    const hn_status status = hni_alloc(context, "symbols", sizeof **out_symbols, &memory);
    *out_symbols = memory;
    if (status == HN_OK) (*out_symbols)->context = context;
    return status;
}

void hni_symbols_destroy(hni_symbols *symbols)
{
    if (symbols == NULL) return;
    hni_free(symbols->context, symbols->places);
    hni_free(symbols->context, symbols);
}

void hni_symbols_take(void *user, int64_t row, const char *bytes, size_t size, double bits)
{
    hni_symbols *all = user;
    if (all->status != HN_OK) return;
    if (all->count == all->room) {
        void *places = all->places;
        const size_t room = all->room == 0 ? 4096 : all->room * 2;
        all->status = hni_realloc_array(all->context, "bits of each symbol", room, sizeof *all->places, &places);
        if (all->status != HN_OK) return;
        all->places = places;
        all->room = room;
    }
    place *new = &all->places[all->count++];
    *new = (place){.row = (int32_t)row, .bits = (float)bits, .size = (uint8_t)size};
    memcpy(new->bytes, bytes, size);
}

void hni_symbols_take_dynamic(void *user, int64_t row, const char *bytes, size_t size, double bits)
{
    hni_symbols *all = user;
    (void)row, (void)bytes, (void)size;
    if (all->dynamic_count < all->count) all->places[all->dynamic_count++].dynamic = (float)bits;
}

/* ---- a row a kind of symbol ---- */

static hn_status sum_up(const hni_symbols *all, sum **out_sums)
{
    void *memory = NULL;
    const hn_status status = hni_alloc_array(all->context, "symbols", HNI_MOST_SYMBOLS, sizeof(sum), &memory);
    *out_sums = memory;
    for (size_t i = 0; status == HN_OK && i < all->count; i++) {
        const place *at = &all->places[i];
        sum *of = &(*out_sums)[at->row];
        if (isnan(at->bits)) continue;
        of->first = at;
        of->bits += (double)at->bits;
        of->count++;
    }
    return status;
}

static hn_status print_table(const hni_symbols *all, hni_text *out)
{
    sum *sums = NULL;
    const hn_status status = sum_up(all, &sums);
    if (status == HN_OK) hni_text_add(out, "%-16s %12s %10s\n", "symbol", "count", "bits each");
    for (size_t row = 0; status == HN_OK && row < HNI_MOST_SYMBOLS; row++) {
        char shown[HNI_SYMBOL_PRINT_SIZE], count[32];
        if (sums[row].count == 0) continue;
        hni_text_add(out, "%-16s %12s %10.4f\n",
                     hni_symbol_print(sums[row].first->bytes, sums[row].first->size, shown, sizeof shown),
                     hni_count_print(sums[row].count, count, sizeof count), sums[row].bits / (double)sums[row].count);
    }
    hni_free(all->context, sums);
    return status;
}

/* A symbol of one byte has "byte", one that is text has "symbol". */
static json_t *sum_as_json(const sum *of)
{
    const place *at = of->first;
    json_t *entry = json_pack("{s:I,s:f}", "count", (json_int_t)of->count, "bits", of->bits / (double)of->count);
    if (at->size == 1) json_object_set_new(entry, "byte", json_integer((uint8_t)at->bytes[0]));
    if (hni_utf8_length(at->bytes, at->size) == at->size)
        json_object_set_new(entry, "symbol", json_stringn(at->bytes, at->size));
    return entry;
}

json_t *hni_symbols_json(const hni_symbols *all)
{
    sum *sums = NULL;
    if (all->status != HN_OK || sum_up(all, &sums) != HN_OK) return NULL;
    json_t *list = json_array();
    for (size_t row = 0; row < HNI_MOST_SYMBOLS; row++)
        if (sums[row].count > 0) json_array_append_new(list, sum_as_json(&sums[row]));
    hni_free(all->context, sums);
    return list;
}

/* ---- CSV ---- */

/* The symbol as a field: a character that can be seen as it is, others as \n, \t, \\ and \xHH, which stands for one byte. Quoted where
 * a reader of CSV would stumble. */
static void add_field(hni_text *out, const place *at)
{
    uint32_t code = (uint8_t)at->bytes[0];
    const bool is_text = hni_utf8_length(at->bytes, at->size) == at->size;
    if (is_text) code = hni_utf8_code(at->bytes, at->size);
    switch (code) {
    case '\n': hni_text_add(out, "\\n"); return;
    case '\t': hni_text_add(out, "\\t"); return;
    case '\r': hni_text_add(out, "\\r"); return;
    case '\\': hni_text_add(out, "\\\\"); return;
    case '"': hni_text_add(out, "\"\"\"\""); return;
    case ' ': hni_text_add(out, "\" \""); return;
    case ',': hni_text_add(out, "\",\""); return;
    default: break;
    }
    if (is_text && code > ' ' && code != 0x7F && !(code >= 0x80 && code <= 0xA0) && code != 0x2028 && code != 0x2029) {
        hni_text_add_bytes(out, at->bytes, at->size);
        return;
    }
    for (size_t i = 0; i < at->size; i++)
        hni_text_add(out, "\\x%02X", (uint8_t)at->bytes[i]);
}

static void print_csv(const hni_symbols *all, hni_text *out)
{
    const bool has_dynamic = all->dynamic_count > 0;
    hni_text_add(out, "offset,symbol,bits%s\n", has_dynamic ? ",dynamic_bits" : "");
    for (size_t i = 0; i < all->count && out->status == HN_OK; i++) {
        if (isnan(all->places[i].bits)) continue;
        hni_text_add(out, "%zu,", i);
        add_field(out, &all->places[i]);
        hni_text_add(out, ",%.9g", (double)all->places[i].bits);
        if (has_dynamic) hni_text_add(out, ",%.9g", (double)all->places[i].dynamic);
        hni_text_add(out, "\n");
    }
}

/* ---- coloured text ---- */

/* The text and its bits, byte by byte. */
static void lay_out(const hni_symbols *all, hni_text *bytes, hni_text *bits)
{
    const float none = 0;
    for (size_t i = 0; i < all->count; i++) {
        const place *at = &all->places[i];
        hni_text_add_bytes(bytes, at->bytes, at->size);
        for (size_t k = 0; k < at->size; k++)
            hni_text_add_bytes(bits, k == 0 ? &at->bits : &none, sizeof none);
    }
}

static hn_status print_coloured(const hni_symbols *all, hni_symbols_form form, const char *title, const char *figure,
                                hni_text *out)
{
    hni_text bytes = {.context = all->context}, bits = {.context = all->context};
    hn_status status;
    lay_out(all, &bytes, &bits);
    HNI_TRY(bytes.status);
    HNI_TRY(bits.status);
    const hni_surprise surprise = {
        .bytes = (const unsigned char *)bytes.data,
        .count = bytes.size,
        .bits = (const float *)(const void *)bits.data,
    };
    if (form == HNI_SYMBOLS_HTML) {
        HNI_TRY(hni_surprise_page(&surprise, title, figure, out));
    } else {
        const hni_ansi ansi = hni_ansi_choose(getenv("NO_COLOR"), getenv("COLORTERM"), getenv("TERM"));
        HNI_TRY(hni_surprise_ansi(all->context, &surprise, hni_terminal_columns(), ansi, out));
    }
cleanup:
    hni_text_free(&bytes);
    hni_text_free(&bits);
    return status;
}

hn_status hni_symbols_print(const hni_symbols *all, hni_symbols_form form, const char *title, const char *figure,
                            hni_text *out_text)
{
    hn_status status = all->status;
    if (status != HN_OK) return status;
    switch (form) {
    case HNI_SYMBOLS_CSV: print_csv(all, out_text); break;
    case HNI_SYMBOLS_TABLE: status = print_table(all, out_text); break;
    default: status = print_coloured(all, form, title, figure, out_text); break;
    }
    return status == HN_OK ? out_text->status : status;
}
