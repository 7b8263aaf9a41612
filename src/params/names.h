/* An ordered set of names: index by name, name by index, and the nearest one for messages. Serves the store, the weights
 * and the sites of random numbers; knows nothing of what a name stands for. */
#ifndef HNI_PARAMS_NAMES_H
#define HNI_PARAMS_NAMES_H

#include "core/context.h"

typedef struct hni_names {
    hn_context *context;
    char **names; /* [count], then a NULL */
    int64_t count;
    size_t capacity;   /* entries of names, the final NULL included */
    int64_t *slots;    /* [slot_count] hash table with linear probing: index + 1, 0 is free */
    size_t slot_count; /* a power of two */
} hni_names;

void hni_names_init(hni_names *names, hn_context *context);
void hni_names_destroy(hni_names *names);
/* -1 if it is not there. */
int64_t hni_names_find(const hni_names *names, const char *name);
/* Appends a copy of `name`, which must not be there yet. Text and index stay as they are until destroy. */
HN_MUST_USE hn_status hni_names_add(hni_names *names, const char *name, int64_t *out_index);
/* Another name with the same 32-bit hash (hni_rng_site), or NULL. */
const char *hni_names_collision(const hni_names *names, const char *name);
/* The most similar name, or NULL if none is similar. */
const char *hni_names_nearest(const hni_names *names, const char *name);

#endif
