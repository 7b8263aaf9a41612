/* hypernet __complete WORD...: what the last word may become, one a line; the shells' completion functions ask it. Prints nothing
 * where a file name or a number belongs. Errors are silence: a half-typed line is no place for messages. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/train/plan.h"
#include "cli.h"
#include "core/alloc.h"

/* The line as far as it is typed. */
typedef struct line {
    int count;
    char **words;              /* [0] is the command, [count-1] the word to be completed */
    const struct argp *parser; /* of the command */
    const char *prefix;        /* stands before each offer: "--set=" */
    const char *last;          /* the word itself, behind the prefix */
} line;

static void offer(const line *at, const char *text, size_t length, const char *ending)
{
    const size_t typed = strlen(at->last);
    if (typed <= length && strncmp(text, at->last, typed) == 0)
        printf("%s%.*s%s\n", at->prefix, (int)length, text, ending);
}

static void offer_word(const line *at, const char *word) { offer(at, word, strlen(word), ""); }

/* ---- options ---------------------------------------------------------------------------------------------------------- */

static bool wants_argument(const struct argp_option *row)
{
    return row->arg != NULL && (row->flags & OPTION_ARG_OPTIONAL) == 0;
}

static void offer_options(const line *at, const struct argp *parser)
{
    char word[80];
    for (const struct argp_option *row = parser->options; row && (row->name || row->key || row->doc); row++) {
        if (row->name == NULL) continue;
        snprintf(word, sizeof word, "--%s", row->name);
        offer_word(at, word);
    }
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        offer_options(at, child->argp);
}

/* The row of "--name" (`length` bytes of it) or "-x"; NULL if there is none. */
static const struct argp_option *find_option(const struct argp *parser, const char *word, size_t length)
{
    for (const struct argp_option *row = parser->options; row && (row->name || row->key || row->doc); row++) {
        if (row->name == NULL) continue;
        if (length == 2 && word[0] == '-' && row->key == word[1]) return row;
        if (length > 2 && strncmp(word, "--", 2) == 0 && strlen(row->name) == length - 2 &&
            strncmp(row->name, word + 2, length - 2) == 0)
            return row;
    }
    const struct argp_option *found = NULL;
    for (const struct argp_child *child = parser->children; found == NULL && child && child->argp; child++)
        found = find_option(child->argp, word, length);
    return found;
}

/* ---- recipes and their keys ------------------------------------------------------------------------------------------- */

/* Each of "a|b c|d" that is written small: what is to be typed as it stands. */
static void offer_choices(const line *at, const char *choices)
{
    for (const char *word = choices; *word != 0;) {
        const size_t length = strcspn(word, "| \n[]");
        bool is_literal = length > 0;
        for (size_t i = 0; i < length; i++)
            is_literal = is_literal && (islower((unsigned char)word[i]) || word[i] == '_');
        if (is_literal) offer(at, word, length, "");
        word += length + (word[length] != 0);
    }
}

static void offer_recipes(const line *at, hn_context *context)
{
    hni_cli_recipes recipes;
    const char **names = NULL;
    hni_cli_find_recipes(&recipes);
    if (hni_recipe_list(context, recipes.folders, recipes.count, &names) != HN_OK) return;
    for (size_t i = 0; names[i] != NULL; i++)
        offer_word(at, names[i]);
    hni_free(context, names);
}

/* The plan of the first recipe that the line names, else of one that every tree has. NULL: none can be read. */
static hni_plan *find_plan(const line *at, hn_context *context)
{
    hni_cli_recipes recipes;
    hni_plan *plan = NULL;
    hni_cli_find_recipes(&recipes);
    for (int i = 1; i <= at->count - 1 && plan == NULL; i++) {
        const char *name = i < at->count - 1 ? at->words[i] : "text-small";
        char *path = NULL;
        if (name[0] == '-') continue;
        if (hni_recipe_find(context, name, recipes.folders, recipes.count, &path) == HN_OK &&
            hni_plan_read(context, path, NULL, 0, &plan) != HN_OK)
            plan = NULL;
        hni_free(context, path);
        hn_context_clear(context);
    }
    return plan;
}

static void offer_values(const line *at, const char *key, const hni_setting *row)
{
    char word[160];
    static const char *const yes_or_no[] = {"true", "false", NULL};
    const char *const *words = row->kind == HNI_SETTING_KIND_BOOL ? yes_or_no : row->words;
    for (; words != NULL && *words != NULL; words++) {
        snprintf(word, sizeof word, "%s=%s", key, *words);
        offer_word(at, word);
    }
}

/* "section.key=", and once that stands, its values. */
static void offer_keys(const line *at, hn_context *context)
{
    hni_plan *plan = find_plan(at, context);
    for (size_t i = 0; plan != NULL && i < plan->recipe.section_count; i++) {
        const hni_settings *settings = plan->recipe.sections[i].settings;
        for (size_t k = 0; k < settings->count; k++) {
            char key[120];
            snprintf(key, sizeof key, "%s.%s", settings->section, settings->rows[k].name);
            const size_t length = strlen(key);
            if (strncmp(at->last, key, length) == 0 && at->last[length] == '=')
                offer_values(at, key, &settings->rows[k]);
            else
                offer(at, key, length, "=");
        }
    }
    hni_plan_destroy(plan);
}

/* ---- the word --------------------------------------------------------------------------------------------------------- */

static void complete_argument(const line *at, const struct argp_option *row, hn_context *context)
{
    if (strncmp(row->arg, "KEY=", 4) == 0)
        offer_keys(at, context);
    else
        offer_choices(at, row->arg);
}

static void complete_word(line *at, hn_context *context)
{
    const char *equals = strchr(at->last, '=');
    const struct argp_option *row = NULL;
    if (at->count > 2) row = find_option(at->parser, at->words[at->count - 2], strlen(at->words[at->count - 2]));
    if (row != NULL && wants_argument(row)) {
        complete_argument(at, row, context);
    } else if (at->last[0] == '-' && equals != NULL) {
        static char prefix[120];
        row = find_option(at->parser, at->last, (size_t)(equals - at->last));
        snprintf(prefix, sizeof prefix, "%.*s", (int)(equals - at->last) + 1, at->last);
        at->prefix = prefix;
        at->last = equals + 1;
        if (row != NULL && row->arg != NULL) complete_argument(at, row, context);
    } else if (at->last[0] == '-') {
        offer_options(at, at->parser);
        offer_word(at, "--help");
    } else {
        if (strstr(at->parser->args_doc, "RECIPE") != NULL) offer_recipes(at, context);
        offer_choices(at, at->parser->args_doc);
    }
}

int hni_command_complete(int argc, char **argv)
{
    hn_context *context = NULL;
    line at = {.count = argc, .words = argv, .prefix = "", .last = argc > 0 ? argv[argc - 1] : ""};
    if (argc <= 1) {
        for (const hni_command *command = hni_commands; command->name != NULL; command++)
            offer_word(&at, command->name);
        offer_word(&at, "--help");
        offer_word(&at, "--version");
        return 0;
    }
    const hni_command *command = hni_command_find(argv[0]);
    if (command == NULL || hn_context_create(NULL, &context) != HN_OK) return 0;
    at.parser = hni_command_parser(command);
    complete_word(&at, context);
    hn_context_destroy(context);
    return 0;
}
