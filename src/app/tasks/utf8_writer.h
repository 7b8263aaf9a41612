/* Bytes that come one at a time, passed on in whole UTF-8 sequences where they form some, else byte by byte. */
#ifndef HNI_APP_TASKS_UTF8_WRITER_H
#define HNI_APP_TASKS_UTF8_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hni_utf8_writer {
    bool (*write)(void *user, const char *bytes, size_t size); /* false: no more is wanted */
    void *user;
    char held[4]; /* the beginning of a sequence that is not whole yet */
    size_t count;
    bool stopped; /* write has said no */
} hni_utf8_writer;

void hni_utf8_writer_put(hni_utf8_writer *writer, uint8_t byte);
/* What is held goes out as it is. */
void hni_utf8_writer_end(hni_utf8_writer *writer);

#endif
