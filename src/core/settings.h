/* Settings as tables of rows. Every module declares its own settings once: name, kind, place in its struct, range, default,
 * help. The same rows fill defaults, read YAML recipes, read and write the JSON in checkpoints, print effective recipes and
 * `info`; nobody else knows a key.
 *
 *     static const hni_setting rows[] = {
 *         HNI_SETTING_INTEGER("units", hn_cell, units, 1, 65536, 256, "units of the main cell"),
 *         HNI_SETTING_CHOICE("cell", hn_cell, kind, cell_words, "lstm", "kind of recurrent cell"),
 *     };
 *     static const hni_settings table = HNI_SETTINGS("model", rows);
 */
#ifndef HNI_CORE_SETTINGS_H
#define HNI_CORE_SETTINGS_H

#include "core/context.h"

typedef enum hni_setting_kind {
    HNI_SETTING_KIND_BOOL,    /* bool */
    HNI_SETTING_KIND_INTEGER, /* int64_t */
    HNI_SETTING_KIND_INT,     /* int */
    HNI_SETTING_KIND_NUMBER,  /* double */
    HNI_SETTING_KIND_CHOICE,  /* int or enum: index into `words` */
    HNI_SETTING_KIND_TEXT     /* char[size] inside the struct */
} hni_setting_kind;

typedef struct hni_setting {
    const char *name;
    hni_setting_kind kind;
    size_t offset;
    size_t size;              /* TEXT: bytes of the array, its final zero included */
    double minimum, maximum;  /* INTEGER, INT, NUMBER: inclusive */
    double initial;           /* default of BOOL, INTEGER, INT, NUMBER */
    const char *initial_text; /* default of CHOICE, TEXT */
    const char *const *words; /* CHOICE: NULL-terminated */
    const char *help;         /* one line */
} hni_setting;

typedef struct hni_settings {
    const char *section; /* "model" */
    const hni_setting *rows;
    size_t count;
} hni_settings;

#define HNI_SETTING_BOOL(name_, type, field, initial_, help_)                                        \
    {                                                                                                \
        .name = name_, .kind = HNI_SETTING_KIND_BOOL, .offset = offsetof(type, field), .maximum = 1, \
        .initial = initial_, .help = help_                                                           \
    }
#define HNI_SETTING_INTEGER(name_, type, field, minimum_, maximum_, initial_, help_)                           \
    {                                                                                                          \
        .name = name_, .kind = HNI_SETTING_KIND_INTEGER, .offset = offsetof(type, field), .minimum = minimum_, \
        .maximum = maximum_, .initial = initial_, .help = help_                                                \
    }
#define HNI_SETTING_INT(name_, type, field, minimum_, maximum_, initial_, help_)                           \
    {                                                                                                      \
        .name = name_, .kind = HNI_SETTING_KIND_INT, .offset = offsetof(type, field), .minimum = minimum_, \
        .maximum = maximum_, .initial = initial_, .help = help_                                            \
    }
#define HNI_SETTING_NUMBER(name_, type, field, minimum_, maximum_, initial_, help_)                           \
    {                                                                                                         \
        .name = name_, .kind = HNI_SETTING_KIND_NUMBER, .offset = offsetof(type, field), .minimum = minimum_, \
        .maximum = maximum_, .initial = initial_, .help = help_                                               \
    }
#define HNI_SETTING_CHOICE(name_, type, field, words_, initial_, help_)                                   \
    {                                                                                                     \
        .name = name_, .kind = HNI_SETTING_KIND_CHOICE, .offset = offsetof(type, field), .words = words_, \
        .initial_text = initial_, .help = help_                                                           \
    }
#define HNI_SETTING_TEXT(name_, type, field, initial_, help_)                          \
    {                                                                                  \
        .name = name_, .kind = HNI_SETTING_KIND_TEXT, .offset = offsetof(type, field), \
        .size = sizeof(((type *)0)->field), .initial_text = initial_, .help = help_    \
    }
#define HNI_SETTINGS(section_, rows_)                                                   \
    {                                                                                   \
        .section = section_, .rows = rows_, .count = sizeof(rows_) / sizeof((rows_)[0]) \
    }

/* Writes every default into `object`. */
void hni_settings_default(const hni_settings *settings, void *object);
/* The row of a name, or NULL. */
const hni_setting *hni_settings_find(const hni_settings *settings, const char *name);
/* The most similar row name within two edits, or NULL: "did you mean". */
const char *hni_settings_nearest(const hni_settings *settings, const char *name);
/* Nearest of a NULL-terminated list of words, or NULL. */
const char *hni_nearest_word(const char *const *words, const char *name);

/* Parses `text` strictly (true/false; whole numbers; finite decimals; a listed word) and stores it. On failure the message has no
 * place: the caller adds "file:line:column" with `where` in front ("r.yaml:4:3: model.units: ..."). Range errors name the range. */
HN_MUST_USE hn_status hni_setting_parse(hn_context *context, const char *where, const hni_settings *settings,
                                        const hni_setting *row, const char *text, void *object);
/* The value as it is written into recipes: shortest text that reads back, doubles with a dot ("1.0e-08"). Returns buffer. */
char *hni_setting_print(const hni_setting *row, const void *object, char *buffer, size_t size);
/* Shortest %.Ng that reads back, always with a dot or a dotted exponent. Returns buffer. */
char *hni_number_print(double value, char *buffer, size_t size);
/* The same readers for single values, without a range: a whole number; a finite decimal. False if `text` is none. */
bool hni_whole_parse(const char *text, int64_t *out_value);
bool hni_number_parse(const char *text, double *out_value);
/* Checks every row of `object` against its range (values that came from C code, not from text). */
HN_MUST_USE hn_status hni_settings_check(hn_context *context, const char *where, const hni_settings *settings,
                                         const void *object);

#endif
