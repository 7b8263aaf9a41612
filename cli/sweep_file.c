/* The folder of a sweep: sweep.json says what is swept and how far it is, sweep.csv is its table. What is finished is believed; all
 * else is asked of the runs themselves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/file_errors.h"
#include "io/files.h"
#include "io/json.h"
#include "sweep.h"

#define FORMAT 1

static const char *const state_words[] = {"waiting", "running", "stopped", "failed", "finished"};

hn_status hni_sweep_path(const hni_sweep *sweep, const char *name, const char *ending, char **out_path)
{
    hni_text path = {.context = sweep->cli->context};
    hni_text_add(&path, "%s/%s%s", sweep->folder, name, ending);
    return hni_text_take(&path, out_path);
}

/* ---- as JSON ---- */

/* [{"key": "train.rate", "values": ["0.002", ..]}, ..] */
static json_t *grid_json(const hni_sweep *sweep)
{
    json_t *grid = json_array();
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const hni_sweep_axis *axis = &sweep->axes[i];
        json_t *values = json_array();
        for (size_t k = 0; k < axis->count; k++)
            json_array_append_new(values, json_string(axis->assignments[k] + strlen(axis->key) + 1));
        json_array_append_new(grid, json_pack("{s:s,s:o}", "key", axis->key, "values", values));
    }
    return grid;
}

/* {"train.rate": "0.002", ..} of the first `count` axes. */
static json_t *settings_json(const hni_sweep *sweep, size_t run, size_t count)
{
    json_t *settings = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(settings, sweep->axes[i].key, json_string(hni_sweep_value(sweep, run, i)));
    return settings;
}

static json_t *run_json(const hni_sweep *sweep, size_t index)
{
    const hni_sweep_run *run = &sweep->runs[index];
    json_t *out =
        json_pack("{s:s,s:o,s:s,s:I}", "name", run->name, "settings", settings_json(sweep, index, sweep->axis_count),
                  "state", state_words[run->state], "parameters", (json_int_t)run->parameters);
    if (run->steps > 0) {
        json_object_set_new(out, "step", json_integer((json_int_t)run->step));
        json_object_set_new(out, "steps", json_integer((json_int_t)run->steps));
    }
    if (run->has_best) {
        json_object_set_new(out, "best_valid", json_real(run->best));
        json_object_set_new(out, "best_step", json_integer((json_int_t)run->best_step));
    }
    if (run->seconds > 0) json_object_set_new(out, "seconds", json_real(run->seconds));
    if (run->message[0] != 0) json_object_set_new(out, "message", json_string(run->message));
    return out;
}

static json_t *points_json(const hni_sweep *sweep)
{
    json_t *points = json_array();
    for (size_t i = 0; i < hni_sweep_points(sweep); i++) {
        const hni_sweep_figure figure = hni_sweep_point(sweep, i);
        json_t *point =
            json_pack("{s:o,s:I}", "settings",
                      settings_json(sweep, i * hni_sweep_seeds(sweep), sweep->axis_count - sweep->has_seeds),
                      "finished", (json_int_t)figure.finished);
        if (figure.finished > 0) {
            json_object_set_new(point, "mean", json_real(figure.mean));
            json_object_set_new(point, "lowest", json_real(figure.lowest));
            json_object_set_new(point, "highest", json_real(figure.highest));
        }
        json_array_append_new(points, point);
    }
    return points;
}

json_t *hni_sweep_json(const hni_sweep *sweep)
{
    size_t best = 0;
    json_t *runs = json_array();
    for (size_t i = 0; i < sweep->run_count; i++)
        json_array_append_new(runs, run_json(sweep, i));
    const bool has_best = hni_sweep_best_run(sweep, &best);
    return json_pack("{s:i,s:s,s:o,s:o,s:o,s:s?}", "format", FORMAT, "recipe", sweep->recipe, "grid", grid_json(sweep),
                     "runs", runs, "points", points_json(sweep), "best", has_best ? sweep->runs[best].name : NULL);
}

/* ---- as CSV ---- */

