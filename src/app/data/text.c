/* A text opened: settings, parts, vocabulary, checksum, and every complaint about what was found. */
#include "app/data/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/sha256.h"
#include "app/data/unpack.h"
#include "core/alloc.h"
#include "io/text.h"

#define MOST_BATCH 1048576
#define TREEBANK_PATH_SIZE (HNI_DATA_PATH_SIZE + 32)

/* The parts' bytes, one after the other. */
typedef struct text_bytes {
    hn_context *context;
    uint8_t *data;
    size_t size;
} text_bytes;

static const char *const kind_words[] = {"bytes", "penn_treebank", "characters", NULL};

static const hni_setting rows[] = {
    HNI_SETTING_CHOICE("kind", hni_text_settings, kind, kind_words, "bytes",
                       "bytes: every byte is a symbol; penn_treebank: characters of the ptb.*.txt files; characters: "
                       "those of UTF-8 text"),
    HNI_SETTING_TEXT("path", hni_text_settings, path, "kjv", "a file, a folder, or a name below the data places"),
    HNI_SETTING_INTEGER("vocabulary_size", hni_text_settings, vocabulary_size, 0, HNI_MOST_SYMBOLS, 256,
                        "V; rows are the symbols that occur, in order of code; 256 with bytes: the byte is the row; 0: "
                        "as many as occur"),
    HNI_SETTING_NUMBER("valid_fraction", hni_text_settings, valid_fraction, 0, 0.9, 0.05,
                       "share of one text that is kept for validation"),
    HNI_SETTING_NUMBER("test_fraction", hni_text_settings, test_fraction, 0, 0.9, 0.05,
                       "share at its end kept for the test"),
    HNI_SETTING_INTEGER("batch", hni_text_settings, batch, 1, MOST_BATCH, 64, "B, tracks read side by side"),
    HNI_SETTING_INTEGER("length", hni_text_settings, length, 1, MOST_BATCH, 100, "T, characters of a window"),
};
static const hni_settings table = HNI_SETTINGS("data", rows);

const hni_settings *hni_text_settings_table(void) { return &table; }

const char *hni_text_kind_name(hni_text_kind kind) { return kind_words[kind]; }

hn_symbol_kind hni_text_symbol_kind(hni_text_kind kind)
{
    return kind == HNI_TEXT_KIND_CHARACTERS ? HN_SYMBOL_CHARACTER : HN_SYMBOL_BYTE;
}

hn_status hni_text_settings_check(hn_context *context, const hni_text_settings *settings)
{
    const double held = settings->valid_fraction + settings->test_fraction;
    if (!(held < 1)) {
        return hni_error(
            context, HN_ERROR_ARGUMENT,
            "data.valid_fraction and data.test_fraction: together they are %g, which leaves nothing to train on: make "
            "them smaller, for example 0.05 each",
            held);
    }
    if (settings->kind != HNI_TEXT_KIND_CHARACTERS && settings->vocabulary_size > 256) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "data.vocabulary_size: is %lld, but data.kind is %s, of which there are 256: lower it, or set "
                         "data.kind to characters",
                         (long long)settings->vocabulary_size, hni_text_kind_name(settings->kind));
    }
    return HN_OK;
}

/* ---- parts ---- */

static void set_part(hni_text_data *text, hni_text_split split, int64_t start, int64_t count)
{
    text->start[split] = start;
    text->count[split] = count;
}

/* One text, cut by position: training first, then validation, then test. */
static void cut_by_position(hni_text_data *text, const hni_text_settings *settings)
{
    const int64_t size = text->count[HNI_TEXT_ALL];
    const int64_t valid = llround((double)size * settings->valid_fraction);
    const int64_t test = llround((double)size * settings->test_fraction);
    const int64_t train = size - valid - test;
    set_part(text, HNI_TEXT_TRAIN, 0, train);
    set_part(text, HNI_TEXT_VALID, train, valid);
    set_part(text, HNI_TEXT_TEST, train + valid, test);
}

