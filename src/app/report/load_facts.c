/* run.json: what the report shows of it, as texts; and the seconds of the log's rows. Keys that are not known are passed over;
 * known ones of the wrong kind are errors that name file and key. */
#include <math.h>
#include <string.h>

#include "app/report/load.h"
#include "core/alloc.h"
#include "io/json.h"

#define FORMAT 1 /* of run.json */

typedef struct facts_reader {
    hn_context *context;
    const char *path;
    json_t *root;
    hni_run *run;
    hni_run_fact *facts; /* in the run's memory, room for all */
    size_t fact_count, room;
} facts_reader;

static hn_status wrong_kind(const facts_reader *reader, const char *key, const char *wanted, const json_t *value)
{
    return hni_error(reader->context, HN_ERROR_FORMAT, "%s: '%s' must be %s, not %s: restore the file from a copy",
                     reader->path, key, wanted, hni_json_kind(value));
}

/* The text of a key, "" if it is missing. */
static hn_status read_text(const facts_reader *reader, const char *key, const char **out_text)
{
    const json_t *value = json_object_get(reader->root, key);
    *out_text = "";
    if (value == NULL) return HN_OK;
    if (!json_is_string(value)) return wrong_kind(reader, key, "a text", value);
    return hni_run_keep(reader->run, json_string_value(value), json_string_length(value), out_text);
}

static hn_status check_format(const facts_reader *reader)
{
    const json_t *format = json_object_get(reader->root, "format");
    if (format == NULL) {
        return hni_error(reader->context, HN_ERROR_FORMAT, "%s: no key 'format': is this the run.json of a run?",
                         reader->path);
    }
    if (!json_is_integer(format)) return wrong_kind(reader, "format", "a whole number", format);
    if (json_integer_value(format) < 1 || json_integer_value(format) > FORMAT) {
        return hni_error(reader->context, HN_ERROR_UNSUPPORTED,
                         "%s: format %lld, this version reads up to %d: use the version that wrote the run",
                         reader->path, (long long)json_integer_value(format), FORMAT);
    }
    return HN_OK;
}

static hn_status read_numbers(const facts_reader *reader)
{
    char key[64];
    (void)snprintf(key, sizeof key, "%s_per_second", reader->run->measure->symbols);
    const json_t *speed = json_object_get(reader->root, key);
    const json_t *parameters = json_object_get(reader->root, "parameters");
    reader->run->speed = (double)NAN;
    if (speed != NULL && !json_is_number(speed)) return wrong_kind(reader, key, "a number", speed);
    if (speed != NULL) reader->run->speed = json_number_value(speed);
    if (parameters == NULL) return HN_OK;
    if (!json_is_object(parameters)) return wrong_kind(reader, "parameters", "an object", parameters);
    const json_t *total = json_object_get(parameters, "total");
    if (total == NULL) return HN_OK;
    if (!json_is_integer(total) || json_integer_value(total) < 0) {
        return wrong_kind(reader, "parameters.total", "a whole number from 0 on", total);
    }
    reader->run->parameters = json_integer_value(total);
    return HN_OK;
}

/* ---- seconds ------------------------------------------------------------------------------------------------------------- */

static hn_status read_pair(const facts_reader *reader, size_t index, const json_t *pair, int64_t *out_step,
                           double *out_seconds)
{
    const json_t *step = json_array_get(pair, 0), *seconds = json_array_get(pair, 1);
    if (!json_is_array(pair) || json_array_size(pair) != 2 || !json_is_integer(step) || !json_is_number(seconds) ||
        !(json_number_value(seconds) >= 0)) {
        return hni_error(reader->context, HN_ERROR_FORMAT,
                         "%s: entry %zu of 'rows' is no pair [step, seconds]: restore the file from a copy",
                         reader->path, index + 1);
    }
    *out_step = json_integer_value(step);
    *out_seconds = json_number_value(seconds);
    return HN_OK;
}

/* Both lists rise in step; steps that only one of them has are passed over. */
static hn_status read_seconds(const facts_reader *reader, hni_run_row *rows, size_t row_count)
{
    const json_t *pairs = json_object_get(reader->root, "rows");
    hn_status status = HN_OK;
    int64_t before = -1;
    size_t row = 0;
    if (pairs == NULL) return HN_OK;
    if (!json_is_array(pairs)) return wrong_kind(reader, "rows", "a list", pairs);
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        int64_t step = 0;
        double seconds = 0;
        HNI_TRY(read_pair(reader, i, json_array_get(pairs, i), &step, &seconds));
        if (step <= before) {
            return hni_error(
                reader->context, HN_ERROR_FORMAT,
                "%s: entry %zu of 'rows': step %lld does not come after step %lld: restore the file from a copy",
                reader->path, i + 1, (long long)step, (long long)before);
        }
        before = step;
        while (row < row_count && rows[row].step < step)
            row++;
        if (row < row_count && rows[row].step == step) rows[row].seconds = seconds;
    }

