/* Keeps run.json: times, speed, machine, commands. Nothing here enters another file, and training never reads it. */
#include "app/train/facts.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "app/train/plan.h"
#include "core/alloc.h"
#include "io/files.h"
#include "io/json.h"
#include "kernels/table.h"

#define FACTS_FORMAT 1

struct hni_facts {
    hn_context *context;
    char *path;
    json_t *root, *session, *rows;
    char speed_key[64];    /* "characters_per_second" */
    double start;          /* of this session */
    double seconds_before; /* of training, in earlier sessions */
    double work_seconds;   /* in updates, all sessions since the file was begun */
    int64_t work_symbols;
};

double hni_seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static json_t *now_text(void)
{
    char text[32];
    struct tm parts;
    const time_t now = time(NULL);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    return json_string(text);
}

/* "model name" of the first processor; NULL where the system does not say. */
static json_t *cpu_name(void)
{
    char line[256];
    json_t *name = NULL;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && name == NULL && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, "model name", 10) != 0) continue;
        colon[strcspn(colon, "\n")] = 0;
        name = json_string(colon + 2);
    }
    if (file != NULL) fclose(file);
    return name != NULL ? name : json_string("unknown");
}

static json_t *host_facts(void)
{
    struct utsname system;
    char text[400] = "unknown";
    if (uname(&system) == 0) snprintf(text, sizeof text, "%s %s %s", system.sysname, system.release, system.machine);
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return json_pack("{s:s,s:o,s:I,s:I}", "system", text, "cpu", cpu_name(), "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes", (json_int_t)memory);
}

/* {"layers.0": 4872592, "softmax": 50050}: sums over the first parts of names ("layers.0", not "layers"). */
static json_t *parameters_by_part(const hn_store *store)
{
    json_t *parts = json_object();
    for (int64_t i = 0; parts != NULL && i < hn_store_count(store); i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        char part[256];
        snprintf(part, sizeof part, "%s", parameter->name);
        char *dot = strchr(part, '.');
        if (dot != NULL && strncmp(part, "layers.", 7) == 0) dot = strchr(dot + 1, '.');
        if (dot != NULL) *dot = 0;
        const json_int_t sum = json_integer_value(json_object_get(parts, part));
        json_object_set_new(parts, part, json_integer(sum + parameter->elements));
    }
    return parts;
}

/* The object of a run that goes on, or a new one. */
static json_t *earlier_facts(hn_context *context, const char *path)
{
    hni_file_bytes bytes = {NULL, 0};
    json_t *root = NULL;
    if (access(path, F_OK) == 0 && hni_file_read(context, path, 0, &bytes) == HN_OK) {
        if (hni_json_parse(context, path, (const char *)bytes.data, bytes.size, &root) != HN_OK) root = NULL;
    }
    hn_context_clear(context); /* a damaged file is begun anew */
    hni_free(context, bytes.data);
    if (root != NULL && json_is_object(root)) return root;
    json_decref(root);
    return json_object();
}

static json_t *bytes_json(const hni_facts *facts, const char *bytes)
{
    return hni_json_bytes(facts->context, bytes, strlen(bytes));
}

static void set_facts(hni_facts *facts, const hni_facts_start *start)
{
    json_t *root = facts->root;
    snprintf(facts->speed_key, sizeof facts->speed_key, "%s_per_second", start->symbols);
    json_object_set_new(root, "format", json_integer(FACTS_FORMAT));
    json_object_set_new(root, "version", json_string(hn_version()));
    if (json_object_get(root, "name") == NULL) json_object_set_new(root, "name", bytes_json(facts, start->name));
    json_object_set_new(root, "label", bytes_json(facts, start->label));
    if (start->cell != NULL) json_object_set_new(root, "cell", json_string(start->cell));
    if (start->init_from != NULL) json_object_set_new(root, "init_from", bytes_json(facts, start->init_from));
    json_object_set_new(root, "seed", json_integer(start->seed));
    json_object_set_new(root, "command", bytes_json(facts, start->command));
    if (json_object_get(root, "started") == NULL) json_object_set_new(root, "started", now_text());
    json_object_set_new(root, "host", host_facts());
    json_object_set_new(root, "threads", json_integer(hn_context_threads(facts->context)));
    json_object_set_new(root, "isa", json_string(hni_kernels_isa()));
    json_object_set_new(root, "backend", json_string(start->backend));
    json_object_set_new(root, "data_path_found", bytes_json(facts, start->data_found));
    json_object_set_new(root, "data_checksum", json_string(start->data_checksum));
    json_object_set_new(root, "parameters",
                        json_pack("{s:I,s:o}", "total", (json_int_t)hn_store_elements(start->store), "by_part",
                                  parameters_by_part(start->store)));
    facts->work_seconds = json_number_value(json_object_get(root, "work_seconds"));
    facts->work_symbols = (int64_t)json_integer_value(json_object_get(root, "work_symbols"));
}

