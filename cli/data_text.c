/* hypernet data show PATH of a text: its parts, its symbols, and how each part begins. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/text.h"
#include "core/alloc.h"
#include "data.h"
#include "format.h"
#include "io/text.h"

#define SHOWN 60

static bool is_treebank(const char *folder)
{
    char path[HNI_DATA_PATH_SIZE + 32];
    struct stat status;
    snprintf(path, sizeof path, "%s/ptb.train.txt", folder);
    return stat(path, &status) == 0;
}

/* Settings under which any text can be read; windows are the business of a recipe. */
static void choose_settings(const hni_data_options *options, const char *path, hni_text_settings *out_settings)
{
    static const int64_t own_size[] = {256, 50, 0};
    const bool is_enwik8 = strcmp(options->path, "enwik8") == 0; /* whose recipes have its 205 bytes as rows */
    hni_settings_default(hni_text_settings_table(), out_settings);
    snprintf(out_settings->path, sizeof out_settings->path, "%s", path);
    out_settings->kind = options->text_kind >= 0           ? (hni_text_kind)options->text_kind
                         : is_treebank(out_settings->path) ? HNI_TEXT_KIND_PENN_TREEBANK
                                                           : HNI_TEXT_KIND_BYTES;
    out_settings->vocabulary_size = options->vocabulary_size >= 0 ? options->vocabulary_size
                                    : is_enwik8 && out_settings->kind == HNI_TEXT_KIND_BYTES
                                        ? 205
                                        : own_size[out_settings->kind];
    out_settings->batch = out_settings->length = 1;
}

/* With V = 256 every byte has a row, whether it occurs or not. */
static hn_status count_distinct(hn_context *context, const hni_text_data *text, int *out_count)
{
    void *memory = NULL;
    const size_t size = (size_t)hn_vocabulary_count(text->vocabulary);
    const hn_status status = hni_alloc(context, "symbols", size, &memory);
    uint8_t *occurs = memory;
    *out_count = 0;
    if (status != HN_OK) return status;
    for (int64_t i = 0; i < text->count[HNI_TEXT_ALL]; i++)
        occurs[hni_text_row(text, i)] = 1;
    for (size_t i = 0; i < size; i++)
        *out_count += occurs[i];
    hni_free(context, memory);
    return HN_OK;
}

/* Puts a symbol behind what is there, fit for one line; returns the new size. */
static size_t put_symbol(const hni_text_data *text, int64_t row, char *bytes, size_t at)
{
    size_t length;
    const char *symbol = hn_vocabulary_symbol(text->vocabulary, row, &length);
    memcpy(bytes + at, symbol, length);
    if (bytes[at] == 0) bytes[at] = '?';
    if (bytes[at] == '\n') bytes[at] = '|';
    return at + length;
}

/* The first symbols in the order of their rows. */
static void print_symbols(const hni_text_data *text)
{
    char bytes[4 * SHOWN + 1], shown[4 * SHOWN + 1];
    const int64_t count = hn_vocabulary_count(text->vocabulary);
    size_t at = 0;
    if (count == 256 && hni_vocabulary_kind(text->vocabulary) == HN_SYMBOL_BYTE) {
        puts("symbols: the byte is the row");
        return;
    }
    for (int64_t row = 0; row < count && row < SHOWN; row++)
        at = put_symbol(text, row, bytes, at);
    bytes[at] = 0;
    printf("symbols from row 0: %s%s\n", hni_printable(bytes, shown, sizeof shown), count > SHOWN ? " ..." : "");
}

/* The beginning of a part, fit for one line. */
static void beginning(const hni_text_data *text, int split, char *buffer, size_t size)
{
    char bytes[4 * SHOWN + 1];
    size_t at = 0;
    const int64_t count = text->count[split] < SHOWN ? text->count[split] : SHOWN;
    for (int64_t i = 0; i < count; i++)
        at = put_symbol(text, hni_text_row(text, text->start[split] + i), bytes, at);
    bytes[at] = 0;
    hni_printable(bytes, buffer, size);
}

static int print_text(const hni_data_options *options, const hni_text_settings *settings, const hni_text_data *text,
                      int distinct)
{
    static const char *const names[] = {"train", "valid", "test"};
    const char *kind = hni_text_kind_name(settings->kind);
    const long long size = settings->vocabulary_size > 0 ? settings->vocabulary_size : distinct;
    char shown[4 * SHOWN + 1], count[32];
    if (options->cli->json) {
        return hni_cli_print_json(options->cli,
                                  json_pack("{s:o,s:s,s:I,s:I,s:I,s:i,s:I,s:s}", "path",
                                            hni_cli_path_json(options->cli, settings->path), "kind", kind, "train",
                                            (json_int_t)text->count[0], "valid", (json_int_t)text->count[1], "test",
                                            (json_int_t)text->count[2], "symbols", distinct, "vocabulary_size",
                                            (json_int_t)size, "sha256", text->checksum));
    }
    printf("%s\nkind: %s, %d distinct symbols, vocabulary of %lld rows\n", settings->path, kind, distinct, size);
    for (int split = 0; split < 3; split++) {
        beginning(text, split, shown, sizeof shown);
        printf("%-6s %14s characters  %s\n", names[split], hni_count_print(text->count[split], count, sizeof count),
               shown);
    }
    print_symbols(text);
    printf("rows of the first symbols:");
    for (int64_t i = 0; i < 16 && i < text->count[0]; i++)
        printf(" %d", hni_text_row(text, i));
    printf("\nSHA-256 of the parts: %s\n", text->checksum);
    return 0;
}

int hni_data_show_text(const hni_data_options *options, const char *path)
{
    hni_text_settings settings;
    hni_text_data *text = NULL;
    int distinct = 0;
    const hni_text_source source = {.look = true}; /* the path has been found */
    hn_status status;
    choose_settings(options, path, &settings);
    HNI_TRY(hni_text_open(options->cli->context, &settings, &source, &text));
    HNI_TRY(count_distinct(options->cli->context, text, &distinct));
cleanup:;
    const int code = status == HN_OK ? print_text(options, &settings, text, distinct) : hni_cli_fail(options->cli);
    hni_text_close(text);
    return code;
}
