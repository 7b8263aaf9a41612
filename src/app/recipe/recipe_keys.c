/* See recipe_keys.h; --set is here as well, since it is little more than a key. */
#include "app/recipe/recipe_keys.h"

#include <stdio.h>
#include <string.h>

#include "io/text.h"

/* A key in a message: long enough for any real one. */
#define SHOWN_SIZE 64

void hni_recipe_default(const hni_recipe *recipe)
{
    for (size_t i = 0; i < recipe->section_count; i++) {
        hni_settings_default(recipe->sections[i].settings, recipe->sections[i].object);
    }
}

/* The section that holds a key of this name, or NULL. */
static const hni_recipe_section *section_with(const hni_recipe *recipe, const char *key)
{
    for (size_t i = 0; i < recipe->section_count; i++) {
        if (hni_settings_find(recipe->sections[i].settings, key) != NULL) return &recipe->sections[i];
    }
    return NULL;
}

/* "a, b, c", cut where the buffer ends. */
static const char *list_keys(const hni_settings *settings, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < settings->count && used < size; i++) {
        int length = snprintf(buffer + used, size - used, i > 0 ? ", %s" : "%s", settings->rows[i].name);
        used += length > 0 ? (size_t)length : 0;
    }
    return buffer;
}

static hn_status unknown_section(hn_context *context, const char *where, const hni_recipe *recipe, const char *name)
{
    const char *words[HNI_RECIPE_MOST_SECTIONS + 2] = {"task"};
    char shown[SHOWN_SIZE], list[160] = "task";
    size_t used = 4;
    for (size_t i = 0; i < recipe->section_count; i++) {
        words[i + 1] = recipe->sections[i].settings->section;
        int length = snprintf(list + used, sizeof list - used, ", %s", words[i + 1]);
        if (length > 0 && used + (size_t)length < sizeof list) used += (size_t)length;
    }
    (void)hni_printable(name, shown, sizeof shown);
    const hni_recipe_section *owner = section_with(recipe, name);
    if (owner != NULL) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: '%s' is no section, it is a key of '%s': write '%s.%s', or put it below '%s:'", where,
                         shown, owner->settings->section, owner->settings->section, name, owner->settings->section);
    }
    const char *near = hni_nearest_word(words, name);
    if (near != NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: unknown section '%s', did you mean '%s'?", where, shown, near);
    }
    return hni_error(context, HN_ERROR_FORMAT, "%s: unknown section '%s', a recipe has %s", where, shown, list);
}

hn_status hni_recipe_find_section(hn_context *context, const char *where, const hni_recipe *recipe, const char *name,
                                  const hni_recipe_section **out_section)
{
    for (size_t i = 0; i < recipe->section_count; i++) {
        *out_section = &recipe->sections[i];
        if (strcmp((*out_section)->settings->section, name) == 0) return HN_OK;
    }
    return unknown_section(context, where, recipe, name);
}

static hn_status unknown_key(hn_context *context, const char *where, const hni_recipe *recipe,
                             const hni_settings *settings, const char *name)
{
    char shown[SHOWN_SIZE], list[320];
    const hni_recipe_section *owner = section_with(recipe, name);
    const char *near = hni_settings_nearest(settings, name);
    (void)hni_printable(name, shown, sizeof shown);
    if (owner != NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: unknown key '%s.%s', did you mean '%s.%s'?", where,
                         settings->section, shown, owner->settings->section, name);
    }
    if (near != NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: unknown key '%s.%s', did you mean '%s'?", where,
                         settings->section, shown, near);
    }
    return hni_error(context, HN_ERROR_FORMAT, "%s: unknown key '%s.%s', known are: %s", where, settings->section,
                     shown, list_keys(settings, list, sizeof list));
}

hn_status hni_recipe_find_key(hn_context *context, const char *where, const hni_recipe *recipe,
                              const hni_recipe_section *section, const char *name, const hni_setting **out_row)
{
    *out_row = hni_settings_find(section->settings, name);
    return *out_row != NULL ? HN_OK : unknown_key(context, where, recipe, section->settings, name);
}

/* Cuts "section.key=value" into its parts, in `parts`, a copy. */
static hn_status split(hn_context *context, const char *where, char *parts, char **out_key, char **out_value)
{
    char *equals = strchr(parts, '=');
    if (equals == NULL) {
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: has no '=': write it as SECTION.KEY=VALUE", where);
    }
    *equals = 0;
    char *point = strchr(parts, '.');
    if (strcmp(parts, "task") == 0) {
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: the task cannot be set: choose another recipe", where);
    }
    if (point != NULL) *point = 0;
    *out_key = point != NULL ? point + 1 : NULL;
    *out_value = equals + 1;
    return HN_OK;
}

/* The effective recipe is a file of UTF-8, so a value that is not could not be kept. */
static hn_status check_utf8(hn_context *context, const char *where, const char *value)
{
    size_t place;
    if (hni_is_utf8(value, &place)) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: byte %zu of the value is not UTF-8: write it in UTF-8", where,
                     place);
}

hn_status hni_recipe_set(hn_context *context, const char *assignment, const hni_recipe *recipe)
{
    return hni_recipe_set_by(context, "--set", assignment, recipe);
}

hn_status hni_recipe_set_by(hn_context *context, const char *option, const char *assignment, const hni_recipe *recipe)
{
    hn_status status = HN_OK;
    hni_text copy = {.context = context};
    char where[144], shown[112];
    char *key = NULL, *value = NULL;
    const hni_recipe_section *section = NULL;
    const hni_setting *row = NULL;
    (void)snprintf(where, sizeof where, "%.16s %s", option, hni_printable(assignment, shown, sizeof shown));
    hni_text_add(&copy, "%s", assignment);
    HNI_TRY(copy.status);
    HNI_TRY(split(context, where, copy.data, &key, &value));
    HNI_TRY(check_utf8(context, where, value));
    HNI_TRY(hni_recipe_find_section(context, where, recipe, copy.data, &section));
    if (key == NULL) {
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "%s: '%s' is a section: write it as %s.KEY=VALUE", where,
                          copy.data, copy.data));
    }
    HNI_TRY(hni_recipe_find_key(context, where, recipe, section, key, &row));
    HNI_TRY(hni_setting_parse(context, where, section->settings, row, value, section->object));
cleanup:
    hni_text_free(&copy);
    return status;
}
