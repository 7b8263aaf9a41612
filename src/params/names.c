/* See names.h. The hash is FNV-1a, since the store needs that very number as the site of random numbers. */
#include "params/names.h"

#include <string.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "core/settings.h"

#define FIRST_CAPACITY 32

void hni_names_init(hni_names *names, hn_context *context)
{
    memset(names, 0, sizeof(*names));
    names->context = context;
}

void hni_names_destroy(hni_names *names)
{
    for (int64_t i = 0; i < names->count; i++)
        hni_free(names->context, names->names[i]);
    hni_free(names->context, names->names);
    hni_free(names->context, names->slots);
    hni_names_init(names, names->context);
}

int64_t hni_names_find(const hni_names *names, const char *name)
{
    if (names->slot_count == 0) return -1;
    const size_t mask = names->slot_count - 1;
    for (size_t slot = hni_rng_site(name) & mask; names->slots[slot] != 0; slot = (slot + 1) & mask) {
        const int64_t index = names->slots[slot] - 1;
        if (strcmp(names->names[index], name) == 0) return index;
    }
    return -1;
}

const char *hni_names_collision(const hni_names *names, const char *name)
{
    if (names->slot_count == 0) return NULL;
    const uint32_t hash = hni_rng_site(name);
    const size_t mask = names->slot_count - 1;
    for (size_t slot = hash & mask; names->slots[slot] != 0; slot = (slot + 1) & mask) {
        const char *other = names->names[names->slots[slot] - 1];
        if (hni_rng_site(other) == hash && strcmp(other, name) != 0) return other;
    }
    return NULL;
}

const char *hni_names_nearest(const hni_names *names, const char *name)
{
    return names->count == 0 ? NULL : hni_nearest_word((const char *const *)names->names, name);
}

static void insert(hni_names *names, int64_t index)
{
    const size_t mask = names->slot_count - 1;
    size_t slot = hni_rng_site(names->names[index]) & mask;
    while (names->slots[slot] != 0)
        slot = (slot + 1) & mask;
    names->slots[slot] = index + 1;
}

/* Doubles the table before it is more than half full, so that probes stay short. */
static hn_status reserve_slots(hni_names *names)
{
    if ((size_t)names->count + 1 <= names->slot_count / 2) return HN_OK;
    const size_t wanted = names->slot_count == 0 ? 2 * FIRST_CAPACITY : 2 * names->slot_count;
    void *slots = NULL;
    const hn_status status = hni_alloc_array(names->context, "names", wanted, sizeof(*names->slots), &slots);
    if (status != HN_OK) return status;
    hni_free(names->context, names->slots);
    names->slots = slots;
    names->slot_count = wanted;
    for (int64_t i = 0; i < names->count; i++)
        insert(names, i);
    return HN_OK;
}

static hn_status reserve_names(hni_names *names)
{
    if ((size_t)names->count + 2 <= names->capacity) return HN_OK;
    const size_t wanted = names->capacity == 0 ? FIRST_CAPACITY : 2 * names->capacity;
    void *pointer = names->names;
    const hn_status status = hni_realloc_array(names->context, "names", wanted, sizeof(*names->names), &pointer);
    if (status != HN_OK) return status;
    names->names = pointer;
    names->capacity = wanted;
    return HN_OK;
}

hn_status hni_names_add(hni_names *names, const char *name, int64_t *out_index)
{
    hn_status status = reserve_slots(names);
    if (status == HN_OK) status = reserve_names(names);
    if (status == HN_OK) status = hni_copy_text(names->context, name, &names->names[names->count]);
    if (status != HN_OK) return status;
    *out_index = names->count;
    insert(names, names->count);
    names->count++;
    return HN_OK;
}
