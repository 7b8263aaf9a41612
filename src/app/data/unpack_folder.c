/* All files below a folder as one text. See unpack.h. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/listing.h"
#include "app/data/unpack.h"
#include "core/alloc.h"
#include "io/text.h"

/* Deeper folders are a loop of links or a mistake. */
#define DEEPEST 32

static hn_status find_files(hni_listing *list, const char *folder, int depth);

/* One entry of a folder: a file is noted, a folder searched, everything else passed over. Links to files are followed, links to
 * folders are not: they may lead back. */
static hn_status look_at(hni_listing *list, const char *folder, const char *name, int depth)
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
        char *taken = path;
        path = NULL;
        HNI_TRY(hni_listing_take(list, taken));
    }
cleanup:
    hni_free(list->context, path);
    return status;
}

static hn_status find_files(hni_listing *list, const char *folder, int depth)
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

/* Puts `file` behind what is there. */
static hn_status join(hni_text *all, const hni_file_bytes *file)
{
    if (all->size > 0 && all->data[all->size - 1] != '\n') hni_text_add_bytes(all, "\n", 1);
    hni_text_add_bytes(all, file->data, file->size);
    return all->status;
}

static hn_status read_all(const hni_listing *list, const char *folder, size_t limit, hni_text *all)
{
    hn_status status = HN_OK;
    hni_file_bytes file = {NULL, 0};
    for (size_t i = 0; i < list->count; i++) {
        HNI_TRY(hni_unpack_file(list->context, list->names[i], limit, &file));
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
    hni_listing list = {.context = context};
    hni_text all = {.context = context};
    char *data = NULL;
    HNI_TRY(find_files(&list, folder, 0));
    if (list.count == 0) {
        HNI_TRY(hni_error(context, HN_ERROR_IO,
                          "%s: no file with anything in it below this folder (hidden ones do not count)", folder));
    }
    hni_listing_sort(&list);
    HNI_TRY(read_all(&list, folder, limit, &all));
    size_t size = all.size;
    HNI_TRY(hni_text_take(&all, &data));
    *out_bytes = (hni_file_bytes){(unsigned char *)data, size};
cleanup:
    hni_text_free(&all);
    hni_listing_free(&list);
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
