/* A folder of PNG files, a folder a class: DIR/CLASS/NAME.png, all of it for training; or DIR/train/CLASS and DIR/test/CLASS. Classes and files
 * in the order of the bytes of their names. All images have one size, and are all grey or all in colours. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "app/data/images_read.h"
#include "app/data/listing.h"
#include "core/alloc.h"
#include "io/text.h"

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_png(const char *path)
{
    const size_t length = strlen(path);
    return length > 4 && strcasecmp(path + length - 4, ".png") == 0 && !is_folder(path);
}

/* Whether a PNG file lies `depth` folders below. */
static bool has_png(const char *folder, int depth)
{
    char path[HNI_DATA_PATH_SIZE];
    bool found = false;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; !found && entries != NULL && (entry = readdir(entries)) != NULL;) {
        const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof path) continue;
        found = depth == 0 ? is_png(path) : is_folder(path) && has_png(path, depth - 1);
    }
    if (entries != NULL) (void)closedir(entries);
    return found;
}

bool hni_folder_is_here(const char *folder)
{
    char path[HNI_DATA_PATH_SIZE];
    const int length = snprintf(path, sizeof path, "%s/train", folder);
    return has_png(folder, 1) || (length > 0 && (size_t)length < sizeof path && has_png(path, 1));
}

/* The files of one part: `paths` in order of their classes, `labels` beside them. */
typedef struct part_files {
    hn_context *context;
    hni_listing paths;
    int32_t *labels;
} part_files;

/* FOLDER/NAME in memory of the context. */
static hn_status join(hn_context *context, const char *folder, const char *name, char **out_path)
{
    hni_text text = {.context = context};
    hni_text_add(&text, "%s/%s", folder, name);
    return hni_text_take(&text, out_path);
}

/* All PNG files of a class. */
static hn_status add_class_files(part_files *files, const char *folder, int32_t label)
{
    hni_listing names = {.context = files->context};
    void *labels = files->labels;
    const size_t before = files->paths.count;
    hn_status status;
    HNI_TRY(hni_listing_read(&names, folder, is_png));
    if (names.count == 0) {
        HNI_TRY(hni_error(
            files->context, HN_ERROR_FORMAT,
            "%s: this folder of a class has no PNG file: images of other kinds must be turned into PNG, and the folder "
            "of a class that is not wanted removed",
            folder));
    }
    HNI_TRY(hni_realloc_array(files->context, "labels", before + names.count, sizeof *files->labels, &labels));
    files->labels = labels;
    for (size_t i = 0; i < names.count; i++) {
        char *path = NULL;
        HNI_TRY(join(files->context, folder, names.names[i], &path));
        files->labels[before + i] = label;
        HNI_TRY(hni_listing_take(&files->paths, path));
    }
cleanup:
    hni_listing_free(&names);
    return status;
}

/* The class of a folder of the test part; training makes new ones. */
static hn_status class_of(hni_images *images, const char *folder, const char *name, bool training, int32_t *out_label)
{
    *out_label = (int32_t)images->classes;
    if (training) return hni_images_add_class(images, folder, name, strlen(name));
    for (int32_t i = 0; i < images->classes; i++) {
        *out_label = i;
        if (strcmp(images->class_names[i], name) == 0) return HN_OK;
    }
    return hni_error(
        images->context, HN_ERROR_FORMAT,
        "%s/%s: there is no class of this name among the training images: rename the folder, or add the class there",
        folder, name);
}

