/* Numbers and bytes as people read them. */
#ifndef HNI_CLI_FORMAT_H
#define HNI_CLI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* "4,922,642"; 32 bytes are enough. Returns buffer. */
char *hni_count_print(int64_t count, char *buffer, size_t size);

/* "1:02:03" or "2:03"; 32 bytes are enough. Returns buffer. */
char *hni_duration_print(double seconds, char *buffer, size_t size);

/* True if `file` is a terminal that understands more than lines. */
bool hni_is_terminal(FILE *file);

/* Width of the terminal that is the standard output; 80 if it is none. */
int hni_terminal_columns(void);

/* Writes one piece of a text, as hni_utf8_writer passes it on: to a terminal without what would steer it, a byte that is no UTF-8 as
 * U+FFFD; to a file or pipe as it is. */
void hni_write_piece(FILE *file, bool terminal, const char *bytes, size_t size);

#endif
