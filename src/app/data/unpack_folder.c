/* All files below a folder as one text. See unpack.h. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/unpack.h"
#include "core/alloc.h"
#include "io/text.h"

/* Deeper folders are a loop of links or a mistake. */
#define DEEPEST 32

/* Paths of the files found so far. */
typedef struct path_list {
    hn_context *context;
    char **paths;
    size_t count, capacity;
} path_list;

/* Takes over `path` in any case. */
static hn_status add_path(path_list *list, char *path)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity < 64 ? 64 : list->capacity * 2;
        void *paths = list->paths;
        hn_status status = hni_realloc_array(list->context, "paths", capacity, sizeof *list->paths, &paths);
        if (status != HN_OK) {
            hni_free(list->context, path);
            return status;
        }
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->count++] = path;
    return HN_OK;
}

static void free_paths(path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hni_free(list->context, list->paths[i]);
    hni_free(list->context, list->paths);
}

static hn_status find_files(path_list *list, const char *folder, int depth);

/* One entry of a folder: a file is noted, a folder searched, everything else passed over. Links to files are followed, links to
 * folders are not: they may lead back. */
static hn_status look_at(path_list *list, const char *folder, const char *name, int depth)
{
    hn_status status = HN_OK;
    hni_text text = {.context = list->context};
    struct stat place;
    char *path = NULL;
    size_t length = strlen(folder);
    hni_text_add(&text, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
    HNI_TRY(hni_text_take(&text, &path));
    if (lstat(path, &place) != 0) {
        HNI_TRY(hni_error(list->context, HN_ERROR_IO, "%s: cannot look at it: %s", path, strerror(errno)));
    }
    if (S_ISDIR(place.st_mode)) {
        HNI_TRY(find_files(list, path, depth + 1));
    } else if (stat(path, &place) == 0 && S_ISREG(place.st_mode) && place.st_size > 0) {
        HNI_TRY(add_path(list, path));
        path = NULL;
    }
cleanup:
    hni_free(list->context, path);
    return status;
}

static hn_status find_files(path_list *list, const char *folder, int depth)
{
    hn_status status = HN_OK;
    DIR *entries = NULL;
    if (depth > DEEPEST) {
        return hni_error(list->context, HN_ERROR_IO, "%s: more than %d folders deep: name a folder further down",
                         folder, DEEPEST);
    }
    entries = opendir(folder);
    if (entries == NULL) {
        return hni_error(list->context, HN_ERROR_IO, "%s: cannot list this folder: %s: check its permissions", folder,
                         strerror(errno));
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] != '.') HNI_TRY(look_at(list, folder, entry->d_name, depth));
    }
cleanup:
    (void)closedir(entries);
    return status;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Puts `file` behind what is there. */
static hn_status join(hni_text *all, const hni_file_bytes *file)
{
    if (all->size > 0 && all->data[all->size - 1] != '\n') hni_text_add_bytes(all, "\n", 1);
    hni_text_add_bytes(all, file->data, file->size);
    return all->status;
}

static hn_status read_all(const path_list *list, const char *folder, size_t limit, hni_text *all)
{
    hn_status status = HN_OK;
    hni_file_bytes file = {NULL, 0};
    for (size_t i = 0; i < list->count; i++) {
        HNI_TRY(hni_unpack_file(list->context, list->paths[i], limit, &file));
        HNI_TRY(join(all, &file));
        hni_free(list->context, file.data);
        file.data = NULL;
        if (limit > 0 && all->size > limit) {
            HNI_TRY(hni_error(list->context, HN_ERROR_FORMAT,
                              "%s: its files hold more than the %zu bytes that can be read: use fewer", folder, limit));
        }
    }
cleanup:
    hni_free(list->context, file.data);
    return status;
}

static hn_status unpack_folder(hn_context *context, const char *folder, size_t limit, hni_file_bytes *out_bytes)
{
    hn_status status = HN_OK;
    path_list list = {.context = context};
    hni_text all = {.context = context};
    char *data = NULL;
    HNI_TRY(find_files(&list, folder, 0));
    if (list.count == 0) {
        HNI_TRY(hni_error(context, HN_ERROR_IO,
                          "%s: no file with anything in it below this folder (hidden ones do not count)", folder));
    }
    qsort(list.paths, list.count, sizeof *list.paths, compare_paths);
    HNI_TRY(read_all(&list, folder, limit, &all));
    size_t size = all.size;
    HNI_TRY(hni_text_take(&all, &data));
    *out_bytes = (hni_file_bytes){(unsigned char *)data, size};
cleanup:
    hni_text_free(&all);
    free_paths(&list);
    return status;
}

hn_status hni_unpack_path(hn_context *context, const char *path, size_t limit, hni_file_bytes *out_bytes)
{
    struct stat place;
    *out_bytes = (hni_file_bytes){NULL, 0};
    if (path[0] != 0 && stat(path, &place) == 0 && S_ISDIR(place.st_mode)) {
        return unpack_folder(context, path, limit, out_bytes);
    }
    return hni_unpack_file(context, path, limit, out_bytes);
}
