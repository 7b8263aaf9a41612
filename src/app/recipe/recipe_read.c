/* From YAML to structs: one walk over the events, storing as it goes. See recipe.h. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "io/files.h"
#include "app/recipe/recipe_keys.h"
#include "app/recipe/recipe_yaml.h"

/* Far above any recipe, far below what would take long to read. */
#define LARGEST_RECIPE ((size_t)1 << 20)

/* What to do with the value of a top-level key, whose first event has been read. */
typedef struct recipe_walk {
    hni_yaml yaml;
    const hni_recipe *recipe; /* NULL: only `task` is wanted */
    char task[HNI_RECIPE_TASK_SIZE];
    bool is_seen[HNI_RECIPE_MOST_SECTIONS];
} recipe_walk;

static const char *event_text(const recipe_walk *walk) { return (const char *)walk->yaml.event.data.scalar.value; }

static bool is_plain(const recipe_walk *walk) { return walk->yaml.event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }

/* YAML's ways to write "no value". */
static bool is_null(const recipe_walk *walk)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; is_plain(walk) && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(event_text(walk), words[i]) == 0) return true;
    }
    return false;
}

/* The event is a key. */
static hn_status check_key(const recipe_walk *walk)
{
    if (!hni_yaml_is_text(&walk->yaml)) return hni_yaml_refuse(&walk->yaml, "a key must be a plain word");
    return HN_OK;
}

/* The event is a value for `row`: one text, fit for the row's kind. */
static hn_status check_value(const recipe_walk *walk, const char *where, const hni_settings *settings,
                             const hni_setting *row)
{
    hn_context *context = walk->yaml.context;
    const char *what = NULL;
    bool is_text_row = row->kind == HNI_SETTING_KIND_TEXT || row->kind == HNI_SETTING_KIND_CHOICE;
    if (walk->yaml.event.type != YAML_SCALAR_EVENT) {
        what = "takes one value, not a list or a section";
    } else if (!hni_yaml_is_text(&walk->yaml)) {
        what = "holds a zero byte: leave it out";
    } else if (is_null(walk)) {
        what = row->kind == HNI_SETTING_KIND_TEXT ? "has no value: write \"\" for an empty text, or leave the key out"
                                                  : "has no value: write one, or leave the key out";
    } else if (!is_text_row && !is_plain(walk)) {
        what = "is a text in quotes: leave the quotes out";
    }
    if (what == NULL) return HN_OK;
    return hni_error(context, HN_ERROR_FORMAT, "%s: %s.%s %s", where, settings->section, row->name, what);
}

/* One "key: value" of a section; the event is the key. */
static hn_status read_entry(recipe_walk *walk, const hni_recipe_section *section, bool *is_row_seen)
{
    hn_status status = HN_OK;
    hn_context *context = walk->yaml.context;
    const hni_settings *settings = section->settings;
    const hni_setting *row = NULL;
    char where[HNI_RECIPE_WHERE_SIZE];
    HNI_TRY(check_key(walk));
    (void)hni_yaml_where(&walk->yaml, where);
    HNI_TRY(hni_recipe_find_key(context, where, walk->recipe, section, event_text(walk), &row));
    if (is_row_seen[row - settings->rows]) {
        HNI_TRY(hni_error(context, HN_ERROR_FORMAT, "%s: '%s.%s' stands here a second time: leave one out", where,
                          settings->section, row->name));
    }
    is_row_seen[row - settings->rows] = true;
    HNI_TRY(hni_yaml_next(&walk->yaml));
    (void)hni_yaml_where(&walk->yaml, where);
    HNI_TRY(check_value(walk, where, settings, row));
    HNI_TRY(hni_setting_parse(context, where, settings, row, event_text(walk), section->object));
cleanup:
    return status;
}

/* The event is the value of a section's name. */
static hn_status read_section(recipe_walk *walk, const hni_recipe_section *section)
{
    hn_status status = HN_OK;
    hn_context *context = walk->yaml.context;
    void *is_row_seen = NULL;
    char where[HNI_RECIPE_WHERE_SIZE];
    if (walk->yaml.event.type == YAML_SCALAR_EVENT && is_null(walk)) return HN_OK; /* all of its keys are left out */
    if (walk->yaml.event.type != YAML_MAPPING_START_EVENT) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: section '%s' must hold lines such as 'key: value'",
                         hni_yaml_where(&walk->yaml, where), section->settings->section);
    }
    HNI_TRY(hni_alloc_array(context, "recipe", section->settings->count, sizeof(bool), &is_row_seen));
    for (;;) {
        HNI_TRY(hni_yaml_next(&walk->yaml));
        if (walk->yaml.event.type == YAML_MAPPING_END_EVENT) break;
        HNI_TRY(read_entry(walk, section, is_row_seen));
    }
cleanup:
    hni_free(context, is_row_seen);
    return status;
}

/* The event is the value of `task`. */
static hn_status read_task(recipe_walk *walk)
{
    char where[HNI_RECIPE_WHERE_SIZE];
    if (walk->task[0] != 0) return hni_yaml_refuse(&walk->yaml, "'task' stands here a second time: leave one out");
    if (!hni_yaml_is_text(&walk->yaml) || is_null(walk) || event_text(walk)[0] == 0 ||
        strlen(event_text(walk)) >= sizeof walk->task) {
        return hni_yaml_refuse(&walk->yaml, "'task' must be one word");
    }
    (void)snprintf(walk->task, sizeof walk->task, "%s", event_text(walk));
    if (walk->recipe == NULL || strcmp(walk->task, walk->recipe->task) == 0) return HN_OK;
    return hni_error(walk->yaml.context, HN_ERROR_FORMAT, "%s: the task is '%s', '%s' is wanted: choose another recipe",
                     hni_yaml_where(&walk->yaml, where), walk->task, walk->recipe->task);
}

