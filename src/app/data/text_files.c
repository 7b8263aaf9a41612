/* Files of a text: one, the three of Penn Treebank, or all below a folder. */
#include "app/data/text_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/alloc.h"
#include "io/files.h"

#define DEEPEST_FOLDER 16
#define TREEBANK_PATH_SIZE (HNI_DATA_PATH_SIZE + 32)
/* A text of more is refused before it is read. */
#define MOST_BYTES ((size_t)1 << 40)

bool hni_text_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static hn_status grow(hni_text_bytes *bytes, size_t more)
{
    if (more > MOST_BYTES || bytes->size > MOST_BYTES - more) {
        return hni_error(bytes->context, HN_ERROR_MEMORY, "data.path: the text is larger than 1 TiB");
    }
    if (bytes->size + more <= bytes->capacity) return HN_OK;
    const size_t least = bytes->size + more, twice = bytes->capacity + bytes->capacity / 2;
    const size_t capacity = least > twice ? least : twice;
    void *data = bytes->data;
    const hn_status status = hni_realloc_array(bytes->context, "text", capacity, 1, &data);
    if (status != HN_OK) return status;
    bytes->data = data;
    bytes->capacity = capacity;
    return HN_OK;
}

static hn_status add_file(hni_text_bytes *bytes, const char *path)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status;
    HNI_TRY(hni_file_read(bytes->context, path, 0, &file));
    HNI_TRY(grow(bytes, file.size));
    memcpy(bytes->data + bytes->size, file.data, file.size);
    bytes->size += file.size;
cleanup:
    hni_free(bytes->context, file.data);
    return status;
}

/* ---- folders ---- */

typedef struct name_list {
    char (*names)[256];
    size_t count, capacity;
} name_list;

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

static hn_status add_name(hn_context *context, name_list *list, const char *name)
{
    if (list->count == list->capacity) {
        void *names = list->names;
        const size_t capacity = 2 * list->capacity + 16;
        const hn_status status = hni_realloc_array(context, "names", capacity, sizeof list->names[0], &names);
        if (status != HN_OK) return status;
        list->names = names;
        list->capacity = capacity;
    }
    snprintf(list->names[list->count++], sizeof list->names[0], "%s", name);
    return HN_OK;
}

/* The names in a folder in the order of their bytes, so that a text does not depend on how a disk lists them. */
static hn_status list_folder(hn_context *context, const char *path, name_list *out_list)
{
    hn_status status = HN_OK;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return hni_error(context, HN_ERROR_IO, "data.path: the folder %.300s cannot be read: %s", path, strerror(errno));
    }
    for (const struct dirent *entry; status == HN_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') status = add_name(context, out_list, entry->d_name);
    }
    closedir(folder);
    if (status == HN_OK && out_list->count > 0) qsort(out_list->names, out_list->count, sizeof out_list->names[0], compare_names);
    return status;
}

/* One empty file, pipe or dead link among others is nothing to stop at. */
static bool holds_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

static hn_status add_folder(hni_text_bytes *bytes, const char *path, int depth, int64_t *files)
{
    hn_context *context = bytes->context;
    name_list list = {NULL, 0, 0};
    char inner[4096];
    hn_status status;
    if (depth > DEEPEST_FOLDER) {
        return hni_error(context, HN_ERROR_IO, "data.path: %.300s lies more than %d folders deep", path, DEEPEST_FOLDER);
    }
    HNI_TRY(list_folder(context, path, &list));
    for (size_t i = 0; i < list.count; i++) {
        const int length = snprintf(inner, sizeof inner, "%s/%s", path, list.names[i]);
        if (length < 0 || (size_t)length >= sizeof inner) {
            status = hni_error(context, HN_ERROR_IO, "data.path: a path below %.300s is too long", path);
            goto cleanup;
        }
        if (hni_text_is_folder(inner)) {
            HNI_TRY(add_folder(bytes, inner, depth + 1, files));
        } else if (holds_bytes(inner)) {
            HNI_TRY(add_file(bytes, inner));
            ++*files;
        }
    }
cleanup:
    hni_free(context, list.names);
    return status;
}

hn_status hni_text_add_path(hni_text_bytes *bytes, const char *path)
{
    int64_t files = 0;
    if (!hni_text_is_folder(path)) return add_file(bytes, path);
    const hn_status status = add_folder(bytes, path, 0, &files);
    if (status == HN_OK && files == 0) {
        return hni_error(bytes->context, HN_ERROR_IO,
                         "data.path: the folder %.300s holds no file with text in it: put text files there, or name one file", path);
    }
    return status;
}

hn_status hni_text_treebank_file(hn_context *context, const char *folder, const char *name, char *out_path)
{
    static const char *const endings[] = {"", ".gz", ".xz"};
    struct stat found;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(out_path, TREEBANK_PATH_SIZE, "%s/ptb.%s.txt%s", folder, name, endings[i]);
        if (stat(out_path, &found) == 0) return HN_OK;
    }
    return hni_error(context, HN_ERROR_IO,
                     "data.path: the folder %.300s has no ptb.%s.txt (data.kind is penn_treebank: it reads ptb.train.txt, "
                     "ptb.valid.txt and ptb.test.txt)",
                     folder, name);
}
