/* Readings of the paper, as `info` prints them: a key and its value where there are several, a plain fact where there is one. */
#ifndef HNI_APP_TASKS_READINGS_H
#define HNI_APP_TASKS_READINGS_H

#include "core/settings.h"

typedef struct hni_reading {
    const char *name; /* "forget bias" */
    const char *key;  /* of the settings; NULL: there is one reading only */
    const char *text; /* that reading, or what a value means; NULL: the key's own help says it */
} hni_reading;

/* "model.forget_bias = 1.0: inside the sigmoid", or the text alone. False, and nothing, if the settings have no such key. */
bool hni_reading_print(const hni_reading *reading, const hni_settings *settings, const void *object, char *buffer,
                       size_t size);

/* Lines of `info`, one a fact. */
typedef struct hni_lines {
    void (*write)(void *user, const char *key, const char *value);
    void *user;
} hni_lines;
void hni_line(const hni_lines *out, const char *key, const char *format, ...) HN_PRINTF(3, 4);

#endif