static hn_status grow(text_bytes *bytes, size_t more)
{
    void *data = bytes->data;
    if (more > SIZE_MAX - bytes->size)
        return hni_error(bytes->context, HN_ERROR_MEMORY, "data.path: the text is too large");
    const hn_status status = hni_realloc_array(bytes->context, "text", bytes->size + more, 1, &data);
    bytes->data = data;
    return status;
}

/* Adds a file, unpacked and decoded, or all files below a folder. */
static hn_status add_path(text_bytes *bytes, const hni_text_settings *settings, const char *path)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status;
    HNI_TRY(hni_unpack_path(bytes->context, path, 0, &file));
    /* A last line without its end is given one, in place of the 0 behind the file. */
    if (settings->kind == HNI_TEXT_KIND_PENN_TREEBANK) file.size = hni_treebank_characters(file.data, file.size);
    HNI_TRY(grow(bytes, file.size));
    memcpy(bytes->data + bytes->size, file.data, file.size);
    bytes->size += file.size;
cleanup:
    hni_free(bytes->context, file.data);
    return status;
}

/* FOLDER/ptb.NAME.txt, plain or packed. */
static hn_status find_treebank_file(hn_context *context, const char *folder, const char *name, char *out_path)
{
    static const char *const endings[] = {"", ".gz", ".xz"};
    struct stat found;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(out_path, TREEBANK_PATH_SIZE, "%s/ptb.%s.txt%s", folder, name, endings[i]);
        if (stat(out_path, &found) == 0) return HN_OK;
    }
    return hni_error(
        context, HN_ERROR_IO,
        "data.path: the folder %.300s has no ptb.%s.txt (data.kind is penn_treebank: it reads ptb.train.txt, "
        "ptb.valid.txt and ptb.test.txt)",
        folder, name);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static hn_status read_treebank(text_bytes *bytes, const hni_text_settings *settings, const char *folder,
                               hni_text_data *text)
{
    static const char *const names[] = {"train", "valid", "test"};
    char path[TREEBANK_PATH_SIZE];
    hn_status status;
    for (int split = 0; split < 3; split++) {
        const int64_t before = (int64_t)bytes->size;
        HNI_TRY(find_treebank_file(bytes->context, folder, names[split], path));
        HNI_TRY(add_path(bytes, settings, path));
        set_part(text, (hni_text_split)split, before, (int64_t)bytes->size - before);
    }
cleanup:
    return status;
}

/* A trained model knows what its symbols are. */
static hn_symbol_kind kind_of(const hni_text_settings *settings, const hni_text_source *source)
{
    return source->vocabulary != NULL ? hni_vocabulary_kind(source->vocabulary) : hni_text_symbol_kind(settings->kind);
}

/* Symbols of the whole text. Bytes that are no UTF-8 have no characters. */
static hn_status count_symbols(const text_bytes *bytes, hn_symbol_kind kind, const char *path, int64_t *out_count)
{
    size_t valid = bytes->size, line = 1;
    *out_count = (int64_t)bytes->size;
    if (kind == HN_SYMBOL_BYTE) return HN_OK;
    *out_count = hni_characters_count(bytes->data, bytes->size, &valid);
    if (valid == bytes->size) return HN_OK;
    for (size_t i = 0; i < valid; i++)
        line += bytes->data[i] == '\n';
    return hni_error(bytes->context, HN_ERROR_FORMAT,
                     "%.300s: byte %zu (0x%02X, line %zu) begins no UTF-8 character: convert the text to UTF-8, for "
                     "example with iconv, or read it with data.kind bytes",
                     path, valid + 1, bytes->data[valid], line);
}

static hn_status read_parts(text_bytes *bytes, const hni_text_settings *settings, const hni_text_source *source,
                            const char *path, hni_text_data *text)
{
    const bool is_parted = source->file == NULL && settings->kind == HNI_TEXT_KIND_PENN_TREEBANK && is_folder(path);
    hn_status status;
    if (is_parted) {
        HNI_TRY(read_treebank(bytes, settings, path, text));
    } else {
        HNI_TRY(add_path(bytes, settings, path));
    }
    HNI_TRY(count_symbols(bytes, kind_of(settings, source), path, &text->count[HNI_TEXT_ALL]));
    if (!is_parted && source->file == NULL) cut_by_position(text, settings);
cleanup:
    return status;
}

