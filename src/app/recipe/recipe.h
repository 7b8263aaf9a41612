/* Recipes: what is trained and how, as a short YAML file.
 *
 *     task: text
 *     data:
 *       path: my.txt
 *     model:
 *       units: 256
 *
 * The sections are tables of settings (core/settings.h) that the caller names; no key is known here, but for `task`, which
 * says what tables to use. Every message names its place: "my.yaml:5:3: unknown key 'model.unts', did you mean 'units'?"
 */
#ifndef HNI_RECIPE_RECIPE_H
#define HNI_RECIPE_RECIPE_H

#include "core/settings.h"

#define HNI_RECIPE_MOST_SECTIONS 8
#define HNI_RECIPE_TASK_SIZE 32

typedef struct hni_recipe_section {
    const hni_settings *settings; /* its `section` is the key in the file */
    void *object;
} hni_recipe_section;

typedef struct hni_recipe {
    const char *task; /* what `task` must say */
    const hni_recipe_section *sections;
    size_t section_count; /* at most HNI_RECIPE_MOST_SECTIONS */
} hni_recipe;

/* Writes every default into every section: the usual first step, since reading stores only what the file holds. */
void hni_recipe_default(const hni_recipe *recipe);

/* The value of the key `task`, and nothing else of the file. out_task: HNI_RECIPE_TASK_SIZE bytes. */
HN_MUST_USE hn_status hni_recipe_peek_task(hn_context *context, const char *path, char *out_task);
HN_MUST_USE hn_status hni_recipe_peek_task_text(hn_context *context, const char *name, const char *text, size_t size,
                                                char *out_task);

/* Stores what the file holds; keys that it leaves out keep their values. After a failure some values may be stored. */
HN_MUST_USE hn_status hni_recipe_read(hn_context *context, const char *path, const hni_recipe *recipe);
/* The same from memory; `name` is the file's name in messages. */
HN_MUST_USE hn_status hni_recipe_read_text(hn_context *context, const char *name, const char *text, size_t size,
                                           const hni_recipe *recipe);

/* One "model.units=512", as given to --set. The value is taken as it stands: quotes would be part of it. */
HN_MUST_USE hn_status hni_recipe_set(hn_context *context, const char *assignment, const hni_recipe *recipe);
/* The same for an assignment that came from another option: messages begin with its name, "--grid". */
HN_MUST_USE hn_status hni_recipe_set_by(hn_context *context, const char *option, const char *assignment,
                                        const hni_recipe *recipe);

/* The recipe with every value spelled out. Equal values give equal bytes, and reading them gives equal values.
 * hni_free(context, *out_text). */
HN_MUST_USE hn_status hni_recipe_print(hn_context *context, const hni_recipe *recipe, char **out_text);

/* The file of a recipe: `name` itself if it holds a '/' or ends in ".yaml", else NAME.yaml in the first of these folders that
 * has it. A name that is nowhere is an error with the nearest one. hni_free(context, *out_path). */
HN_MUST_USE hn_status hni_recipe_find(hn_context *context, const char *name, const char *const *folders,
                                      size_t folder_count, char **out_path);
/* The names that hni_recipe_find would find, in order, each once; a NULL stands behind the last. Folders that do not exist are
 * passed over. One block: hni_free(context, *out_names). */
HN_MUST_USE hn_status hni_recipe_list(hn_context *context, const char *const *folders, size_t folder_count,
                                      const char ***out_names);

#endif
