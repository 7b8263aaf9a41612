/* Fuzzes the reader of recipes. What it accepts is printed, read again and printed again: the two prints must be equal. The same
 * bytes are given to --set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/recipe/recipe.h"
#include "core/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct settings {
    char path[32];
    bool is_lower;
    int64_t units;
    int layers, kind;
    double rate;
} settings;

static const char *const kinds[] = {"lstm", "off", NULL};
static const hni_setting data_rows[] = {
    HNI_SETTING_TEXT("path", settings, path, "", "file"),
    HNI_SETTING_BOOL("lower", settings, is_lower, false, "lower case"),
};
static const hni_setting model_rows[] = {
    HNI_SETTING_INTEGER("units", settings, units, -9e18, 9e18, 256, "units"),
    HNI_SETTING_INT("layers", settings, layers, -2e9, 2e9, 1, "layers"),
    HNI_SETTING_CHOICE("cell", settings, kind, kinds, "off", "kind"),
    HNI_SETTING_NUMBER("rate", settings, rate, -1e300, 1e300, 0.1, "rate"),
};
static const hni_settings data_table = HNI_SETTINGS("data", data_rows);
static const hni_settings model_table = HNI_SETTINGS("model", model_rows);

/* Prints, reads the print into new structs, prints these. */
static void check_round_trip(hn_context *context, const hni_recipe *recipe)
{
    settings copy;
    memset(&copy, 0, sizeof copy);
    hni_recipe_section sections[] = {{&data_table, &copy}, {&model_table, &copy}};
    hni_recipe second = {"text", sections, 2};
    char *text, *again;
    if (hni_recipe_print(context, recipe, &text) != HN_OK) abort();
    if (hni_recipe_read_text(context, "again", text, strlen(text), &second) != HN_OK) abort();
    if (hni_recipe_print(context, &second, &again) != HN_OK) abort();
    if (strcmp(text, again) != 0) abort();
    hni_free(context, text);
    hni_free(context, again);
}

static void check_message(hn_context *context, const char *begin)
{
    if (strncmp(hn_context_error(context)->text, begin, strlen(begin)) != 0) abort();
    hn_context_clear(context);
}

static void try_set(hn_context *context, const uint8_t *data, size_t size, const hni_recipe *recipe)
{
    char *assignment = malloc(size + 1);
    if (assignment == NULL) abort();
    memcpy(assignment, data, size);
    assignment[size] = 0;
    if (hni_recipe_set(context, assignment, recipe) == HN_OK) {
        check_round_trip(context, recipe);
    } else {
        check_message(context, "--set ");
    }
    free(assignment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hn_context *context;
    settings first;
    char task[HNI_RECIPE_TASK_SIZE];
    hni_recipe_section sections[] = {{&data_table, &first}, {&model_table, &first}};
    hni_recipe recipe = {"text", sections, 2};
    memset(&first, 0, sizeof first);
    if (hn_context_create(NULL, &context) != HN_OK) abort();
    hni_recipe_default(&recipe);
    if (hni_recipe_peek_task_text(context, "fuzz", (const char *)data, size, task) != HN_OK)
        check_message(context, "fuzz:");
    if (hni_recipe_read_text(context, "fuzz", (const char *)data, size, &recipe) == HN_OK) {
        check_round_trip(context, &recipe);
    } else {
        check_message(context, "fuzz:");
    }
    try_set(context, data, size, &recipe);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    return 0;
}