static hn_status find_part(hni_images *images, const char *folder, bool training, part_files *files)
{
    hni_listing classes = {.context = images->context};
    char *path = NULL;
    hn_status status;
    HNI_TRY(hni_listing_read(&classes, folder, is_folder));
    if (classes.count < 2 && training) {
        HNI_TRY(hni_error(images->context, HN_ERROR_FORMAT,
                          "%s: has %zu folder%s: at least two are needed, each with the PNG files of one class", folder,
                          classes.count, classes.count == 1 ? "" : "s"));
    }
    for (size_t i = 0; i < classes.count; i++) {
        int32_t label;
        HNI_TRY(class_of(images, folder, classes.names[i], training, &label));
        HNI_TRY(join(images->context, folder, classes.names[i], &path));
        HNI_TRY(add_class_files(files, path, label));
        hni_free(images->context, path);
        path = NULL;
    }
cleanup:
    hni_free(images->context, path);
    hni_listing_free(&classes);
    return status;
}

static hn_status read_png(hn_context *context, const char *path, hni_pixels *out)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status;
    memset(out, 0, sizeof *out);
    HNI_TRY(hni_file_read(context, path, 0, &file));
    HNI_TRY(hni_png_parse(context, path, &file, out));
cleanup:
    hni_free(context, file.data);
    return status;
}

static hn_status refuse_shape(const hni_images *images, const char *path, const hni_pixels *pixels)
{
    const char *kinds[] = {"grey", "in colours"};
    return hni_error(
        images->context, HN_ERROR_FORMAT,
        "%s: is %lld x %lld pixels and %s, the first image is %lld x %lld and %s: all must be alike: scale or "
        "convert them",
        path, (long long)pixels->width, (long long)pixels->height, kinds[pixels->channels > 1],
        (long long)images->width, (long long)images->height, kinds[images->channels > 1]);
}

/* The pixels of one file into the place of image `at`; the first image says what all are like. */
static hn_status read_image(hni_images *images, const char *path, int32_t label, int64_t at)
{
    hni_pixels pixels;
    hn_status status;
    HNI_TRY(read_png(images->context, path, &pixels));
    if (pixels.channels != images->channels || pixels.height != images->height || pixels.width != images->width)
        HNI_TRY(refuse_shape(images, path, &pixels));
    memcpy(images->pixels + at * hni_images_size(images), pixels.data, (size_t)hni_images_size(images));
    images->labels[at] = label;
cleanup:
    hni_free(images->context, pixels.data);
    return status;
}

static hn_status take_shape(hni_images *images, const char *path)
{
    hni_pixels pixels;
    const hn_status status = read_png(images->context, path, &pixels);
    images->channels = pixels.channels;
    images->height = pixels.height;
    images->width = pixels.width;
    hni_free(images->context, pixels.data);
    return status;
}

static hn_status read_part(hni_images *images, const char *folder, bool training)
{
    part_files files = {.context = images->context, .paths = {.context = images->context}};
    const int64_t before = images->count;
    hn_status status;
    HNI_TRY(find_part(images, folder, training, &files));
    if (files.paths.count > 0 && before == 0) HNI_TRY(take_shape(images, files.paths.names[0]));
    HNI_TRY(hni_images_grow(images, (int64_t)files.paths.count));
    for (size_t i = 0; i < files.paths.count; i++) {
        if (i % 1024 == 0) HNI_TRY(hni_go_on(images->context, "reading", (int64_t)i, (int64_t)files.paths.count));
        HNI_TRY(read_image(images, files.paths.names[i], files.labels[i], before + (int64_t)i));
    }
cleanup:
    hni_listing_free(&files.paths);
    hni_free(images->context, files.labels);
    return status;
}

hn_status hni_folder_read(hn_context *context, const char *folder, hni_images *images)
{
    char *train = NULL, *test = NULL;
    hn_status status;
    images->context = context;
    HNI_TRY(join(context, folder, "train", &train));
    HNI_TRY(join(context, folder, "test", &test));
    HNI_TRY(read_part(images, is_folder(train) ? train : folder, true));
    images->train_count = images->count;
    if (is_folder(train) && is_folder(test)) HNI_TRY(read_part(images, test, false));
    hni_images_hash(images);
cleanup:
    hni_free(context, train);
    hni_free(context, test);
    return status;
}
