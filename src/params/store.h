/* Inside of the parameter store, for params, optim and nn: names and shapes while it is open; once it is sealed two flat
 * blocks of one layout, values and gradients, in the memory of the sealing graph's backend. Each parameter starts at a
 * multiple of 64 bytes; the padding between them is zero and stays zero, so that whole blocks can be updated at once. */
#ifndef HNI_PARAMS_STORE_H
#define HNI_PARAMS_STORE_H

#include "hypernet/params.h"
#include "kernels/table.h"
#include "params/names.h"

#define HNI_PARAMETER_NAME_MAX 255 /* bytes */

struct hn_store {
    hn_context *context;
    hni_names names; /* the index of a name is the index of its parameter */
    hni_names sites; /* every site of random numbers of the model, so that two with one hash are found */
    hn_parameter *parameters;
    size_t capacity;
    int64_t elements;
    bool sealed;
    bool dry; /* sealed by a dry graph: a layout, but no memory */
    /* From here on only once it is sealed. */
    const hni_kernels *kernels;
    hni_step_block step;
    hni_arena scratch;
    hni_exec exec; /* its own, so that the store outlives the sealing graph */
    int64_t reals; /* of each flat block, padding included */
    void *values;
    void *gradients;
};

/* Adds a parameter, or finds the one of that name if shape and start agree. */
HN_MUST_USE hn_status hni_store_declare(hn_store *store, const char *name, hn_shape shape, hn_init init,
                                        int64_t *out_index);
/* The site of `name`; HN_ERROR_ARGUMENT if another name met before has the same one. */
HN_MUST_USE hn_status hni_store_site(hn_store *store, const char *name, uint32_t *out_site);
/* Writes "init NAME" into buffer: the name of the site of a parameter's start. */
#define HNI_INIT_SITE_SIZE (HNI_PARAMETER_NAME_MAX + 8)
void hni_store_init_site(const char *name, char buffer[HNI_INIT_SITE_SIZE]);

/* hn_store_seal with all values zero: they come from a file. */
HN_MUST_USE hn_status hni_store_seal_zero(hn_store *store, const hn_graph *graph);
/* HN_ERROR_STATE, with the call's name, unless the store holds numbers. */
HN_MUST_USE hn_status hni_store_want_numbers(const hn_store *store, const char *call);
/* HN_ERROR_ARGUMENT, with the call's name, unless there is a parameter `index`. */
HN_MUST_USE hn_status hni_store_want_parameter(const hn_store *store, const char *call, int64_t index);
/* Parameter `index` as a view of a block of the store's layout (values, gradients, optimiser state; NULL in a dry store). */
hni_view hni_store_part(const hn_store *store, void *block, int64_t index);
/* One more block of the store's layout, zeroed; given back with store->kernels->release. */
HN_MUST_USE hn_status hni_store_block_create(const hn_store *store, const char *what, void **out_block);
/* Copies parameter `index` of a block out or in; dtype F32 or F64. */
HN_MUST_USE hn_status hni_store_part_read(const hn_store *store, void *block, int64_t index, hn_dtype dtype,
                                          void *out_data);
HN_MUST_USE hn_status hni_store_part_write(const hn_store *store, void *block, int64_t index, hn_dtype dtype,
                                           const void *data);

#endif
