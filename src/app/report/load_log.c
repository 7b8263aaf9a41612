/* log.csv: a line of column names, then numbers. Columns are found by name, so that files of older and newer versions are read.
 * Every complaint names file and line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/report/load.h"
#include "core/alloc.h"

#define COLUMNS_MOST 256
#define LARGEST_STEP 9007199254740992.0 /* 2^53: whole numbers beyond it would be rounded */

enum { UNKNOWN = -1, STEP = 0 };

static const struct {
    const char *name;
    size_t offset; /* in hni_run_row */
} known[] = {
    {"step", offsetof(hni_run_row, step)},           {"epoch", offsetof(hni_run_row, epoch)},
    {"rate", offsetof(hni_run_row, rate)},           {"train_bpc", offsetof(hni_run_row, train_bpc)},
    {"valid_bpc", offsetof(hni_run_row, valid_bpc)}, {"gradient_norm", offsetof(hni_run_row, gradient_norm)},
    {"clip_rate", offsetof(hni_run_row, clip_rate)},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

typedef struct log_reader {
    hn_context *context;
    const char *path;
    int line;
    char *next, *end;
    int columns[COLUMNS_MOST]; /* index into `known`, or UNKNOWN */
    size_t column_count;
    hni_run_row *rows;
    size_t row_count, room;
} log_reader;

/* The next line without its end; NULL after the last whole one. A last line without a newline was cut off in the writing. */
static char *next_line(log_reader *reader)
{
    char *line = reader->next;
    char *newline = memchr(line, '\n', (size_t)(reader->end - line));
    if (newline == NULL) {
        if (line < reader->end) {
            hni_log(reader->context, HN_LOG_WARNING, "%s:%d: the last line is incomplete and was left out",
                    reader->path, reader->line + 1);
        }
        return NULL;
    }
    reader->line++;
    reader->next = newline + 1;
    *newline = '\0';
    if (newline > line && newline[-1] == '\r') newline[-1] = '\0';
    return line;
}

/* Cuts the field off at its comma; *rest is NULL after the last one. */
static char *next_field(char **rest)
{
    char *field = *rest;
    char *comma = strchr(field, ',');
    *rest = comma == NULL ? NULL : comma + 1;
    if (comma != NULL) *comma = '\0';
    return field;
}

static int find_column(const char *name)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(known[i].name, name) == 0) return (int)i;
    }
    return UNKNOWN;
}

static hn_status read_header(log_reader *reader, char *line)
{
    bool seen[KNOWN_COUNT] = {false};
    char shown[64];
    for (char *rest = line; rest != NULL;) {
        char *name = next_field(&rest);
        int column = find_column(name);
        if (reader->column_count == COLUMNS_MOST) {
            return hni_error(reader->context, HN_ERROR_FORMAT,
                             "%s:1: more than %d columns: is this a log.csv of a run?", reader->path, COLUMNS_MOST);
        }
        if (column != UNKNOWN && seen[column]) {
            return hni_error(reader->context, HN_ERROR_FORMAT, "%s:1: column '%s' is named twice: keep one",
                             reader->path, hni_printable(name, shown, sizeof shown));
        }
        if (column != UNKNOWN) seen[column] = true;
        reader->columns[reader->column_count++] = column;
    }
    if (!seen[STEP]) {
        return hni_error(reader->context, HN_ERROR_FORMAT,
                         "%s:1: no column 'step': the first line must name the columns (step,epoch,rate,...)",
                         reader->path);
    }
    return HN_OK;
}

/* A plain decimal number; nothing that only strtod would take (0x10, nan). */
static bool read_number(const char *field, double *out_number)
{
    char *end = NULL;
    if (field[strspn(field, "+-.0123456789eE")] != '\0') return false;
    *out_number = strtod(field, &end);
    return end != field && *end == '\0' && isfinite(*out_number);
}

static hn_status read_field(log_reader *reader, int column, const char *field, hni_run_row *row)
{
    double number = (double)NAN;
    bool whole = column == STEP;
    char shown[64];
    if (column == UNKNOWN) return HN_OK;
    bool good = (field[0] == '\0' && !whole) || read_number(field, &number);
    if (whole) good = good && number >= 0 && number <= LARGEST_STEP && number == floor(number);
    if (!good) {
        return hni_error(reader->context, HN_ERROR_FORMAT, "%s:%d: %s is '%s', not %s: restore the file from a copy",
                         reader->path, reader->line, known[column].name, hni_printable(field, shown, sizeof shown),
                         whole ? "a whole number from 0 on" : "a number");
    }
    if (whole) {
        row->step = (int64_t)number;
    } else {
        memcpy((char *)row + known[column].offset, &number, sizeof number);
    }
    return HN_OK;
}

static hn_status read_row(log_reader *reader, char *line, hni_run_row *row)
{
    const double none = (double)NAN;
    size_t count = 0;
    hn_status status = HN_OK;
    *row = (hni_run_row){0, none, none, none, none, none, none, none};
    for (char *rest = line; rest != NULL; count++) {
        char *field = next_field(&rest);
        if (count < reader->column_count) HNI_TRY(read_field(reader, reader->columns[count], field, row));
    }
    if (count != reader->column_count) {
        return hni_error(reader->context, HN_ERROR_FORMAT,
                         "%s:%d: %zu values where line 1 names %zu columns: restore the file from a copy", reader->path,
                         reader->line, count, reader->column_count);
    }
    if (reader->row_count > 0 && row->step <= reader->rows[reader->row_count - 1].step) {
        return hni_error(reader->context, HN_ERROR_FORMAT,
                         "%s:%d: step %lld does not come after step %lld: restore the file from a copy", reader->path,
                         reader->line, (long long)row->step, (long long)reader->rows[reader->row_count - 1].step);
    }

cleanup:
    return status;
}

static hn_status read_rows(log_reader *reader)
{
    hn_status status = HN_OK;
    for (char *line = next_line(reader); line != NULL; line = next_line(reader)) {
        if (reader->row_count == reader->room) {
            void *rows = reader->rows;
            reader->room = reader->room == 0 ? 256 : reader->room * 2;
            HNI_TRY(hni_realloc_array(reader->context, "log rows", reader->room, sizeof *reader->rows, &rows));
            reader->rows = rows;
        }
        HNI_TRY(read_row(reader, line, &reader->rows[reader->row_count]));
        reader->row_count++;
    }

cleanup:
    return status;
}

hn_status hni_run_parse_log(hn_context *context, const char *path, char *text, size_t size, hni_run *run)
{
    log_reader reader = {.context = context, .path = path, .next = text, .end = text + size};
    void *rows = NULL;
    hn_status status = HN_OK;
    const char *zero = memchr(text, '\0', size);
    if (zero != NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: byte %zu is 0: this is no text file", path,
                         (size_t)(zero - text) + 1);
    }
    char *header = next_line(&reader);
    if (header == NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s:1: no line with the names of the columns: is the file damaged?",
                         path);
    }
    HNI_TRY(read_header(&reader, header));
    HNI_TRY(read_rows(&reader));
    HNI_TRY(hni_arena_take(&run->memory, reader.row_count * sizeof *reader.rows + 1, &rows));
    if (reader.row_count > 0) memcpy(rows, reader.rows, reader.row_count * sizeof *reader.rows);
    run->rows = rows;
    run->row_count = reader.row_count;

cleanup:
    hni_free(context, reader.rows);
    return status;
}
