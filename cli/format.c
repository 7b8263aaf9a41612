/* See format.h. */
#include "format.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io/text.h"

char *hni_count_print(int64_t count, char *buffer, size_t size)
{
    char digits[32];
    size_t to = 0;
    snprintf(digits, sizeof digits, "%lld", (long long)count);
    const size_t length = strlen(digits);
    for (size_t i = 0; i < length && to + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') buffer[to++] = ',';
        buffer[to++] = digits[i];
    }
    buffer[to] = 0;
    return buffer;
}

char *hni_duration_print(double seconds, char *buffer, size_t size)
{
    const long long total = seconds > 0 ? (long long)(seconds + 0.5) : 0;
    if (total >= 3600) {
        snprintf(buffer, size, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
    } else {
        snprintf(buffer, size, "%lld:%02lld", total / 60, total % 60);
    }
    return buffer;
}

bool hni_is_terminal(FILE *file)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(file)) != 0 && kind != NULL && strcmp(kind, "dumb") != 0;
}

int hni_terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
    return 80;
}

/* Line ends and tabs may go to a terminal; other controls, those of U+0080 to U+009F too, would steer it. */
static bool steers(const char *bytes, size_t size)
{
    const unsigned char first = (unsigned char)bytes[0];
    if (size == 1) return (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F;
    return size == 2 && first == 0xC2 && (unsigned char)bytes[1] < 0xA0;
}

void hni_write_piece(FILE *file, bool terminal, const char *bytes, size_t size)
{
    if (terminal && (hni_utf8_length(bytes, size) != size || steers(bytes, size))) {
        fputs("\xEF\xBF\xBD", file);
    } else {
        fwrite(bytes, 1, size, file);
    }
}