/* One top-level "key: value"; the event is the key. */
static hn_status read_top(recipe_walk *walk)
{
    hn_status status = HN_OK;
    char where[HNI_RECIPE_WHERE_SIZE];
    const hni_recipe_section *section = NULL;
    HNI_TRY(check_key(walk));
    bool is_task = strcmp(event_text(walk), "task") == 0;
    if (!is_task && walk->recipe != NULL) {
        (void)hni_yaml_where(&walk->yaml, where);
        HNI_TRY(hni_recipe_find_section(walk->yaml.context, where, walk->recipe, event_text(walk), &section));
        bool *is_seen = &walk->is_seen[section - walk->recipe->sections];
        if (*is_seen)
            HNI_TRY(hni_yaml_refuse(&walk->yaml, "this section stands here a second time: put them together"));
        *is_seen = true;
    }
    HNI_TRY(hni_yaml_next(&walk->yaml));
    if (is_task) {
        HNI_TRY(read_task(walk));
    } else if (section != NULL) {
        HNI_TRY(read_section(walk, section));
    } else {
        HNI_TRY(hni_yaml_skip(&walk->yaml));
    }
cleanup:
    return status;
}

/* From the start of the file to its end. */
static hn_status read_document(recipe_walk *walk)
{
    hn_status status = HN_OK;
    hni_yaml *yaml = &walk->yaml;
    HNI_TRY(hni_yaml_next(yaml)); /* start of the stream */
    HNI_TRY(hni_yaml_next(yaml));
    if (yaml->event.type == YAML_STREAM_END_EVENT) {
        HNI_TRY(hni_yaml_refuse(yaml, "the recipe holds nothing: begin with a line 'task: NAME'"));
    }
    HNI_TRY(hni_yaml_next(yaml));
    if (yaml->event.type != YAML_MAPPING_START_EVENT) {
        HNI_TRY(hni_yaml_refuse(yaml, "a recipe is made of sections such as 'model:': is it the right file?"));
    }
    for (;;) {
        HNI_TRY(hni_yaml_next(yaml));
        if (yaml->event.type == YAML_MAPPING_END_EVENT) break;
        HNI_TRY(read_top(walk));
    }
    if (walk->task[0] == 0) HNI_TRY(hni_yaml_refuse(yaml, "the key 'task' is missing: begin with a line 'task: NAME'"));
    HNI_TRY(hni_yaml_next(yaml)); /* end of the document */
    HNI_TRY(hni_yaml_next(yaml));
    if (yaml->event.type != YAML_STREAM_END_EVENT) {
        HNI_TRY(hni_yaml_refuse(yaml, "a second document begins here: a recipe is one"));
    }
cleanup:
    return status;
}

static hn_status walk_text(hn_context *context, const char *name, const char *text, size_t size, recipe_walk *walk)
{
    hn_status status = HN_OK;
    HNI_TRY(hni_yaml_open(&walk->yaml, context, name, text, size));
    HNI_TRY(read_document(walk));
cleanup:
    hni_yaml_close(&walk->yaml);
    return status;
}

static hn_status walk_file(hn_context *context, const char *path, recipe_walk *walk)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status = hni_file_read(context, path, LARGEST_RECIPE, &file);
    if (status == HN_OK) status = walk_text(context, path, (const char *)file.data, file.size, walk);
    hni_free(context, file.data);
    return status;
}

static hn_status check_recipe(hn_context *context, const hni_recipe *recipe)
{
    if (recipe->section_count <= HNI_RECIPE_MOST_SECTIONS) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "recipe: %zu sections, at most %d can be read", recipe->section_count,
                     HNI_RECIPE_MOST_SECTIONS);
}

hn_status hni_recipe_read(hn_context *context, const char *path, const hni_recipe *recipe)
{
    recipe_walk walk = {.recipe = recipe};
    hn_status status = check_recipe(context, recipe);
    return status == HN_OK ? walk_file(context, path, &walk) : status;
}

hn_status hni_recipe_read_text(hn_context *context, const char *name, const char *text, size_t size,
                               const hni_recipe *recipe)
{
    recipe_walk walk = {.recipe = recipe};
    hn_status status = check_recipe(context, recipe);
    return status == HN_OK ? walk_text(context, name, text, size, &walk) : status;
}

hn_status hni_recipe_peek_task(hn_context *context, const char *path, char *out_task)
{
    recipe_walk walk = {.recipe = NULL};
    hn_status status = walk_file(context, path, &walk);
    memcpy(out_task, walk.task, sizeof walk.task);
    return status;
}

hn_status hni_recipe_peek_task_text(hn_context *context, const char *name, const char *text, size_t size,
                                    char *out_task)
{
    recipe_walk walk = {.recipe = NULL};
    hn_status status = walk_text(context, name, text, size, &walk);
    memcpy(out_task, walk.task, sizeof walk.task);
    return status;
}
