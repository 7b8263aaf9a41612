/* What tests of image readers share: a folder of its own with the data and the decoded copies below it, and what is expected of opening them. */
#ifndef IMAGE_SETS_H
#define IMAGE_SETS_H

#include "app/data/images.h"
#include "core/alloc.h"
#include "test_images.h"

typedef struct fixture {
    hn_context *context;
    char *folder, *data; /* a place, and PLACE/set */
    hni_images_settings settings;
} fixture;

static inline void set_up(fixture *f)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(hn_context_create(NULL, &f->context), HN_OK);
    f->folder = test_folder_create();
    f->data = test_make_folder(f->folder, "set");
    hni_settings_default(hni_images_settings_table(), &f->settings);
    snprintf(f->settings.path, sizeof f->settings.path, "%s", f->data);
    f->settings.batch = 2;
    f->settings.valid_images = 4;
    char *cache = test_path_join(f->folder, "cache");
    assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);
    free(cache);
}

static inline void tear_down(fixture *f)
{
    assert_int_equal(hn_context_memory(f->context), 0);
    hn_context_destroy(f->context);
    free(f->data);
    test_folder_remove(f->folder);
}

static inline hni_images *open_images(const fixture *f)
{
    const hni_images_source source = {.places = NULL};
    hni_images *images = NULL;
    if (hni_images_open(f->context, &f->settings, &source, &images) != HN_OK)
        fail_msg("%s", hn_context_error(f->context)->text);
    return images;
}

/* Opening must fail, and the message hold all of these words (NULL ends them). */
static inline void assert_refused(const fixture *f, const char *const *words)
{
    const hni_images_source source = {.places = NULL};
    hni_images *images = NULL;
    assert_int_not_equal(hni_images_open(f->context, &f->settings, &source, &images), HN_OK);
    assert_null(images);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strstr(hn_context_error(f->context)->text, words[i]) == NULL)
            fail_msg("'%s' is not in: %s", words[i], hn_context_error(f->context)->text);
    }
    hn_context_clear(f->context);
}
#define REFUSED(f, ...) assert_refused((f), (const char *const[]){__VA_ARGS__, NULL})

#endif
