/* CIFAR-10's binary version: records of one label byte and 3,072 bytes, red, green and blue planes of 32 x 32. Files data_batch_1.bin .. 5 and
 * test_batch.bin, plain, .gz or .xz, in a folder; or the tar archive of them, packed or not. What was packed is remembered unpacked. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/images_cache.h"
#include "app/data/images_read.h"
#include "app/data/tar.h"
#include "app/data/unpack.h"
#include "core/alloc.h"
#include "core/context.h"
#include "io/files.h"

enum {
    CHANNELS = 3,
    SIDE = 32,
    AREA = SIDE * SIDE,
    IMAGE = CHANNELS * AREA,
    RECORD = 1 + IMAGE,
    CLASSES = 10,
    FILES = 6
};

static const char *const file_names[FILES] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                              "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
static const char *const usual_names[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                 "dog",      "frog",       "horse", "ship", "truck"};
#define NAMES_FILE "batches.meta.txt"

hn_status hni_cifar_parse(hn_context *context, const char *name, const hni_file_bytes *file, hni_images *images)
{
    const int64_t records = (int64_t)(file->size / RECORD), before = images->count;
    if (file->size == 0 || file->size % RECORD != 0) {
        return hni_error(
            context, HN_ERROR_FORMAT,
            "%s: has %zu bytes, which is no whole number of records of %d bytes: cut off or not CIFAR-10's binary "
            "version, fetch it again",
            name, file->size, RECORD);
    }
    for (int64_t i = 0; i < records; i++) {
        if (file->data[i * RECORD] < CLASSES) continue;
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: record %lld has label %d, CIFAR-10 has 0 to %d: damaged or another data set", name,
                         (long long)i, file->data[i * RECORD], CLASSES - 1);
    }
    images->channels = CHANNELS;
    images->height = images->width = SIDE;
    const hn_status status = hni_images_grow(images, records);
    if (status != HN_OK) return status;
    for (int64_t i = 0; i < records; i++) {
        images->labels[before + i] = file->data[i * RECORD];
        memcpy(images->pixels + (before + i) * IMAGE, file->data + i * RECORD + 1, IMAGE);
    }
    return HN_OK;
}

hn_status hni_cifar_parse_names(hn_context *context, const char *name, const hni_file_bytes *file, hni_images *images)
{
    hn_status status = HN_OK;
    for (size_t at = 0, next; status == HN_OK && at < file->size; at = next) {
        const char *line = (const char *)file->data + at, *end = memchr(line, '\n', file->size - at);
        size_t length = end != NULL ? (size_t)(end - line) : file->size - at;
        next = at + length + 1;
        while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
            length--;
        if (length > 0) status = hni_images_add_class(images, name, line, length);
    }
    if (status != HN_OK || images->classes == CLASSES) return status;
    return hni_error(context, HN_ERROR_FORMAT,
                     "%s: has %lld class names, CIFAR-10 has %d: fetch it again, or remove it", name,
                     (long long)images->classes, CLASSES);
}

/* ---- where they are ---- */

/* FOLDER/NAME, FOLDER/NAME.gz or FOLDER/NAME.xz. */
static bool find_packed(const char *folder, const char *name, char *out_path)
{
    static const char *const endings[] = {"", ".gz", ".xz"};
    struct stat found;
    for (int i = 0; i < 3; i++) {
        const int length = snprintf(out_path, HNI_DATA_PATH_SIZE, "%s/%s%s", folder, name, endings[i]);
        if (length > 0 && length < HNI_DATA_PATH_SIZE && stat(out_path, &found) == 0 && S_ISREG(found.st_mode))
            return true;
    }
    return false;
}

typedef enum cifar_form { FORM_NONE, FORM_FILES, FORM_TAR } cifar_form;

static bool is_archive(const char *name)
{
    static const char *const endings[] = {".tar", ".tar.gz", ".tar.xz", ".tgz"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (hni_ends_in(name, endings[i])) return true;
    return false;
}

/* The folder of the files, which may be the one that the archive makes, or the archive. */
static cifar_form find_form(const char *path, char *out_path)
{
    char file[HNI_DATA_PATH_SIZE];
    struct stat found;
    if (snprintf(out_path, HNI_DATA_PATH_SIZE, "%s", path) >= HNI_DATA_PATH_SIZE || stat(path, &found) != 0)
        return FORM_NONE;
    if (S_ISREG(found.st_mode)) {
        const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
        return is_archive(name) ? FORM_TAR : FORM_NONE;
    }
    if (find_packed(path, file_names[0], file)) return FORM_FILES;
    if (snprintf(out_path, HNI_DATA_PATH_SIZE, "%s/cifar-10-batches-bin", path) < HNI_DATA_PATH_SIZE &&
        find_packed(out_path, file_names[0], file))
        return FORM_FILES;
    return find_packed(path, "cifar-10-binary.tar", out_path) ? FORM_TAR : FORM_NONE;
}

bool hni_cifar_is_here(const char *path)
{
    char ignored[HNI_DATA_PATH_SIZE];
    return find_form(path, ignored) != FORM_NONE;
}

static bool is_packed(const char *path)
{
    return hni_ends_in(path, ".gz") || hni_ends_in(path, ".xz") || hni_ends_in(path, ".tgz");
}

/* ---- reading ---- */

static hn_status read_file(hn_context *context, const char *path, hni_images *images)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status;
    HNI_TRY(hni_unpack_file(context, path, 0, &file));
    HNI_TRY(hni_cifar_parse(context, path, &file, images));
cleanup:
    hni_free(context, file.data);
    return status;
}