/* Rows after the step that this session begins at did not happen. */
static void cut_rows(hni_facts *facts, int64_t first_step)
{
    if (!json_is_array(facts->rows)) {
        json_object_set_new(facts->root, "rows", json_array());
        facts->rows = json_object_get(facts->root, "rows");
    }
    while (json_array_size(facts->rows) > 0) {
        const json_t *last = json_array_get(facts->rows, json_array_size(facts->rows) - 1);
        if (json_integer_value(json_array_get(last, 0)) <= first_step) {
            facts->seconds_before = json_number_value(json_array_get(last, 1));
            return;
        }
        json_array_remove(facts->rows, json_array_size(facts->rows) - 1);
    }
}

static hn_status begin_session(hni_facts *facts, const hni_facts_start *start)
{
    json_t *sessions = json_object_get(facts->root, "sessions");
    if (!json_is_array(sessions)) {
        sessions = json_array();
        json_object_set_new(facts->root, "sessions", sessions);
    }
    facts->session =
        json_pack("{s:o,s:o,s:s,s:i,s:s,s:I}", "started", now_text(), "command", bytes_json(facts, start->command),
                  "version", hn_version(), "threads", hn_context_threads(facts->context), "isa", hni_kernels_isa(),
                  "first_step", (json_int_t)start->first_step);
    if (facts->session == NULL || json_array_append_new(sessions, facts->session) != 0) {
        return hni_json_no_memory(facts->context, HNI_RUN_FACTS);
    }
    return HN_OK;
}

hn_status hni_facts_open(hn_context *context, const hni_facts_start *start, hni_facts **out_facts)
{
    void *memory = NULL;
    hni_facts *facts = NULL;
    hn_status status;
    *out_facts = NULL;
    HNI_TRY(hni_alloc(context, "run.json", sizeof *facts, &memory));
    facts = memory;
    facts->context = context;
    facts->start = hni_seconds_now();
    HNI_TRY(hni_run_path(context, start->folder, HNI_RUN_FACTS, &facts->path));
    facts->root = earlier_facts(context, facts->path);
    if (facts->root == NULL) {
        status = hni_json_no_memory(context, HNI_RUN_FACTS);
        goto cleanup;
    }
    set_facts(facts, start);
    facts->rows = json_object_get(facts->root, "rows");
    cut_rows(facts, start->first_step);
    HNI_TRY(begin_session(facts, start));
    *out_facts = facts;
    facts = NULL;
cleanup:
    hni_facts_close(facts);
    return status;
}

void hni_facts_close(hni_facts *facts)
{
    if (facts == NULL) return;
    json_decref(facts->root);
    hni_free(facts->context, facts->path);
    hni_free(facts->context, facts);
}

hn_status hni_facts_row(hni_facts *facts, int64_t step)
{
    const double seconds = facts->seconds_before + hni_seconds_now() - facts->start;
    json_t *row = json_pack("[I,f]", (json_int_t)step, (double)(int64_t)(seconds * 1000) / 1000);
    return row != NULL && json_array_append_new(facts->rows, row) == 0
               ? HN_OK
               : hni_json_no_memory(facts->context, HNI_RUN_FACTS);
}

void hni_facts_work(hni_facts *facts, double seconds, int64_t symbols)
{
    facts->work_seconds += seconds;
    facts->work_symbols += symbols;
}

hn_status hni_facts_write(hni_facts *facts, int64_t step)
{
    const double speed = facts->work_seconds > 0 ? (double)facts->work_symbols / facts->work_seconds : 0;
    json_object_set_new(facts->session, "last_step", json_integer(step));
    json_object_set_new(facts->session, "seconds", json_real(hni_seconds_now() - facts->start));
    json_object_set_new(facts->root, "work_seconds", json_real(facts->work_seconds));
    json_object_set_new(facts->root, "work_symbols", json_integer(facts->work_symbols));
    json_object_set_new(facts->root, facts->speed_key, json_real((double)(int64_t)speed));
    hni_text text = {.context = facts->context};
    hn_status status = hni_json_print(&text, facts->root);
    hni_text_add(&text, "\n");
    if (status == HN_OK) status = text.status;
    if (status == HN_OK) status = hni_file_write_atomic(facts->context, facts->path, text.data, text.size);
    hni_text_free(&text);
    return status;
}
