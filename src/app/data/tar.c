/* See tar.h. A header is a block of 512 bytes, the file follows in whole blocks, a block of zeros ends the archive. */
#include "app/data/tar.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME_AT = 0, NAME = 100, SIZE_AT = 124, SIZE = 12, SUM_AT = 148, SUM = 8, TYPE_AT = 156 };

/* An octal number, which may be led by spaces and ended by a space or a 0. */
static bool parse_octal(const unsigned char *field, size_t width, uint64_t *out_number)
{
    size_t i = 0;
    *out_number = 0;
    while (i < width && field[i] == ' ')
        i++;
    for (; i < width && field[i] >= '0' && field[i] <= '7'; i++)
        *out_number = *out_number * 8 + (uint64_t)(field[i] - '0');
    return i == width || field[i] == ' ' || field[i] == 0;
}

/* The sum of the header's bytes, with spaces in place of the sum itself. */
static bool sum_is_right(const unsigned char *header)
{
    uint64_t stated, sum = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= SUM_AT && i < SUM_AT + SUM ? ' ' : header[i];
    return parse_octal(header + SUM_AT, SUM, &stated) && stated == sum;
}

static bool is_zero(const unsigned char *block)
{
    for (int i = 0; i < BLOCK; i++)
        if (block[i] != 0) return false;
    return true;
}

static bool fail(hni_tar *tar, const char *what)
{
    tar->status = hni_error(tar->context, HN_ERROR_FORMAT, "%s: %s, at byte %zu of the archive: fetch the file again",
                            tar->name, what, tar->at);
    return false;
}

static void take_name(hni_tar *tar, const unsigned char *header)
{
    char name[NAME + 1];
    memcpy(name, header + NAME_AT, NAME);
    name[NAME] = 0;
    const char *slash = strrchr(name, '/');
    snprintf(tar->entry, sizeof tar->entry, "%s", slash != NULL ? slash + 1 : name);
}

bool hni_tar_next(hni_tar *tar)
{
    const hni_file_bytes *archive = tar->archive;
    for (;;) {
        uint64_t size;
        unsigned char *header = archive->data + tar->at;
        if (archive->size - tar->at < BLOCK) return fail(tar, "the tar archive ends too early");
        if (is_zero(header)) return false;
        if (!sum_is_right(header)) return fail(tar, "damaged tar header");
        if (!parse_octal(header + SIZE_AT, SIZE, &size)) return fail(tar, "tar header with a size that is no number");
        const size_t left = archive->size - tar->at - BLOCK;
        if (size > left || (left - size) < (BLOCK - size % BLOCK) % BLOCK)
            return fail(tar, "the tar archive ends within a file");
        tar->at += BLOCK + (size_t)size + (size_t)((BLOCK - size % BLOCK) % BLOCK);
        if (header[TYPE_AT] != '0' && header[TYPE_AT] != 0) continue;
        take_name(tar, header);
        tar->file = (hni_file_bytes){header + BLOCK, (size_t)size};
        return true;
    }
}
