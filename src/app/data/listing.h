/* Lists of names: what lies in a folder, in the order of the bytes of the names. */
#ifndef HNI_APP_DATA_LISTING_H
#define HNI_APP_DATA_LISTING_H

#include "core/context.h"

typedef struct hni_listing {
    hn_context *context;
    char **names;
    size_t count, room;
} hni_listing;

/* Takes over `name`, in any case. */
HN_MUST_USE hn_status hni_listing_take(hni_listing *list, char *name);
/* The names in `folder` for which `wanted` says yes; hidden ones never. `path` is FOLDER/NAME. Sorted. */
HN_MUST_USE hn_status hni_listing_read(hni_listing *list, const char *folder, bool (*wanted)(const char *path));
void hni_listing_sort(hni_listing *list);
void hni_listing_free(hni_listing *list);

#endif
