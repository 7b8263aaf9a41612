/* See listing.h. */
#include "app/data/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "io/text.h"

hn_status hni_listing_take(hni_listing *list, char *name)
{
    if (list->count == list->room) {
        const size_t room = list->room < 64 ? 64 : list->room * 2;
        void *names = list->names;
        const hn_status status = hni_realloc_array(list->context, "names", room, sizeof *list->names, &names);
        if (status != HN_OK) {
            hni_free(list->context, name);
            return status;
        }
        list->names = names;
        list->room = room;
    }
    list->names[list->count++] = name;
    return HN_OK;
}

static hn_status add_entry(hni_listing *list, const char *folder, const char *name, bool (*wanted)(const char *path))
{
    hni_text path = {.context = list->context};
    char *copy = NULL;
    hn_status status;
    hni_text_add(&path, "%s/%s", folder, name);
    HNI_TRY(path.status);
    if (!wanted(path.data)) goto cleanup;
    HNI_TRY(hni_copy_text(list->context, name, &copy));
    HNI_TRY(hni_listing_take(list, copy));
cleanup:
    hni_text_free(&path);
    return status;
}

hn_status hni_listing_read(hni_listing *list, const char *folder, bool (*wanted)(const char *path))
{
    DIR *entries = opendir(folder);
    hn_status status = HN_OK;
    if (entries == NULL) {
        return hni_error(list->context, HN_ERROR_IO, "%s: cannot list this folder: %s: check its permissions", folder,
                         strerror(errno));
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] != '.') HNI_TRY(add_entry(list, folder, entry->d_name, wanted));
    }
    hni_listing_sort(list);
cleanup:
    (void)closedir(entries);
    return status;
}

static int compare(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }

void hni_listing_sort(hni_listing *list)
{
    if (list->count > 1) qsort(list->names, list->count, sizeof *list->names, compare);
}

void hni_listing_free(hni_listing *list)
{
    for (size_t i = 0; i < list->count; i++)
        hni_free(list->context, list->names[i]);
    hni_free(list->context, list->names);
    *list = (hni_listing){.context = list->context};
}