/* ---- complaints ---- */

static hn_status check_sizes(hn_context *context, const hni_text_settings *settings, const char *path,
                             const hni_text_data *text)
{
    const int64_t least = settings->batch * (settings->length + 1);
    if (text->count[HNI_TEXT_TRAIN] < least) {
        return hni_error(
            context, HN_ERROR_ARGUMENT,
            "data.path: %.300s: the part to train on has %lld characters, one window needs %lld (data.batch %lld x "
            "(data.length %lld + 1)): take a longer text, or lower data.batch or data.length",
            path, (long long)text->count[HNI_TEXT_TRAIN], (long long)least, (long long)settings->batch,
            (long long)settings->length);
    }
    if (text->count[HNI_TEXT_VALID] < 2) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "data.path: %.300s: the part for validation has %lld characters, it needs at least 2: take a "
                         "longer text, or "
                         "raise data.valid_fraction",
                         path, (long long)text->count[HNI_TEXT_VALID]);
    }
    return HN_OK;
}

static hn_status check_length(hn_context *context, const char *path, const hni_text_data *text)
{
    if (text->count[HNI_TEXT_ALL] >= 2) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "%.300s: has %lld characters, at least 2 are needed to predict one from another", path,
                     (long long)text->count[HNI_TEXT_ALL]);
}

/* ---- symbols ---- */

static hn_status choose_vocabulary(const hni_text_settings *settings, const hni_text_source *source, const char *path,
                                   const text_bytes *bytes, hni_text_data *text)
{
    const hni_file_bytes whole = {bytes->data, bytes->size};
    const int64_t most = settings->vocabulary_size > 0 ? settings->vocabulary_size : HNI_MOST_SYMBOLS;
    text->vocabulary = source->vocabulary;
    if (source->vocabulary != NULL) return HN_OK;
    const hn_status status =
        hni_vocabulary_of(bytes->context, kind_of(settings, source), &whole, settings->vocabulary_size, &text->own);
    if (status != HN_OK) return status;
    text->vocabulary = text->own;
    const long long count = (long long)hn_vocabulary_count(text->own);
    if (count <= most) return HN_OK;
    if (count > HNI_MOST_SYMBOLS) {
        return hni_error(bytes->context, HN_ERROR_ARGUMENT,
                         "data.vocabulary_size: %.300s has %lld distinct symbols, at most %d can be told apart: set "
                         "data.kind to bytes",
                         path, count, HNI_MOST_SYMBOLS);
    }
    return hni_error(bytes->context, HN_ERROR_ARGUMENT,
                     "data.vocabulary_size: is %lld, but %.300s has %lld distinct symbols: raise it to %lld, or set it "
                     "to 0 for as many as occur",
                     (long long)settings->vocabulary_size, path, count, count);
}

/* Bytes of `count` symbols from byte `at` on. */
static size_t bytes_of(hn_symbol_kind kind, const text_bytes *bytes, size_t at, int64_t count)
{
    size_t end = at;
    if (kind == HN_SYMBOL_BYTE) return (size_t)count;
    for (int64_t i = 0; i < count; i++)
        end += hni_utf8_length(bytes->data + end, bytes->size - end);
    return end - at;
}

/* Of the parts; of the whole, if it is not parted. */
static void take_checksum(hn_symbol_kind kind, const text_bytes *bytes, hni_text_data *text)
{
    hni_sha256 hash;
    size_t at = 0;
    hni_sha256_begin(&hash);
    for (int split = HNI_TEXT_TRAIN; split < HNI_TEXT_SPLITS; split++) {
        char head[32];
        if (split == HNI_TEXT_ALL && text->count[HNI_TEXT_TRAIN] > 0) continue;
        if (split == HNI_TEXT_ALL) at = 0;
        const size_t size = bytes_of(kind, bytes, at, text->count[split]);
        snprintf(head, sizeof head, "%zu\n", size);
        hni_sha256_add(&hash, head, strlen(head));
        hni_sha256_add(&hash, bytes->data + at, size);
        at += size;
    }
    hni_sha256_end(&hash, text->checksum);
}

