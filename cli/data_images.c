/* hypernet data show PATH of images: how many of each class, shape, mean and deviation, and the first of each class on a terminal or as a
 * picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/data/images.h"
#include "app/plot/album.h"
#include "core/alloc.h"
#include "data.h"
#include "format.h"
#include "io/files.h"
#include "io/text.h"

enum { SHOWN_CLASSES = 40, PICTURES = 7, WIDTH = 760 };

typedef struct class_counts {
    int64_t train, test;
} class_counts;

static hn_status count_classes(const hni_images *images, class_counts **out_counts)
{
    void *memory = NULL;
    const hn_status status =
        hni_alloc_array(images->context, "classes", (size_t)images->classes, sizeof(class_counts), &memory);
    *out_counts = memory;
    for (int64_t i = 0; status == HN_OK && i < images->count; i++) {
        class_counts *counts = &(*out_counts)[images->labels[i]];
        if (i < images->train_count) {
            counts->train++;
        } else {
            counts->test++;
        }
    }
    return status;
}

/* ---- the first images of each class ---- */

typedef struct first_images {
    hni_album_item *items; /* [classes * each], `count` of them used */
    hni_bitmap *bitmaps;
    const char **words;
    size_t count;
} first_images;

static void free_first(hn_context *context, first_images *first)
{
    hni_free(context, first->items);
    hni_free(context, first->bitmaps);
    hni_free(context, first->words);
}

/* Up to `each` training images of each class, class by class, in the order of the files. */
static hn_status find_first(const hni_images *images, size_t each, first_images *out)
{
    const size_t classes = images->classes < SHOWN_CLASSES ? (size_t)images->classes : SHOWN_CLASSES;
    const int64_t size = images->channels * images->height * images->width;
    void *items = NULL, *bitmaps = NULL, *words = NULL;
    hn_status status;
    *out = (first_images){.count = 0};
    HNI_TRY(hni_alloc_array(images->context, "pictures", classes * each, sizeof *out->items, &items));
    out->items = items;
    HNI_TRY(hni_alloc_array(images->context, "pictures", classes * each, sizeof *out->bitmaps, &bitmaps));
    out->bitmaps = bitmaps;
    HNI_TRY(hni_alloc_array(images->context, "pictures", classes * each, sizeof *out->words, &words));
    out->words = words;
    for (size_t k = 0; k < classes; k++) {
        size_t found = 0;
        for (int64_t i = 0; i < images->train_count && found < each; i++) {
            if (images->labels[i] != (int64_t)k) continue;
            const hni_bitmap bitmap = {images->pixels + i * size, (size_t)images->channels, (size_t)images->height,
                                       (size_t)images->width};
            out->items[out->count] = (hni_album_item){.image = bitmap, .words = images->class_names[k]};
            out->bitmaps[out->count] = bitmap;
            out->words[out->count++] = images->class_names[k];
            found++;
        }
    }
cleanup:
    return status;
}

static hn_status draw(const hni_data_options *options, const hni_images *images)
{
    hn_context *context = options->cli->context;
    hni_canvas_options canvas = {.width = WIDTH, .title = "The first images of each class"};
    hni_text picture = {.context = context};
    first_images first = {.count = 0};
    hn_status status;
    HNI_TRY(hni_picture_format_of(context, options->output, &canvas.format));
    HNI_TRY(find_first(images, PICTURES, &first));
    const hni_album album = {.items = first.items, .count = first.count};
    HNI_TRY(hni_album_picture(context, &album, &canvas, &picture));
    HNI_TRY(hni_file_write_atomic(context, options->output, picture.data, picture.size));
cleanup:
    free_first(context, &first);
    hni_text_free(&picture);
    return status;
}

/* One image of each class, for a terminal. */
static hn_status print_first(hn_context *context, const hni_images *images)
{
    first_images first = {.count = 0};
    hni_text text = {.context = context};
    hn_status status;
    HNI_TRY(find_first(images, 1, &first));
    const hni_bitmaps bitmaps = {first.bitmaps, first.words, first.count};
    HNI_TRY(hni_bitmaps_ansi(context, &bitmaps, hni_terminal_columns(),
                             hni_ansi_choose(getenv("NO_COLOR"), getenv("COLORTERM"), getenv("TERM")), &text));
    fwrite(text.data, 1, text.size, stdout);
cleanup:
    free_first(context, &first);
    hni_text_free(&text);
    return status;
}

/* ---- figures ---- */

