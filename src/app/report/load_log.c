/* log.csv: a line of column names, then numbers. Columns are found by name, so that files of older and newer versions are read.
 * Every complaint names file and line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/report/load.h"
#include "core/alloc.h"

#define COLUMNS_MOST 256
#define LARGEST_STEP 9007199254740992.0 /* 2^53: whole numbers beyond it would be rounded */

enum { UNKNOWN = -1, STEP = 0, RANK = 1000 }; /* RANK + i: effective rank i of hni_run */

static const struct {
    const char
        *name;     /* "train_": with the key of the loss behind it; "valid_": of the metric, or "valid_+" of the loss */
    size_t offset; /* in hni_run_row */
} known[] = {
    {"step", offsetof(hni_run_row, step)},           {"epoch", offsetof(hni_run_row, epoch)},
    {"rate", offsetof(hni_run_row, rate)},           {"train_", offsetof(hni_run_row, train)},
    {"valid_", offsetof(hni_run_row, valid)},        {"gradient_norm", offsetof(hni_run_row, gradient_norm)},
    {"clip_rate", offsetof(hni_run_row, clip_rate)}, {"valid_+", offsetof(hni_run_row, valid_loss)},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

typedef struct log_reader {
    hn_context *context;
    const char *path;
    int line;
    char *next, *end;
    int columns[COLUMNS_MOST]; /* index into `known`, UNKNOWN, or from RANK on */
    size_t column_count;
    hni_run *run;
    hni_run_rank *ranks; /* in the run's memory; in order of the columns */
    size_t rank_count;
    hni_run_row *rows;
    double *values; /* [room,rank_count] of the ranks */
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

/* The name of a known column in this run's log. */
static const char *column_name(const log_reader *reader, size_t column, char *buffer, size_t size)
{
    const hni_measure *measure = reader->run->measure;
    const char *name = known[column].name, *key = "";
    if (strcmp(name, "train_") == 0 || strcmp(name, "valid_+") == 0) key = measure->loss_key;
    if (strcmp(name, "valid_") == 0) key = measure->metric_key;
    (void)snprintf(buffer, size, "%.*s%s", (int)strcspn(name, "+"), name, key);
    return buffer;
}

static int find_column(const log_reader *reader, const char *name)
{
    char wanted[64];
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(column_name(reader, i, wanted, sizeof wanted), name) == 0) return (int)i;
    }
    return UNKNOWN;
}

/* "rank.0.h.i" or, of a cell with one gate, "rank.0.h": layer, embedding, gate. */
static bool parse_rank(const char *name, hni_run_rank *rank, const char **out_gate)
{
    static const char begin[] = "rank.";
    size_t at = sizeof begin - 1, digits = 0;
    if (strncmp(name, begin, at) != 0) return false;
    for (; name[at] >= '0' && name[at] <= '9' && digits < 3; at++, digits++)
        rank->layer = 10 * rank->layer + (name[at] - '0');
    if (digits == 0 || name[at++] != '.') return false;
    rank->embedding = name[at];
    if (!(name[at] >= 'a' && name[at] <= 'z')) return false;
    at++;
    *out_gate = name[at] == '.' ? name + at + 1 : "";
    return name[at] == '\0' || (name[at] == '.' && name[at + 1] != '\0');
}

static bool same_rank(const hni_run_rank *one, const hni_run_rank *other)
{
    return one->layer == other->layer && one->embedding == other->embedding && strcmp(one->gate, other->gate) == 0;
}

static hn_status named_twice(const log_reader *reader, const char *name)
{
    char shown[64];
    return hni_error(reader->context, HN_ERROR_FORMAT, "%s:1: column '%s' is named twice: keep one", reader->path,
                     hni_printable(name, shown, sizeof shown));
}

/* A column that holds ranks gets the next place; any other is UNKNOWN. */
static hn_status find_rank(log_reader *reader, const char *name, int *out_column)
{
    hni_run_rank rank = {0};
    const char *gate = "";
    *out_column = UNKNOWN;
    if (!parse_rank(name, &rank, &gate)) return HN_OK;
    const hn_status status = hni_run_keep(reader->run, gate, strlen(gate), &rank.gate);
    if (status != HN_OK) return status;
    for (size_t i = 0; i < reader->rank_count; i++) {
        if (same_rank(&reader->ranks[i], &rank)) return named_twice(reader, name);
    }
    *out_column = RANK + (int)reader->rank_count;
    reader->ranks[reader->rank_count++] = rank;
    return HN_OK;
}

static hn_status read_header(log_reader *reader, char *line)
{
    bool seen[KNOWN_COUNT] = {false};
    void *ranks = NULL;
    hn_status status = HN_OK;
    HNI_TRY(hni_arena_take(&reader->run->memory, COLUMNS_MOST * sizeof *reader->ranks, &ranks));
    reader->ranks = ranks;
    for (char *rest = line; rest != NULL;) {
        char *name = next_field(&rest);
        int column = find_column(reader, name);
        if (reader->column_count == COLUMNS_MOST) {
            return hni_error(reader->context, HN_ERROR_FORMAT,
                             "%s:1: more than %d columns: is this a log.csv of a run?", reader->path, COLUMNS_MOST);
        }
        if (column != UNKNOWN && seen[column]) return named_twice(reader, name);
        if (column != UNKNOWN) seen[column] = true;
        if (column == UNKNOWN) HNI_TRY(find_rank(reader, name, &column));
        reader->columns[reader->column_count++] = column;
    }
    if (!seen[STEP]) {
        return hni_error(reader->context, HN_ERROR_FORMAT,
                         "%s:1: no column 'step': the first line must name the columns (step,epoch,rate,...)",
                         reader->path);
    }

cleanup:
    return status;
}

