/* Inside of the parameter store, for params, optim and nn: names and shapes while it is open; once it is sealed flat blocks in the
 * memory of the sealing graph's backend: values and gradients of the parameters, of one layout, and values of the buffers. Each
 * tensor starts at a multiple of 64 bytes; the padding between them is zero and stays zero, so that whole blocks can be updated at
 * once. */
#ifndef HNI_PARAMS_STORE_H
#define HNI_PARAMS_STORE_H

#include "hypernet/params.h"
#include "kernels/table.h"
#include "params/names.h"

#define HNI_PARAMETER_NAME_MAX 255 /* bytes */

/* Tensors of one kind. */
typedef struct hni_section {
    const char *kind; /* "parameter", "buffer" */
    hni_names names;  /* the index of a name is the index of its tensor */
    hn_parameter *tensors;
    size_t capacity;
    int64_t elements;
    /* From here on only once the store is sealed. */
    int64_t reals; /* of a flat block, padding included */
    void *values;
} hni_section;

struct hn_store {
    hn_context *context;
    hni_section parameters, buffers;
    hni_names sites; /* every site of random numbers of the model, so that two with one hash are found */
    bool sealed;
    bool dry; /* sealed by a dry graph: a layout, but no memory */
    /* From here on only once it is sealed. */
    const hni_kernels *kernels;
    hni_step_block step;
    hni_arena scratch;
    hni_exec exec;   /* its own, so that the store outlives the sealing graph */
    void *gradients; /* laid out as the parameters' values */
};

/* Adds a tensor to a section of the store, or finds the one of that name if shape and start agree. */
HN_MUST_USE hn_status hni_store_declare(hn_store *store, hni_section *section, const char *name, hn_shape shape,
                                        hn_init init, int64_t *out_index);
/* The site of `name`; HN_ERROR_ARGUMENT if another name met before has the same one. */
HN_MUST_USE hn_status hni_store_site(hn_store *store, const char *name, uint32_t *out_site);
/* Writes "init NAME" into buffer: the name of the site of a tensor's start. */
#define HNI_INIT_SITE_SIZE (HNI_PARAMETER_NAME_MAX + 8)
void hni_store_init_site(const char *name, char buffer[HNI_INIT_SITE_SIZE]);

/* hn_store_seal with all values zero: they come from a file. */
HN_MUST_USE hn_status hni_store_seal_zero(hn_store *store, const hn_graph *graph);
/* HN_ERROR_STATE, with the call's name, unless the store holds numbers. */
HN_MUST_USE hn_status hni_store_want_numbers(const hn_store *store, const char *call);
/* HN_ERROR_ARGUMENT, with the call's name, unless the section has a tensor `index`. */
HN_MUST_USE hn_status hni_section_want(const hn_store *store, const hni_section *section, const char *call,
                                       int64_t index);
/* Tensor `index` as a view of a block of the section's layout (values, gradients, optimiser state; NULL in a dry store). */
hni_view hni_section_part(const hn_store *store, const hni_section *section, void *block, int64_t index);
/* One more block of the section's layout, zeroed; given back with store->kernels->release. */
HN_MUST_USE hn_status hni_section_block(const hn_store *store, const hni_section *section, const char *what,
                                        void **out_block);
/* Copies tensor `index` of a block out or in; dtype F32 or F64. */
HN_MUST_USE hn_status hni_section_read(const hn_store *store, const hni_section *section, void *block, int64_t index,
                                       hn_dtype dtype, void *out_data);
HN_MUST_USE hn_status hni_section_write(const hn_store *store, const hni_section *section, void *block, int64_t index,
                                        hn_dtype dtype, const void *data);

#endif
