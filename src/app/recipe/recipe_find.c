/* Names of recipes to files. See recipe.h. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/size.h"
#include "io/files.h"
#include "io/text.h"
#include "app/recipe/recipe.h"

#define ENDING ".yaml"

/* ---- listing ----------------------------------------------------------------------------------------------------- */

/* Adds the names of one folder, each followed by a 0. */
static hn_status add_folder(hn_context *context, const char *folder, hni_text *names)
{
    DIR *entries = opendir(folder);
    if (entries == NULL && (errno == ENOENT || errno == ENOTDIR)) return HN_OK;
    if (entries == NULL) {
        return hni_error(context, HN_ERROR_IO, "%s: cannot list the recipes in it: %s", folder, strerror(errno));
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.' || !hni_ends_in(entry->d_name, ENDING)) continue;
        hni_text_add_bytes(names, entry->d_name, strlen(entry->d_name) - strlen(ENDING));
        hni_text_add_bytes(names, "", 1);
    }
    (void)closedir(entries);
    return names->status;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sorts, and leaves out what stands there twice; a NULL ends the list. */
static void make_unique(const char **names, size_t count)
{
    size_t kept = 0;
    if (count > 1) qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0) names[kept++] = names[i];
    }
    names[kept] = NULL;
}

/* Pointers and the names they point to, in one block. */
static hn_status pack_names(hn_context *context, const hni_text *names, const char ***out_names)
{
    size_t count = 0, pointers, size;
    void *block = NULL;
    for (size_t i = 0; i < names->size; i++)
        count += names->data[i] == 0;
    if (!hni_size_mul(count + 1, sizeof **out_names, &pointers) || !hni_size_add(pointers, names->size, &size)) {
        return hni_error(context, HN_ERROR_MEMORY, "recipes: too many names");
    }
    hn_status status = hni_alloc(context, "names of recipes", size, &block);
    if (status != HN_OK) return status;
    const char **list = block;
    char *text = (char *)block + pointers;
    if (names->size > 0) memcpy(text, names->data, names->size);
    for (size_t i = 0; i < count; i++) {
        list[i] = text;
        text += strlen(text) + 1;
    }
    make_unique(list, count);
    *out_names = list;
    return HN_OK;
}

hn_status hni_recipe_list(hn_context *context, const char *const *folders, size_t folder_count, const char ***out_names)
{
    hn_status status = HN_OK;
    hni_text names = {.context = context};
    *out_names = NULL;
    for (size_t i = 0; i < folder_count; i++)
        HNI_TRY(add_folder(context, folders[i], &names));
    HNI_TRY(pack_names(context, &names, out_names));
cleanup:
    hni_text_free(&names);
    return status;
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static hn_status unknown_recipe(hn_context *context, const char *name, const char *const *folders, size_t folder_count)
{
    hn_status status = HN_OK;
    const char **names = NULL;
    char shown[64];
    HNI_TRY(hni_recipe_list(context, folders, folder_count, &names));
    (void)hni_printable(name, shown, sizeof shown);
    const char *near = hni_nearest_word(names, name);
    if (near != NULL) {
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "no recipe is named '%s', did you mean '%s'?", shown, near));
    }
    HNI_TRY(hni_error(
        context, HN_ERROR_ARGUMENT,
        "no recipe is named '%s': 'hypernet recipes' lists them; a file of your own is named with its ending %s", shown,
        ENDING));
cleanup:
    hni_free(context, names);
    return status;
}

hn_status hni_recipe_find(hn_context *context, const char *name, const char *const *folders, size_t folder_count,
                          char **out_path)
{
    *out_path = NULL;
    if (strchr(name, '/') != NULL || hni_ends_in(name, ENDING)) return hni_copy_text(context, name, out_path);
    for (size_t i = 0; i < folder_count && name[0] != 0 && name[0] != '.'; i++) {
        hni_text path = {.context = context};
        hni_text_add(&path, "%s/%s%s", folders[i], name, ENDING);
        if (path.status == HN_OK && access(path.data, F_OK) == 0) return hni_text_take(&path, out_path);
        hn_status status = path.status;
        hni_text_free(&path);
        if (status != HN_OK) return status;
    }
    return unknown_recipe(context, name, folders, folder_count);
}
