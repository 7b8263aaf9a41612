/* Text as rows of symbols: read, cut into training, validation and test part, mapped to rows of a vocabulary, laid out in tracks.
 * Knows nothing of models or graphs.
 *
 *     hni_text_data *text = NULL;
 *     HNI_TRY(hni_text_open(context, &settings, &source, &text));
 *     hni_text_tracks tracks = hni_text_tracks_of(text->count[HNI_TEXT_TRAIN], settings.batch, settings.length);
 */
#ifndef HNI_APP_DATA_TEXT_H
#define HNI_APP_DATA_TEXT_H

#include "app/data/find.h"
#include "core/settings.h"

typedef enum hni_text_kind {
    HNI_TEXT_KIND_BYTES = 0,    /* every byte is a symbol */
    HNI_TEXT_KIND_PENN_TREEBANK /* T. Mikolov's characters of the ptb.*.txt files: words spelt out, '_' between them */
} hni_text_kind;

typedef struct hni_text_settings {
    hni_text_kind kind;
    char path[HNI_DATA_PATH_SIZE];
    int64_t vocabulary_size;              /* V: rows of the one-hot input and of the softmax */
    double valid_fraction, test_fraction; /* of one text, cut off its end; unused where files name the parts */
    int64_t batch, length;                /* B, T */
} hni_text_settings;

/* Section "data" over hni_text_settings. */
const hni_settings *hni_text_settings_table(void);

typedef enum hni_text_split {
    HNI_TEXT_TRAIN = 0,
    HNI_TEXT_VALID,
    HNI_TEXT_TEST,
    HNI_TEXT_ALL,
    HNI_TEXT_SPLITS
} hni_text_split;

/* The symbols: row i stands for byte bytes[i]. Rows from `count` to V - 1 stand for nothing. */
typedef struct hni_vocabulary {
    int count;
    uint8_t bytes[256];
    int16_t rows[256]; /* of each byte, or -1 */
} hni_vocabulary;

typedef struct hni_text_source {
    const hni_data_places *places;
    const hni_vocabulary *vocabulary; /* not NULL: of a trained model; a byte that it lacks is an error */
    const char *file;                 /* not NULL: this one file, not cut, instead of settings->path */
    bool look;                        /* only to be looked at: it may be too short to learn from */
} hni_text_source;

typedef struct hni_text_data {
    hn_context *context;
    uint8_t *symbols; /* all parts one after the other, as rows of the vocabulary */
    int64_t start[HNI_TEXT_SPLITS], count[HNI_TEXT_SPLITS];
    hni_vocabulary vocabulary;
    char checksum[65]; /* SHA-256 of the parts' decoded bytes, each part led by its length */
} hni_text_data;

/* Everything that can be wrong with the text is said here: missing, empty, no files, too short for one window, too many
 * symbols. */
HN_MUST_USE hn_status hni_text_open(hn_context *context, const hni_text_settings *settings,
                                    const hni_text_source *source, hni_text_data **out_text);
/* NULL is allowed. */
void hni_text_close(hni_text_data *text);

/* The place of a split's name: "train", "valid", "test", "all"; -1 if it is none of them. */
int hni_text_split_find(const char *name);

/* V = 256: the byte is the row. Less: the bytes that occur in `bytes`, in order of their codes. */
void hni_vocabulary_of(const uint8_t *bytes, size_t size, int64_t vocabulary_size, hni_vocabulary *out_vocabulary);
/* From the bytes of the rows; false if one occurs twice or there are none or too many. */
bool hni_vocabulary_from(const uint8_t *bytes, int64_t count, hni_vocabulary *out_vocabulary);
/* A byte for a message: 'x', or byte 0xE2. 16 bytes are enough. Returns buffer. */
char *hni_byte_print(uint8_t byte, char *buffer, size_t size);

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