static hn_status refuse_symbol(const hni_text_data *text, const char *path, int64_t place, const char *symbol,
                               size_t length)
{
    char shown[HNI_SYMBOL_PRINT_SIZE];
    return hni_error(text->context, HN_ERROR_ARGUMENT,
                     "%.300s: character %lld is %s, which is not among the %lld symbols that the model was trained on: "
                     "remove it, or train a model on text that has it",
                     path, (long long)place + 1, hni_symbol_print(symbol, length, shown, sizeof shown),
                     (long long)hn_vocabulary_count(text->vocabulary));
}

/* Symbols become rows: one byte each, in the place of the bytes, or wider ones beside them. */
static hn_status map_to_rows(text_bytes *bytes, const char *path, hni_text_data *text)
{
    const int64_t count = text->count[HNI_TEXT_ALL];
    size_t used;
    if (hn_vocabulary_count(text->vocabulary) > 256) {
        void *memory = NULL;
        const hn_status status = hni_alloc_array(text->context, "text", (size_t)count, sizeof(int32_t), &memory);
        if (status != HN_OK) return status;
        text->wide = memory;
    }
    for (int64_t i = 0, at = 0; i < count; i++, at += (int64_t)used) {
        const uint8_t *symbol = bytes->data + at;
        const int64_t row = hn_vocabulary_find(text->vocabulary, symbol, bytes->size - (size_t)at, &used);
        if (row < 0) return refuse_symbol(text, path, i, (const char *)symbol, used);
        if (text->wide != NULL) {
            text->wide[i] = (int32_t)row;
        } else {
            bytes->data[i] = (uint8_t)row; /* never behind what is still to be read */
        }
    }
    if (text->wide == NULL) {
        text->symbols = bytes->data;
        bytes->data = NULL;
    }
    return HN_OK;
}

/* ---- the whole ---- */

static hn_status choose_path(hn_context *context, const hni_text_settings *settings, const hni_text_source *source,
                             char *out_path)
{
    if (source->file == NULL) return hni_data_want(context, settings->path, source->places, out_path);
    if (snprintf(out_path, HNI_DATA_PATH_SIZE, "%s", source->file) < HNI_DATA_PATH_SIZE) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "the path of the text is longer than %d bytes",
                     HNI_DATA_PATH_SIZE - 1);
}

hn_status hni_text_open(hn_context *context, const hni_text_settings *settings, const hni_text_source *source,
                        hni_text_data **out_text)
{
    text_bytes bytes = {.context = context};
    hni_text_data *text = NULL;
    char path[HNI_DATA_PATH_SIZE];
    void *memory = NULL;
    hn_status status;
    *out_text = NULL;
    HNI_TRY(hni_text_settings_check(context, settings));
    HNI_TRY(hni_alloc(context, "text", sizeof *text, &memory));
    text = memory;
    text->context = context;
    HNI_TRY(choose_path(context, settings, source, path));
    HNI_TRY(read_parts(&bytes, settings, source, path, text));
    HNI_TRY(check_length(context, path, text));
    if (source->file == NULL && !source->look) HNI_TRY(check_sizes(context, settings, path, text));
    HNI_TRY(choose_vocabulary(settings, source, path, &bytes, text));
    take_checksum(kind_of(settings, source), &bytes, text);
    HNI_TRY(map_to_rows(&bytes, path, text));
    *out_text = text;
    text = NULL;
cleanup:
    hni_free(context, bytes.data);
    hni_text_close(text);
    return status;
}

void hni_text_close(hni_text_data *text)
{
    if (text == NULL) return;
    hni_free(text->context, text->symbols);
    hni_free(text->context, text->wide);
    hni_vocabulary_destroy(text->own);
    hni_free(text->context, text);
}
