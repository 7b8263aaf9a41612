/* hypernet recipes: what can be trained, which data each recipe needs, and whether it is here. */
#include <stdio.h>
#include <string.h>

#include "app/train/plan.h"
#include "cli.h"
#include "core/alloc.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->input; return 0;
    case ARGP_KEY_ARG: argp_error(state, "takes no argument: '%s'", argument); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    NULL,
    parse,
    "",
    "Lists the recipes: what can be trained, which data each needs, and whether it is here.\v"
    "Example:\n  hypernet recipes --data /srv/data",
    hni_cli_common,
    NULL,
    NULL};

typedef struct recipe_row {
    char name[128], task[HNI_RECIPE_TASK_SIZE], data[HNI_DATA_PATH_SIZE];
    hni_data_status found;
} recipe_row;

static hn_status read_row(hn_context *context, const hni_cli_recipes *recipes, const hni_data_places *places,
                          const char *name, recipe_row *out_row)
{
    char *path = NULL;
    hni_plan *plan = NULL;
    hn_status status;
    HNI_TRY(hni_recipe_find(context, name, recipes->folders, recipes->count, &path));
    HNI_TRY(hni_plan_read(context, path, NULL, 0, &plan));
    snprintf(out_row->name, sizeof out_row->name, "%s", name);
    snprintf(out_row->task, sizeof out_row->task, "%s", plan->task->name);
    const hni_setting *row = hni_settings_find(plan->task->data_settings(), "path");
    out_row->data[0] = 0;
    if (row != NULL) snprintf(out_row->data, sizeof out_row->data, "%s", (const char *)plan->data + row->offset);
    HNI_TRY(plan->task->find_data(context, plan->data, places, &out_row->found));
cleanup:
    hni_plan_destroy(plan);
    hni_free(context, path);
    return status;
}

static void print_table(const recipe_row *rows, size_t count)
{
    int widest = 0;
    for (size_t i = 0; i < count; i++)
        widest = (int)strlen(rows[i].name) > widest ? (int)strlen(rows[i].name) : widest;
    printf("%-*s %-8s %-14s %s\n", widest, "recipe", "task", "data", "is it here?");
    for (size_t i = 0; i < count; i++)
        printf("%-*s %-8s %-14s %s\n", widest, rows[i].name, rows[i].task, rows[i].data,
               rows[i].found.available ? "here" : "missing");
}

/* What to do about data that is missing, each said once. */
static void print_remedy(const recipe_row *rows, size_t index)
{
    if (rows[index].found.available) return;
    for (size_t i = 0; i < index; i++)
        if (strcmp(rows[i].data, rows[index].data) == 0) return;
    printf("\n%s: %s\n", rows[index].data, rows[index].found.remedy);
}

static json_t *row_as_json(const recipe_row *row)
{
    return json_pack("{s:s,s:s,s:s,s:b}", "name", row->name, "task", row->task, "data", row->data, "available",
                     (int)row->found.available);
}

static int print_rows(hni_cli *cli, const recipe_row *rows, size_t count)
{
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, row_as_json(&rows[i]));
        return hni_cli_print_json(cli, list);
    }
    print_table(rows, count);
    for (size_t i = 0; i < count; i++)
        print_remedy(rows, i);
    return 0;
}

int hni_command_recipes(hni_cli *cli, int argc, char **argv)
{
    hni_cli_recipes recipes;
    hni_data_places places;
    const char **names = NULL;
    void *memory = NULL;
    size_t count = 0;
    hn_status status;
    int code = hni_cli_start(cli, &parser, argc, argv, cli);
    if (code != 0) return code;
    hni_cli_find_recipes(&recipes);
    HNI_TRY(hni_data_places_find(cli->context, cli->data, &places));
    HNI_TRY(hni_recipe_list(cli->context, recipes.folders, recipes.count, &names));
    while (names[count] != NULL)
        count++;
    if (count == 0) {
        status = hni_error(cli->context, HN_ERROR_IO, "no recipe was found: $HYPERNET_RECIPES can name their folder");
        goto cleanup;
    }
    HNI_TRY(hni_alloc_array(cli->context, "recipes", count, sizeof(recipe_row), &memory));
    for (size_t i = 0; i < count; i++)
        HNI_TRY(read_row(cli->context, &recipes, &places, names[i], (recipe_row *)memory + i));
cleanup:
    code = status == HN_OK ? print_rows(cli, memory, count) : hni_cli_fail(cli);
    hni_free(cli->context, memory);
    hni_free(cli->context, names);
    return code;
}
