/* A run directory read into an hni_run. */
#include "app/report/load.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "app/recipe/recipe.h"
#include "core/alloc.h"
#include "io/files.h"

#define LARGEST_FILE ((size_t)256 << 20)

hn_status hni_run_keep(hni_run *run, const char *text, size_t size, const char **out_copy)
{
    void *copy = NULL;
    hn_status status = hni_arena_take(&run->memory, size + 1, &copy);
    *out_copy = "";
    if (status != HN_OK) return status;
    memcpy(copy, text, size);
    ((char *)copy)[size] = '\0';
    *out_copy = copy;
    return HN_OK;
}

static hn_status check_folder(hn_context *context, const char *folder)
{
    struct stat facts;
    if (stat(folder, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        return hni_error(context, HN_ERROR_IO, "%s: no such run directory: name the folder that 'hypernet train' made",
                         folder);
    }
    return HN_OK;
}

/* Reads FOLDER/NAME; a missing file is told apart, since the folder may simply be another one. */
static hn_status read_part(hn_context *context, const char *folder, const char *name, hni_text *path,
                           hni_file_bytes *bytes)
{
    struct stat facts;
    path->size = 0;
    hni_text_add(path, "%s/%s", folder, name);
    if (path->status != HN_OK) return path->status;
    if (stat(path->data, &facts) != 0) {
        return hni_error(context, HN_ERROR_IO,
                         "%s: there is no %s: is this the folder of a run that 'hypernet train' made?", folder, name);
    }
    return hni_file_read(context, path->data, LARGEST_FILE, bytes);
}

/* "c" of "a/b/c" and "a/b/c///". */
static hn_status keep_base_name(hni_run *run, const char *folder)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    return hni_run_keep(run, folder + start, end - start, &run->folder);
}

/* Training writes run.json when it begins and log.csv with the first row: a run that was stopped in between has no rows, and is
 * shown without. */
static hn_status read_log(hn_context *context, const char *folder, hni_text *path, hni_run *run)
{
    hni_file_bytes log = {0};
    struct stat facts;
    hn_status status = HN_OK;
    path->size = 0;
    hni_text_add(path, "%s/run.json", folder);
    HNI_TRY(path->status);
    const bool begun = stat(path->data, &facts) == 0;
    path->size = 0;
    hni_text_add(path, "%s/log.csv", folder);
    HNI_TRY(path->status);
    if (begun && stat(path->data, &facts) != 0) {
        hni_log(context, HN_LOG_WARNING, "%s: there is no log.csv yet: the run is shown without curves", folder);
        goto cleanup;
    }
    HNI_TRY(read_part(context, folder, "log.csv", path, &log));
    HNI_TRY(hni_run_parse_log(context, path->data, (char *)log.data, log.size, run));
cleanup:
    hni_free(context, log.data);
    return status;
}

/* What the figures of the run are, by the task of its recipe; a recipe that cannot be read is complained of later. */
static hn_status find_measure(hn_context *context, const char *folder, hni_text *path, hni_run *run)
{
    char name[HNI_RECIPE_TASK_SIZE];
    path->size = 0;
    hni_text_add(path, "%s/recipe.yaml", folder);
    if (path->status != HN_OK) return path->status;
    const hn_status status = hni_recipe_peek_task(context, path->data, name);
    const hni_task *task = status == HN_OK ? hni_task_find(name) : NULL;
    run->measure = &(task != NULL ? task : hni_task_at(0))->measure;
    if (status == HN_ERROR_MEMORY) return status;
    hn_context_clear(context);
    return HN_OK;
}

hn_status hni_run_load(hn_context *context, const char *folder, hni_run *out_run)
{
    hni_file_bytes facts = {0}, recipe = {0};
    hni_text path = {.context = context};
    hn_status status = HN_OK;
    *out_run = (hni_run){.name = "", .folder = "", .cell = "", .recipe = "", .speed = (double)NAN, .test = (double)NAN};
    hni_arena_init(&out_run->memory, context, "run", false);
    HNI_TRY(check_folder(context, folder));
    HNI_TRY(keep_base_name(out_run, folder));
    out_run->name = out_run->folder;
    HNI_TRY(find_measure(context, folder, &path, out_run));
    HNI_TRY(read_log(context, folder, &path, out_run));
    HNI_TRY(read_part(context, folder, "run.json", &path, &facts));
    HNI_TRY(hni_run_parse_facts(context, path.data, (const char *)facts.data, facts.size, out_run));
    HNI_TRY(read_part(context, folder, "recipe.yaml", &path, &recipe));
    HNI_TRY(hni_run_keep(out_run, (const char *)recipe.data, recipe.size, &out_run->recipe));
    HNI_TRY(hni_run_read_recipe(context, path.data, out_run));

cleanup:
    hni_text_free(&path);
    hni_free(context, facts.data);
    hni_free(context, recipe.data);
    if (status != HN_OK) hni_run_free(out_run);
    return status;
}

hn_status hni_runs_agree(hn_context *context, const hni_run *runs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (runs[i].measure == runs[0].measure) continue;
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "%.200s is measured in %s, %.200s in %s: show runs of one task beside each other",
                         runs[0].folder, runs[0].measure->metric_name, runs[i].folder, runs[i].measure->metric_name);
    }
    return HN_OK;
}

void hni_run_free(hni_run *run)
{
    hni_arena_destroy(&run->memory);
    *run = (hni_run){0};
}

const hni_run_row *hni_run_best(const hni_run *run)
{
    const hni_run_row *best = NULL;
    for (size_t i = 0; i < run->row_count; i++) {
        const hni_run_row *row = &run->rows[i];
        if (isfinite(row->valid) && (best == NULL || row->valid < best->valid)) best = row;
    }
    return best;
}