/* A plain decimal number; nothing that only strtod would take (0x10, nan). */
static bool read_number(const char *field, double *out_number)
{
    char *end = NULL;
    if (field[strspn(field, "+-.0123456789eE")] != '\0') return false;
    *out_number = strtod(field, &end);
    return end != field && *end == '\0' && isfinite(*out_number);
}

static hn_status wrong_field(const log_reader *reader, int column, const char *field)
{
    char shown[64], name[64], shown_name[64];
    const char *wanted = column == STEP ? "a whole number from 0 on" : "a number";
    if (column >= RANK) {
        const hni_run_rank *rank = &reader->ranks[column - RANK];
        (void)snprintf(name, sizeof name, "rank.%d.%c%s%.32s", rank->layer, rank->embedding,
                       rank->gate[0] != '\0' ? "." : "", rank->gate);
    } else {
        (void)column_name(reader, (size_t)column, name, sizeof name);
    }
    return hni_error(reader->context, HN_ERROR_FORMAT, "%s:%d: %s is '%s', not %s: restore the file from a copy",
                     reader->path, reader->line, hni_printable(name, shown_name, sizeof shown_name),
                     hni_printable(field, shown, sizeof shown), wanted);
}

static hn_status read_field(log_reader *reader, int column, const char *field, hni_run_row *row)
{
    double number = (double)NAN;
    bool whole = column == STEP;
    if (column == UNKNOWN) return HN_OK;
    bool good = (field[0] == '\0' && !whole) || read_number(field, &number);
    if (whole) good = good && number >= 0 && number <= LARGEST_STEP && number == floor(number);
    if (!good) return wrong_field(reader, column, field);
    if (whole) {
        row->step = (int64_t)number;
    } else if (column >= RANK) {
        reader->values[reader->row_count * reader->rank_count + (size_t)(column - RANK)] = number;
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
    *row = (hni_run_row){0, none, none, none, none, none, none, none, none};
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

static hn_status grow(log_reader *reader)
{
    void *rows = reader->rows, *values = reader->values;
    hn_status status = HN_OK;
    size_t room = reader->room == 0 ? 256 : reader->room * 2;
    HNI_TRY(hni_realloc_array(reader->context, "log rows", room, sizeof *reader->rows, &rows));
    reader->rows = rows;
    HNI_TRY(hni_realloc_array(reader->context, "log rows", room, reader->rank_count * sizeof *reader->values, &values));
    reader->values = values;
    reader->room = room;

cleanup:
    return status;
}

static hn_status read_rows(log_reader *reader)
{
    hn_status status = HN_OK;
    for (char *line = next_line(reader); line != NULL; line = next_line(reader)) {
        if (reader->row_count == reader->room) HNI_TRY(grow(reader));
        HNI_TRY(read_row(reader, line, &reader->rows[reader->row_count]));
        reader->row_count++;
    }

cleanup:
    return status;
}

/* Into the run's memory: the rows, and each rank's values in one list. */
static hn_status keep_rows(const log_reader *reader)
{
    hni_run *run = reader->run;
    void *rows = NULL, *values = NULL;
    hn_status status = HN_OK;
    HNI_TRY(hni_arena_take(&run->memory, reader->row_count * sizeof *reader->rows + 1, &rows));
    if (reader->row_count > 0) memcpy(rows, reader->rows, reader->row_count * sizeof *reader->rows);
    for (size_t i = 0; i < reader->rank_count; i++) {
        HNI_TRY(hni_arena_take(&run->memory, (reader->row_count + 1) * sizeof(double), &values));
        for (size_t row = 0; row < reader->row_count; row++)
            ((double *)values)[row] = reader->values[row * reader->rank_count + i];
        reader->ranks[i].values = values;
    }
    run->rows = rows;
    run->row_count = reader->row_count;
    run->ranks = reader->ranks;
    run->rank_count = reader->rank_count;

cleanup:
    return status;
}

hn_status hni_run_parse_log(hn_context *context, const char *path, char *text, size_t size, hni_run *run)
{
    log_reader reader = {.context = context, .path = path, .next = text, .end = text + size, .run = run};
    hn_status status = HN_OK;
    const char *zero = memchr(text, '\0', size);
    if (zero != NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: byte %zu is 0: this is no text file", path,
                         (size_t)(zero - text) + 1);
    }
    if (run->measure == NULL) run->measure = &hni_task_at(0)->measure;
    char *header = next_line(&reader);
    if (header == NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s:1: no line with the names of the columns: is the file damaged?",
                         path);
    }
    HNI_TRY(read_header(&reader, header));
    HNI_TRY(read_rows(&reader));
    HNI_TRY(keep_rows(&reader));

cleanup:
    hni_free(context, reader.values);
    hni_free(context, reader.rows);
    return status;
}