static int print_json(const hni_data_options *options, const hni_images *images, const class_counts *counts,
                      const char *path)
{
    hni_cli *cli = options->cli;
    json_t *classes = json_array(), *mean = json_array(), *deviation = json_array();
    for (int64_t k = 0; k < images->classes; k++) {
        const char *name = images->class_names[k];
        json_array_append_new(classes,
                              json_pack("{s:o,s:I,s:I}", "name", hni_cli_bytes_json(cli, name, strlen(name)), "train",
                                        (json_int_t)counts[k].train, "test", (json_int_t)counts[k].test));
    }
    for (int64_t c = 0; c < images->channels; c++) {
        json_array_append_new(mean, hni_cli_number_json(images->mean[c]));
        json_array_append_new(deviation, hni_cli_number_json(images->deviation[c]));
    }
    return hni_cli_print_json(
        cli, json_pack("{s:o,s:s,s:I,s:I,s:[I,I,I],s:o,s:o,s:o,s:s}", "path", hni_cli_path_json(cli, path), "kind",
                       hni_images_kind_name(images->kind), "train", (json_int_t)images->train_count, "test",
                       (json_int_t)(images->count - images->train_count), "shape", (json_int_t)images->channels,
                       (json_int_t)images->height, (json_int_t)images->width, "classes", classes, "mean", mean,
                       "deviation", deviation, "sha256", images->checksum));
}

static void print_classes(const hni_images *images, const class_counts *counts)
{
    char train[32], test[32], shown[HNI_CLASS_NAME_SIZE];
    int width = 5;
    for (int64_t k = 0; k < images->classes && k < SHOWN_CLASSES; k++) {
        const int length = (int)strlen(images->class_names[k]);
        width = length > width ? length : width;
    }
    printf("%-*s %12s %12s\n", width, "class", "train", "test");
    for (int64_t k = 0; k < images->classes && k < SHOWN_CLASSES; k++) {
        printf("%-*s %12s %12s\n", width, hni_printable(images->class_names[k], shown, sizeof shown),
               hni_count_print(counts[k].train, train, sizeof train),
               hni_count_print(counts[k].test, test, sizeof test));
    }
    if (images->classes > SHOWN_CLASSES) printf("... and %lld more\n", (long long)images->classes - SHOWN_CLASSES);
    printf("%-*s %12s %12s\n", width, "all", hni_count_print(images->train_count, train, sizeof train),
           hni_count_print(images->count - images->train_count, test, sizeof test));
}

static hn_status print_images(const hni_data_options *options, const hni_images *images, const class_counts *counts,
                              const char *path)
{
    hn_status status = HN_OK;
    printf("%s\nkind: %s, %lld x %lld pixels, %lld channel%s, %lld classes\n", path, hni_images_kind_name(images->kind),
           (long long)images->width, (long long)images->height, (long long)images->channels,
           images->channels == 1 ? "" : "s", (long long)images->classes);
    print_classes(images, counts);
    printf("mean of the training images' bytes / 255:");
    for (int64_t c = 0; c < images->channels; c++)
        printf(" %.5f", images->mean[c]);
    printf(", deviation:");
    for (int64_t c = 0; c < images->channels; c++)
        printf(" %.5f", images->deviation[c]);
    printf("\nSHA-256: %s\n", images->checksum);
    if (options->output != NULL) {
        printf("the first images of each class: %s\n", options->output);
    } else if (hni_is_terminal(stdout)) {
        status = print_first(options->cli->context, images);
    }
    return status;
}

int hni_data_show_images(const hni_data_options *options, const char *path)
{
    hn_context *context = options->cli->context;
    hni_images_settings settings;
    hni_images *images = NULL;
    class_counts *counts = NULL;
    int code = 0;
    const hni_images_source source = {.look = true}; /* the path has been found */
    hn_status status;
    hni_settings_default(hni_images_settings_table(), &settings);
    snprintf(settings.path, sizeof settings.path, "%s", path);
    settings.kind = options->images_kind >= 0 ? (hni_images_kind)options->images_kind : HNI_IMAGES_KIND_AUTO;
    settings.valid_images = 0; /* what is kept for validation is a recipe's business */
    HNI_TRY(hni_images_open(context, &settings, &source, &images));
    HNI_TRY(count_classes(images, &counts));
    if (options->output != NULL) HNI_TRY(draw(options, images));
    if (options->cli->json) {
        code = print_json(options, images, counts, path);
    } else {
        HNI_TRY(print_images(options, images, counts, path));
    }
cleanup:
    if (status != HN_OK) code = hni_cli_fail(options->cli);
    hni_free(context, counts);
    hni_images_close(images);
    return code;
}