cleanup:
    return status;
}

/* ---- facts --------------------------------------------------------------------------------------------------------------- */

static hn_status add_fact(facts_reader *reader, const char *key, const json_t *value)
{
    hni_text text = {.context = reader->context};
    hn_status status = HN_OK;
    if (reader->fact_count == reader->room) goto cleanup;
    hni_run_fact *fact = &reader->facts[reader->fact_count];
    if (json_is_string(value)) {
        hni_text_add_bytes(&text, json_string_value(value), json_string_length(value));
    } else {
        HNI_TRY(hni_json_print(&text, value));
    }
    HNI_TRY(text.status);
    HNI_TRY(hni_run_keep(reader->run, text.data, text.size, &fact->value));
    HNI_TRY(hni_run_keep(reader->run, key, strlen(key), &fact->key));
    reader->fact_count++;

cleanup:
    hni_text_free(&text);
    return status;
}

/* The members of an object, each as a fact "host.cpu". */
static hn_status add_members(facts_reader *reader, const char *key, json_t *object)
{
    hn_status status = HN_OK;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        hni_text place = {.context = reader->context};
        hni_text_add(&place, "%s.%s", key, name);
        status = place.status != HN_OK ? place.status : add_fact(reader, place.data, value);
        hni_text_free(&place);
        if (status != HN_OK) return status;
    }
    return status;
}

static hn_status add_sessions(facts_reader *reader)
{
    json_t *sessions = json_object_get(reader->root, "sessions");
    if (sessions == NULL) return HN_OK;
    if (!json_is_array(sessions)) return wrong_kind(reader, "sessions", "a list", sessions);
    json_t *count = json_integer((json_int_t)json_array_size(sessions));
    if (count == NULL) return hni_json_no_memory(reader->context, reader->path);
    hn_status status = add_fact(reader, "sessions", count);
    json_decref(count);
    return status;
}

static size_t members_of(const json_t *value) { return json_is_object(value) ? json_object_size(value) : 0; }

static hn_status read_facts(facts_reader *reader)
{
    static const char *const plain[] = {"version", "command",         "name",         "cell",
                                        "seed",    "started",         "threads",      "isa",
                                        "backend", "data_path_found", "data_checksum"};
    enum { PLAIN = sizeof plain / sizeof plain[0] };
    json_t *host = json_object_get(reader->root, "host");
    json_t *parts = json_object_get(json_object_get(reader->root, "parameters"), "by_part");
    void *facts = NULL;
    hn_status status = HN_OK;
    if (host != NULL && !json_is_object(host)) return wrong_kind(reader, "host", "an object", host);
    if (parts != NULL && !json_is_object(parts)) return wrong_kind(reader, "parameters.by_part", "an object", parts);
    reader->room = PLAIN + members_of(host) + members_of(parts) + 1;
    HNI_TRY(hni_arena_take(&reader->run->memory, reader->room * sizeof *reader->facts, &facts));
    reader->facts = facts;
    for (size_t i = 0; i < PLAIN; i++) {
        const json_t *value = json_object_get(reader->root, plain[i]);
        if (value != NULL) HNI_TRY(add_fact(reader, plain[i], value));
    }
    HNI_TRY(add_sessions(reader));
    if (host != NULL) HNI_TRY(add_members(reader, "host", host));
    if (parts != NULL) HNI_TRY(add_members(reader, "parameters", parts));
    reader->run->facts = reader->facts;
    reader->run->fact_count = reader->fact_count;

cleanup:
    return status;
}

hn_status hni_run_parse_facts(hn_context *context, const char *path, const char *text, size_t size, hni_run *run)
{
    facts_reader reader = {.context = context, .path = path, .run = run};
    const char *label = "", *name = "";
    hn_status status = HN_OK;
    HNI_TRY(hni_json_parse(context, path, text, size, &reader.root));
    if (!json_is_object(reader.root)) {
        status = hni_error(context, HN_ERROR_FORMAT, "%s: must hold one object, not %s: is this the run.json of a run?",
                           path, hni_json_kind(reader.root));
        goto cleanup;
    }
    HNI_TRY(check_format(&reader));
    HNI_TRY(read_text(&reader, "name", &name));
    HNI_TRY(read_text(&reader, "label", &label));
    HNI_TRY(read_text(&reader, "cell", &run->cell));
    if (label[0] != '\0' || name[0] != '\0') run->name = label[0] != '\0' ? label : name;
    HNI_TRY(read_numbers(&reader));
    HNI_TRY(read_seconds(&reader, run->rows, run->row_count));
    HNI_TRY(read_facts(&reader));

cleanup:
    json_decref(reader.root);
    return status;
}
