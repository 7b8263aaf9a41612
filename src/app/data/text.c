/* A text opened: settings, parts, vocabulary, checksum, and every complaint about what was found. */
#include "app/data/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/sha256.h"
#include "app/data/unpack.h"
#include "core/alloc.h"

#define MOST_BATCH 1048576
#define TREEBANK_PATH_SIZE (HNI_DATA_PATH_SIZE + 32)

/* The parts' bytes, one after the other. */
typedef struct text_bytes {
    hn_context *context;
    uint8_t *data;
    size_t size;
} text_bytes;

static const char *const kind_words[] = {"bytes", "penn_treebank", NULL};

static const hni_setting rows[] = {
    HNI_SETTING_CHOICE("kind", hni_text_settings, kind, kind_words, "bytes",
                       "bytes: every byte is a symbol; penn_treebank: characters of the ptb.*.txt files"),
    HNI_SETTING_TEXT("path", hni_text_settings, path, "kjv", "a file, a folder, or a name below the data places"),
    HNI_SETTING_INTEGER("vocabulary_size", hni_text_settings, vocabulary_size, 1, 256, 256,
                        "V; 256: the byte is the row; less: rows are the symbols that occur, in order of code"),
    HNI_SETTING_NUMBER("valid_fraction", hni_text_settings, valid_fraction, 0, 0.9, 0.05,
                       "share of one text that is kept for validation"),
    HNI_SETTING_NUMBER("test_fraction", hni_text_settings, test_fraction, 0, 0.9, 0.05,
                       "share at its end kept for the test"),
    HNI_SETTING_INTEGER("batch", hni_text_settings, batch, 1, MOST_BATCH, 64, "B, tracks read side by side"),
    HNI_SETTING_INTEGER("length", hni_text_settings, length, 1, MOST_BATCH, 100, "T, characters of a window"),
};
static const hni_settings table = HNI_SETTINGS("data", rows);

const hni_settings *hni_text_settings_table(void) { return &table; }

/* ---- parts ---- */

static void set_part(hni_text_data *text, hni_text_split split, int64_t start, int64_t count)
{
    text->start[split] = start;
    text->count[split] = count;
}

/* One text, cut by position: training first, then validation, then test. */
static void cut_by_position(hni_text_data *text, const hni_text_settings *settings, int64_t size)
{
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

static hn_status read_parts(text_bytes *bytes, const hni_text_settings *settings, const hni_text_source *source,
                            const char *path, hni_text_data *text)
{
    hn_status status;
    if (source->file == NULL && settings->kind == HNI_TEXT_KIND_PENN_TREEBANK && is_folder(path)) {
        HNI_TRY(read_treebank(bytes, settings, path, text));
    } else {
        HNI_TRY(add_path(bytes, settings, path));
        if (source->file == NULL) cut_by_position(text, settings, (int64_t)bytes->size);
    }
    set_part(text, HNI_TEXT_ALL, 0, (int64_t)bytes->size);
cleanup:
    return status;
}

/* ---- complaints ---- */

static hn_status check_settings(hn_context *context, const hni_text_settings *settings)
{
    const double held = settings->valid_fraction + settings->test_fraction;
    if (held < 1) return HN_OK;
    return hni_error(
        context, HN_ERROR_ARGUMENT,
        "data.valid_fraction and data.test_fraction: together they are %g, which leaves nothing to train on: make them "
        "smaller, for example 0.05 each",
        held);
}

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
    if (source->vocabulary != NULL) {
        text->vocabulary = *source->vocabulary;
        return HN_OK;
    }
    hni_vocabulary_of(bytes->data, bytes->size, settings->vocabulary_size, &text->vocabulary);
    if (text->vocabulary.count <= settings->vocabulary_size) return HN_OK;
    return hni_error(
        bytes->context, HN_ERROR_ARGUMENT,
        "data.vocabulary_size: is %lld, but %.300s has %d distinct symbols: raise it to %d, or to 256 for every byte",
        (long long)settings->vocabulary_size, path, text->vocabulary.count, text->vocabulary.count);
}

static void take_checksum(hni_text_data *text)
{
    hni_sha256 hash;
    hni_sha256_begin(&hash);
    for (int split = HNI_TEXT_TRAIN; split < HNI_TEXT_SPLITS; split++) {
        char head[32];
        if (split == HNI_TEXT_ALL && text->count[HNI_TEXT_TRAIN] > 0) continue; /* has been taken part by part */
        snprintf(head, sizeof head, "%lld\n", (long long)text->count[split]);
        hni_sha256_add(&hash, head, strlen(head));
        hni_sha256_add(&hash, text->symbols + text->start[split], (size_t)text->count[split]);
    }
    hni_sha256_end(&hash, text->checksum);
}

/* Bytes become rows, in place. */
static hn_status map_to_rows(hni_text_data *text, const char *path)
{
    const int64_t count = text->count[HNI_TEXT_ALL];
    for (int64_t i = 0; i < count; i++) {
        const int16_t row = text->vocabulary.rows[text->symbols[i]];
        if (row < 0) {
            char shown[16];
            return hni_error(
                text->context, HN_ERROR_ARGUMENT,
                "%.300s: character %lld is %s, which is not among the %d symbols that the model was trained on: "
                "remove it, or train a model on text that has it",
                path, (long long)i + 1, hni_byte_print(text->symbols[i], shown, sizeof shown), text->vocabulary.count);
        }
        text->symbols[i] = (uint8_t)row;
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
    HNI_TRY(check_settings(context, settings));
    HNI_TRY(hni_alloc(context, "text", sizeof *text, &memory));
    text = memory;
    text->context = context;
    HNI_TRY(choose_path(context, settings, source, path));
    HNI_TRY(read_parts(&bytes, settings, source, path, text));
    HNI_TRY(check_length(context, path, text));
    if (source->file == NULL && !source->look) HNI_TRY(check_sizes(context, settings, path, text));
    HNI_TRY(choose_vocabulary(settings, source, path, &bytes, text));
    text->symbols = bytes.data;
    bytes.data = NULL;
    take_checksum(text);
    HNI_TRY(map_to_rows(text, path));
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
    hni_free(text->context, text);
}
