/* Holds back the beginning of a UTF-8 sequence until it is whole, or until it is plain that it never will be. */
#include "app/tasks/utf8_writer.h"

#include <string.h>

#include "io/text.h"

/* Bytes of the sequence that this byte may begin, 0 if it cannot begin one. */
static size_t promised_length(uint8_t lead)
{
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return 2;
    if (lead >= 0xE0 && lead <= 0xEF) return 3;
    if (lead >= 0xF0 && lead <= 0xF4) return 4;
    return 0;
}

static bool may_become_whole(const char *bytes, size_t count)
{
    if (count >= promised_length((uint8_t)bytes[0])) return false;
    for (size_t i = 1; i < count; i++)
        if (((uint8_t)bytes[i] & 0xC0) != 0x80) return false;
    return true;
}

static void pass_on(hni_utf8_writer *writer, size_t size)
{
    if (!writer->stopped) writer->stopped = !writer->write(writer->user, writer->held, size);
    writer->count -= size;
    memmove(writer->held, writer->held + size, writer->count);
}

void hni_utf8_writer_put(hni_utf8_writer *writer, uint8_t byte)
{
    writer->held[writer->count++] = (char)byte;
    while (writer->count > 0) {
        const size_t whole = hni_utf8_length(writer->held, writer->count);
        if (whole == 0 && may_become_whole(writer->held, writer->count)) return;
        pass_on(writer, whole > 0 ? whole : 1);
    }
}

void hni_utf8_writer_end(hni_utf8_writer *writer)
{
    while (writer->count > 0)
        pass_on(writer, 1);
}