/* Files in any order: their places are kept, and then read in the order of their names. */
static hn_status read_tar(hn_context *context, const char *path, hni_images *images)
{
    hni_file_bytes archive = {NULL, 0}, files[FILES] = {{NULL, 0}};
    hn_status status;
    HNI_TRY(hni_unpack_file(context, path, 0, &archive));
    hni_tar tar = {.context = context, .name = path, .archive = &archive};
    while (hni_tar_next(&tar)) {
        for (int i = 0; i < FILES; i++)
            if (strcmp(tar.entry, file_names[i]) == 0) files[i] = tar.file;
        if (strcmp(tar.entry, NAMES_FILE) == 0 && images->classes == 0)
            HNI_TRY(hni_cifar_parse_names(context, path, &tar.file, images));
    }
    HNI_TRY(tar.status);
    for (int i = 0; i < FILES; i++) {
        char name[HNI_DATA_PATH_SIZE + 32];
        snprintf(name, sizeof name, "%s, %s", path, file_names[i]);
        if (files[i].data == NULL) {
            HNI_TRY(hni_error(context, HN_ERROR_FORMAT,
                              "%s: there is no %s in this archive: is it CIFAR-10's binary version?", path,
                              file_names[i]));
        }
        HNI_TRY(hni_cifar_parse(context, name, &files[i], images));
        if (i == FILES - 2) images->train_count = images->count;
    }
cleanup:
    hni_free(context, archive.data);
    return status;
}

static hn_status want_files(hn_context *context, const char *folder, char (*out_paths)[HNI_DATA_PATH_SIZE])
{
    for (int i = 0; i < FILES; i++) {
        if (find_packed(folder, file_names[i], out_paths[i])) continue;
        return hni_error(context, HN_ERROR_IO,
                         "data.path: the folder %.300s has no %s, plain, .gz or .xz (CIFAR-10 is data_batch_1.bin to "
                         "data_batch_5.bin and test_batch.bin, or cifar-10-binary.tar.gz)",
                         folder, file_names[i]);
    }
    return HN_OK;
}

/* The files of a folder, one after the other; names "": there is no file of class names. */
static hn_status read_files(hn_context *context, char (*paths)[HNI_DATA_PATH_SIZE], const char *names,
                            hni_images *images)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status = HN_OK;
    for (int i = 0; i < FILES; i++) {
        HNI_TRY(hni_go_on(context, "unpacking", i, FILES));
        HNI_TRY(read_file(context, paths[i], images));
        if (i == FILES - 2) images->train_count = images->count;
    }
    if (names[0] != 0) {
        HNI_TRY(hni_unpack_file(context, names, 0, &file));
        HNI_TRY(hni_cifar_parse_names(context, names, &file, images));
    }
cleanup:
    hni_free(context, file.data);
    return status;
}

hn_status hni_cifar_read(hn_context *context, const char *path, hni_images *images)
{
    char found[HNI_DATA_PATH_SIZE], paths[FILES][HNI_DATA_PATH_SIZE], names[HNI_DATA_PATH_SIZE] = "";
    hni_images_cache cache;
    bool packed = false;
    hn_status status = HN_OK;
    const cifar_form form = find_form(path, found);
    images->context = context;
    hni_images_cache_begin(&cache, "cifar10");
    if (form == FORM_TAR) {
        packed = is_packed(found);
        hni_images_cache_add(&cache, found);
    } else {
        HNI_TRY(want_files(context, form == FORM_FILES ? found : path, paths));
        if (!find_packed(found, NAMES_FILE, names)) names[0] = 0;
        for (int i = 0; i < FILES; i++) {
            packed = packed || is_packed(paths[i]);
            hni_images_cache_add(&cache, paths[i]);
        }
        if (names[0] != 0) hni_images_cache_add(&cache, names);
    }
    if (packed && hni_images_cache_load(&cache, images)) goto cleanup;
    if (packed) hni_log(context, HN_LOG_INFO, "%s: unpacking the images", path);
    HNI_TRY(form == FORM_TAR ? read_tar(context, found, images) : read_files(context, paths, names, images));
    const bool names_are_missing = images->classes == 0;
    for (int i = 0; names_are_missing && i < CLASSES; i++)
        HNI_TRY(hni_images_add_class(images, found, usual_names[i], strlen(usual_names[i])));
    hni_images_hash(images);
    if (packed) hni_images_cache_store(&cache, images);
cleanup:
    return status;
}
