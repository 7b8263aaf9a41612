/* Text as rows of symbols: read, cut into training, validation and test part, mapped to rows of a vocabulary, laid out in tracks.
 * Knows nothing of graphs, and of
 * models no more than their symbols.
 *
 *     hni_text_data *text = NULL;
 *     HNI_TRY(hni_text_open(context, &settings, &source, &text));
 *     hni_text_tracks tracks = hni_text_tracks_of(text->count[HNI_TEXT_TRAIN], settings.batch, settings.length);
 */
#ifndef HNI_APP_DATA_TEXT_H
#define HNI_APP_DATA_TEXT_H

#include "app/data/find.h"
#include "core/settings.h"
#include "io/files.h"
#include "nn/vocabulary.h"

typedef enum hni_text_kind {
    HNI_TEXT_KIND_BYTES = 0,     /* every byte is a symbol */
    HNI_TEXT_KIND_PENN_TREEBANK, /* T. Mikolov's characters of the ptb.*.txt files: words spelt out, '_' between them */
    HNI_TEXT_KIND_CHARACTERS     /* every Unicode character of UTF-8 text is a symbol */
} hni_text_kind;

/* Most rows of a vocabulary. */
#define HNI_MOST_SYMBOLS 65536

typedef struct hni_text_settings {
    hni_text_kind kind;
    char path[HNI_DATA_PATH_SIZE];
    int64_t vocabulary_size;              /* V: rows of the one-hot input and of the softmax; 0: as many as occur */
    double valid_fraction, test_fraction; /* of one text, cut off its end; unused where files name the parts */
    int64_t batch, length;                /* B, T */
} hni_text_settings;

/* Section "data" over hni_text_settings. */
const hni_settings *hni_text_settings_table(void);
/* What the ranges of the table cannot say: settings that do not go together. */
HN_MUST_USE hn_status hni_text_settings_check(hn_context *context, const hni_text_settings *settings);
/* The word of a recipe: "bytes". */
const char *hni_text_kind_name(hni_text_kind kind);
/* What a row stands for in text of this kind. */
hn_symbol_kind hni_text_symbol_kind(hni_text_kind kind);

typedef enum hni_text_split {
    HNI_TEXT_TRAIN = 0,
    HNI_TEXT_VALID,
    HNI_TEXT_TEST,
    HNI_TEXT_ALL,
    HNI_TEXT_SPLITS
} hni_text_split;

typedef struct hni_text_source {
    const hni_data_places *places;
    const hn_vocabulary *vocabulary; /* not NULL: of a trained model; a symbol that it lacks is an error */
    const char *file;                /* not NULL: this one file, not cut, instead of settings->path */
    bool look;                       /* only to be looked at: it may be too short to learn from */
} hni_text_source;

typedef struct hni_text_data {
    hn_context *context;
    uint8_t *symbols; /* all parts one after the other, as rows of the vocabulary; NULL if `wide` has them */
    int64_t start[HNI_TEXT_SPLITS], count[HNI_TEXT_SPLITS]; /* in symbols */
    const hn_vocabulary *vocabulary;                        /* the source's, or `own` */
    char checksum[65]; /* SHA-256 of the parts' decoded bytes, each part led by its length */
    int32_t *wide;     /* the symbols, if there are more than 256 rows */
    hn_vocabulary *own;
} hni_text_data;

/* Everything that can be wrong with the text is said here: missing, empty, no files, too short for one window, too many
 * symbols, not UTF-8. A vocabulary of `source` must live as long as the text. */
HN_MUST_USE hn_status hni_text_open(hn_context *context, const hni_text_settings *settings,
                                    const hni_text_source *source, hni_text_data **out_text);
/* NULL is allowed. */
void hni_text_close(hni_text_data *text);

/* The row of the symbol at `place`, counted from the start of all parts. */
int32_t hni_text_row(const hni_text_data *text, int64_t place);

/* The place of a split's name: "train", "valid", "test", "all"; -1 if it is none of them. */
int hni_text_split_find(const char *name);

/* The symbols of a text, in order of their codes: those that occur; or all 256 bytes, if V is 256 and bytes are the symbols, so that
 * the byte is the row. Characters must be UTF-8. */
HN_MUST_USE hn_status hni_vocabulary_of(hn_context *context, hn_symbol_kind kind, const hni_file_bytes *text,
                                        int64_t vocabulary_size, hn_vocabulary **out_vocabulary);
/* Characters of UTF-8 text; *out_valid: the bytes up to the first that begins none, all of them if the text is UTF-8. */
int64_t hni_characters_count(const uint8_t *bytes, size_t size, size_t *out_valid);
/* A symbol for a message: 'x', 'é', character U+0009, byte 0xE2. HNI_SYMBOL_PRINT_SIZE bytes are enough. Returns buffer. */
#define HNI_SYMBOL_PRINT_SIZE 24
char *hni_symbol_print(const char *bytes, size_t length, char *buffer, size_t size);

/* Mikolov's character rule, in place; returns the new size, at most size + 1 (there must be room). A line loses its first and its
 * last space, each space left becomes '_', and every line ends with a newline. */
size_t hni_treebank_characters(uint8_t *bytes, size_t size);

/* B tracks of floor(count / B) symbols side by side; a window reads length + 1 symbols and advances by `length`. */
typedef struct hni_text_tracks {
    int64_t track;   /* symbols of a track */
    int64_t windows; /* floor((track - 1) / length): updates an epoch */
} hni_text_tracks;
hni_text_tracks hni_text_tracks_of(int64_t count, int64_t batch, int64_t length);

#endif