static void add_cell(hni_text *csv, const char *text)
{
    if (strpbrk(text, "\"\r\n") == NULL) {
        hni_text_add(csv, ",%s", text);
        return;
    }
    hni_text_add(csv, ",\"");
    for (; *text != 0; text++)
        hni_text_add_bytes(csv, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    hni_text_add(csv, "\"");
}

static void add_row(const hni_sweep *sweep, size_t index, hni_text *csv)
{
    const hni_sweep_run *run = &sweep->runs[index];
    char number[64] = "";
    hni_text_add(csv, "%zu", index + 1);
    for (size_t i = 0; i < sweep->axis_count; i++)
        add_cell(csv, hni_sweep_value(sweep, index, i));
    hni_text_add(csv, ",%s,%lld,", state_words[run->state], (long long)run->parameters);
    if (run->steps > 0) hni_text_add(csv, "%lld", (long long)run->step);
    if (run->has_best) {
        hni_text_add(csv, ",%s,%lld,", hni_number_print(run->best, number, sizeof number), (long long)run->best_step);
    } else {
        hni_text_add(csv, ",,,");
    }
    if (run->seconds > 0) hni_text_add(csv, "%.1f", run->seconds);
    hni_text_add(csv, "\n");
}

static hn_status write_table(const hni_sweep *sweep)
{
    hn_context *context = sweep->cli->context;
    hni_text csv = {.context = context};
    char *path = NULL;
    hn_status status;
    hni_text_add(&csv, "run");
    for (size_t i = 0; i < sweep->axis_count; i++)
        add_cell(&csv, sweep->axes[i].key);
    hni_text_add(&csv, ",state,parameters,step,best_valid,best_step,seconds\n");
    for (size_t i = 0; i < sweep->run_count; i++)
        add_row(sweep, i, &csv);
    HNI_TRY(csv.status);
    HNI_TRY(hni_sweep_path(sweep, HNI_SWEEP_TABLE, "", &path));
    HNI_TRY(hni_file_write_atomic(context, path, csv.data, csv.size));
cleanup:
    hni_free(context, path);
    hni_text_free(&csv);
    return status;
}

hn_status hni_sweep_save(const hni_sweep *sweep)
{
    hn_context *context = sweep->cli->context;
    hni_text text = {.context = context};
    json_t *json = hni_sweep_json(sweep);
    char *path = NULL;
    hn_status status;
    if (json == NULL || json_object_set_new(json, "recipe_text", json_string(sweep->base)) != 0) {
        HNI_TRY(hni_json_no_memory(context, HNI_SWEEP_FILE));
    }
    HNI_TRY(hni_json_print(&text, json));
    hni_text_add(&text, "\n");
    HNI_TRY(text.status);
    HNI_TRY(hni_sweep_path(sweep, HNI_SWEEP_FILE, "", &path));
    HNI_TRY(hni_file_write_atomic(context, path, text.data, text.size));
    HNI_TRY(write_table(sweep));
cleanup:
    json_decref(json);
    hni_free(context, path);
    hni_text_free(&text);
    return status;
}

/* ---- taking up ---- */

/* "train.rate=0.1,0.2 model.units=8,16" for a message, cut where the buffer ends. */
static const char *spell_grid(const json_t *grid, char *buffer, size_t size)
{
    size_t used = 0, i, k;
    json_t *axis, *value;
    buffer[0] = 0;
    json_array_foreach(grid, i, axis)
    {
        const char *key = json_string_value(json_object_get(axis, "key"));
        int length = snprintf(buffer + used, size - used, "%s%s=", i > 0 ? " " : "", key != NULL ? key : "?");
        used += length > 0 && (size_t)length < size - used ? (size_t)length : 0;
        json_array_foreach(json_object_get(axis, "values"), k, value)
        {
            const char *word = json_string_value(value);
            length = snprintf(buffer + used, size - used, "%s%s", k > 0 ? "," : "", word != NULL ? word : "?");
            used += length > 0 && (size_t)length < size - used ? (size_t)length : 0;
        }
    }
    return buffer;
}

static hn_status check_grid(const hni_sweep *sweep, const json_t *root)
{
    char there[300];
    json_t *grid = grid_json(sweep);
    const json_t *other = json_object_get(root, "grid");
    const bool is_equal = json_equal(grid, other) != 0;
    json_decref(grid);
    if (is_equal) return HN_OK;
    return hni_error(sweep->cli->context, HN_ERROR_STATE,
                     "%.300s: there is a sweep over another grid (%s): name another folder with -o", sweep->folder,
                     spell_grid(other, there, sizeof there));
}

/* The first line of `text` that `other` has not at the same place, without its indent. */
static const char *first_difference(const char *text, const char *other)
{
    size_t start = 0;
    for (size_t i = 0; text[i] != 0 && text[i] == other[i]; i++)
        if (text[i] == '\n') start = i + 1;
    return text + start + strspn(text + start, " ");
}

static hn_status check_recipe(const hni_sweep *sweep, const char *path, const json_t *root)
{
    hn_context *context = sweep->cli->context;
    const char *text = json_string_value(json_object_get(root, "recipe_text"));
    char *renewed = NULL;
    hn_status status;
    if (text == NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%.300s: has no 'recipe_text': damaged file", path);
    }
    HNI_TRY(hni_sweep_renew(sweep, path, text, &renewed));
    if (strcmp(renewed, sweep->base) != 0) {
        const char *there = first_difference(renewed, sweep->base), *here = first_difference(sweep->base, renewed);
        status =
            hni_error(context, HN_ERROR_STATE,
                      "%.300s: there is a sweep of another recipe ('%.*s' there, '%.*s' here): name another folder "
                      "with -o",
                      sweep->folder, (int)strcspn(there, "\n"), there, (int)strcspn(here, "\n"), here);
    }
cleanup:
    hni_free(context, renewed);
    return status;
}

bool hni_sweep_has(const hni_sweep *sweep, const hni_sweep_run *run, const char *file)
{
    char *folder = NULL, *path = NULL;
    bool is_there = false;
    hn_status status;
    HNI_TRY(hni_sweep_path(sweep, run->name, "", &folder));
    HNI_TRY(hni_run_path(sweep->cli->context, folder, file, &path));
    is_there = access(path, F_OK) == 0;
cleanup:
    hni_free(sweep->cli->context, folder);
    hni_free(sweep->cli->context, path);
    return is_there;
}

/* Takes over what is finished and still there, be it the best checkpoint alone; the rest is trained, or trained on. */
static void take_over(const hni_sweep *sweep, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *state = json_string_value(json_object_get(json, "state"));
    const json_t *best = json_object_get(json, "best_valid");
    if (name == NULL || state == NULL || strcmp(state, "finished") != 0 || !json_is_number(best)) return;
    for (size_t i = 0; i < sweep->run_count; i++) {
        hni_sweep_run *run = &sweep->runs[i];
        if (strcmp(run->name, name) != 0) continue;
        if (!hni_sweep_has(sweep, run, HNI_RUN_LAST) && !hni_sweep_has(sweep, run, HNI_RUN_BEST)) continue;
        run->state = HNI_SWEEP_FINISHED;
        run->has_best = true;
        run->best = json_number_value(best);
        run->best_step = (int64_t)json_integer_value(json_object_get(json, "best_step"));
        run->step = (int64_t)json_integer_value(json_object_get(json, "step"));
        run->steps = (int64_t)json_integer_value(json_object_get(json, "steps"));
        run->seconds = json_number_value(json_object_get(json, "seconds"));
    }
}

static hn_status check_format(const hni_sweep *sweep, const char *path, const json_t *root)
{
    const json_int_t format = json_integer_value(json_object_get(root, "format"));
    if (format == FORMAT) return HN_OK;
    return hni_error(sweep->cli->context, HN_ERROR_FORMAT, "%.300s: %s", path,
                     format > FORMAT ? "was written by a newer hypernet: use that one"
                                     : "has no 'format': damaged file");
}

static hn_status take_up(const hni_sweep *sweep, const char *path)
{
    hn_context *context = sweep->cli->context;
    hni_file_bytes bytes = {NULL, 0};
    json_t *root = NULL, *run;
    size_t i;
    hn_status status;
    HNI_TRY(hni_file_read(context, path, 0, &bytes));
    HNI_TRY(hni_json_parse(context, path, (const char *)bytes.data, bytes.size, &root));
    HNI_TRY(check_format(sweep, path, root));
    HNI_TRY(check_recipe(sweep, path, root));
    HNI_TRY(check_grid(sweep, root));
    json_array_foreach(json_object_get(root, "runs"), i, run) take_over(sweep, run);
cleanup:
    hni_free(context, bytes.data);
    json_decref(root);
    return status;
}

/* ---- the folder ---- */

/* Two processes must not train the same runs. */
static hn_status lock_folder(hni_sweep *sweep)
{
    sweep->lock = open(sweep->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sweep->lock < 0) return hni_file_error(sweep->cli->context, sweep->folder, "cannot open this folder", errno);
    /* A file system that knows no locks is no reason not to train. */
    if (flock(sweep->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return HN_OK;
    return hni_error(sweep->cli->context, HN_ERROR_STATE,
                     "%.300s: another process is at work on this sweep: wait for it, or stop it first", sweep->folder);
}

hn_status hni_sweep_open(hni_sweep *sweep)
{
    char *path = NULL;
    hn_status status;
    HNI_TRY(hni_sweep_path(sweep, HNI_SWEEP_FILE, "", &path));
    const bool is_begun = access(path, F_OK) == 0;
    if (!is_begun) HNI_TRY(hni_folder_make(sweep->cli->context, sweep->folder));
    HNI_TRY(lock_folder(sweep));
    if (is_begun) HNI_TRY(take_up(sweep, path));
    HNI_TRY(hni_sweep_save(sweep));
cleanup:
    hni_free(sweep->cli->context, path);
    return status;
}

void hni_sweep_close(hni_sweep *sweep)
{
    if (sweep->lock >= 0) close(sweep->lock);
    for (size_t i = 0; i < sweep->axis_count; i++)
        free(sweep->axes[i].block);
    if (sweep->cli->context == NULL) return;
    hni_free(sweep->cli->context, sweep->base);
    hni_free(sweep->cli->context, sweep->runs);
}
