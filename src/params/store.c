/* The parameter store while it is open: names, shapes and how each parameter or buffer starts. Memory and numbers are in seal.c. */
#include "params/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "core/size.h"

#define SHAPE_TEXT 96

hn_status hn_store_create(hn_context *context, hn_store **out_store)
{
    void *pointer = NULL;
    *out_store = NULL;
    const hn_status status = hni_alloc(context, "parameter store", sizeof(hn_store), &pointer);
    if (status != HN_OK) return status;
    hn_store *store = pointer;
    store->context = context;
    store->parameters.kind = "parameter";
    store->buffers.kind = "buffer";
    hni_names_init(&store->parameters.names, context);
    hni_names_init(&store->buffers.names, context);
    hni_names_init(&store->sites, context);
    hni_arena_init(&store->scratch, context, "parameter scratch", false);
    *out_store = store;
    return HN_OK;
}

static void destroy_section(hn_store *store, hni_section *section)
{
    if (section->values != NULL) store->kernels->release(store->context, section->values);
    for (int64_t i = 0; i < section->names.count; i++)
        hni_free(store->context, (void *)section->tensors[i].init.row_factors); /* the store's own copy */
    hni_names_destroy(&section->names);
    hni_free(store->context, section->tensors);
}

void hn_store_destroy(hn_store *store)
{
    if (store == NULL) return;
    if (store->gradients != NULL) store->kernels->release(store->context, store->gradients);
    destroy_section(store, &store->parameters);
    destroy_section(store, &store->buffers);
    hni_arena_destroy(&store->scratch);
    hni_names_destroy(&store->sites);
    hni_free(store->context, store);
}

/* ---- declaration ---------------------------------------------------------------------------------------------- */

static hn_status check_name(hn_store *store, const hni_section *section, const char *name)
{
    const hni_blame blame = {.op = "store", .argument = "name"};
    const hni_section *other = section == &store->buffers ? &store->parameters : &store->buffers;
    const size_t length = name == NULL ? 0 : strlen(name);
    if (length < 1 || length > HNI_PARAMETER_NAME_MAX)
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame, "a %s's name has %zu bytes: it needs 1 to %d",
                            section->kind, length, HNI_PARAMETER_NAME_MAX);
    if (hni_names_find(&other->names, name) < 0) return HN_OK;
    return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame, "\"%s\" is a %s already: give the %s another name",
                        name, other->kind, section->kind);
}

static hn_status check_orthogonal(hn_store *store, const char *name, hn_shape shape, hn_init init)
{
    char text[SHAPE_TEXT];
    hn_shape_print(shape, text, sizeof(text));
    const hni_blame blame = {.op = "store", .argument = name, .shape_a = text};
    if (shape.rank < 2)
        return hni_error_at(store->context, HN_ERROR_SHAPE, &blame,
                            "\"%s\" %s cannot start orthogonal: that needs rows and columns", name, text);
    if (init.blocks < 1 || shape.size[0] % init.blocks != 0)
        return hni_error_at(
            store->context, HN_ERROR_ARGUMENT, &blame,
            "\"%s\" %s cannot start as %d orthogonal row blocks: that number must be at least 1 and divide %lld", name,
            text, init.blocks, (long long)shape.size[0]);
    return HN_OK;
}

static hn_status check_row_factors(hn_store *store, const char *name, hn_shape shape, const double *factors)
{
    const hni_blame blame = {.op = "store", .argument = name};
    if (factors == NULL) return HN_OK;
    if (shape.rank < 1)
        return hni_error_at(store->context, HN_ERROR_SHAPE, &blame,
                            "\"%s\" is a single number and cannot have a factor a row", name);
    for (int64_t row = 0; row < shape.size[0]; row++) {
        if (isfinite(factors[row])) continue;
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame,
                            "\"%s\" cannot start with row %lld times %g: use finite factors", name, (long long)row,
                            factors[row]);
    }
    return HN_OK;
}

static hn_status check_init(hn_store *store, const char *name, hn_shape shape, hn_init init)
{
    const hni_blame blame = {.op = "store", .argument = name};
    const bool is_width =
        init.kind == HN_INIT_NORMAL || init.kind == HN_INIT_UNIFORM || init.kind == HN_INIT_TRUNCATED_NORMAL;
    if ((int)init.kind < HN_INIT_ZEROS || (int)init.kind > HN_INIT_TRUNCATED_NORMAL)
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame, "\"%s\" has initialiser %d, which there is not",
                            name, (int)init.kind);
    if (!isfinite(init.value) || (is_width && init.value < 0))
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame, "\"%s\" cannot start with %g: use a finite %s",
                            name, init.value, is_width ? "width of at least 0" : "number");
    if (init.kind == HN_INIT_NORMAL && !isfinite(init.mean))
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame,
                            "\"%s\" cannot start about %g: use a finite mean", name, init.mean);
    const hn_status status = check_row_factors(store, name, shape, init.row_factors);
    if (status != HN_OK) return status;
    return init.kind == HN_INIT_ORTHOGONAL ? check_orthogonal(store, name, shape, init) : HN_OK;
}

static bool same_factors(const double *a, const double *b, int64_t rows)
{
    if (a == NULL || b == NULL) return a == b;
    return memcmp(a, b, (size_t)rows * sizeof *a) == 0;
}

static bool same_init(hn_shape shape, hn_init a, hn_init b)
{
    if (!same_factors(a.row_factors, b.row_factors, shape.rank > 0 ? shape.size[0] : 0)) return false;
    if (a.kind != b.kind) return false;
    if (a.kind == HN_INIT_ZEROS) return true;
    if (a.kind == HN_INIT_NORMAL && (a.mean < b.mean || a.mean > b.mean)) return false;
    return !(a.value < b.value) && !(a.value > b.value) && (a.kind != HN_INIT_ORTHOGONAL || a.blocks == b.blocks);
}

/* A name may be asked for any number of times, as long as every call means the same tensor. */
static hn_status check_again(hn_store *store, const hn_parameter *first, hn_shape shape, hn_init init)
{
    char text_first[SHAPE_TEXT], text_again[SHAPE_TEXT];
    hn_shape_print(first->shape, text_first, sizeof(text_first));
    hn_shape_print(shape, text_again, sizeof(text_again));
    const hni_blame blame = {.op = "store", .argument = first->name, .shape_a = text_first, .shape_b = text_again};
    if (!hn_shape_equal(first->shape, shape))
        return hni_error_at(store->context, HN_ERROR_SHAPE, &blame,
                            "\"%s\" was declared as %s and is now asked for as %s: use another name or one shape",
                            first->name, text_first, text_again);
    if (!same_init(shape, first->init, init))
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame,
                            "\"%s\" is declared twice with two initialisers: use another name or one initialiser",
                            first->name);
    return HN_OK;
}

/* The sum of all elements must stay countable, or nothing after this could be trusted. */
static hn_status check_size(hn_store *store, const char *name, hn_shape shape, int64_t *out_elements)
{
    char text[SHAPE_TEXT];
    hn_shape_print(shape, text, sizeof(text));
    const hni_blame blame = {.op = "store", .argument = name, .shape_a = text};
    const int64_t elements = hn_shape_elements(shape);
    *out_elements = elements;
    const int64_t before = store->parameters.elements + store->buffers.elements;
    if (elements >= 1 && elements <= INT64_MAX - before) return HN_OK;
    return hni_error_at(
        store->context, HN_ERROR_SHAPE, &blame,
        "\"%s\" cannot have shape %s: sizes must be at least 1 and the store's total must fit into 63 bits", name,
        text);
}

static hn_status reserve_tensor(hn_store *store, hni_section *section)
{
    if ((size_t)section->names.count < section->capacity) return HN_OK;
    const size_t wanted = section->capacity == 0 ? 32 : 2 * section->capacity;
    void *pointer = section->tensors;
    const hn_status status =
        hni_realloc_array(store->context, "parameter store", wanted, sizeof(*section->tensors), &pointer);
    if (status != HN_OK) return status;
    section->tensors = pointer;
    section->capacity = wanted;
    return HN_OK;
}

/* NULL stays NULL. */
static hn_status copy_row_factors(hn_store *store, hn_shape shape, const double *factors, void **out_copy)
{
    *out_copy = NULL;
    if (factors == NULL) return HN_OK;
    const size_t rows = (size_t)shape.size[0];
    const hn_status status = hni_alloc_array(store->context, "start of a parameter", rows, sizeof *factors, out_copy);
    if (status == HN_OK) memcpy(*out_copy, factors, rows * sizeof *factors);
    return status;
}

hn_status hni_store_declare(hn_store *store, hni_section *section, const char *name, hn_shape shape, hn_init init,
                            int64_t *out_index)
{
    char site_name[HNI_INIT_SITE_SIZE];
    void *row_factors = NULL;
    uint32_t site;
    int64_t elements;
    hn_status status = HN_OK;

    *out_index = -1;
    HNI_TRY(check_name(store, section, name));
    const int64_t known = hni_names_find(&section->names, name);
    if (known >= 0) {
        HNI_TRY(check_again(store, &section->tensors[known], shape, init));
        *out_index = known;
        goto cleanup;
    }
    HNI_TRY(check_size(store, name, shape, &elements));
    HNI_TRY(check_init(store, name, shape, init));
    hni_store_init_site(name, site_name);
    HNI_TRY(hni_store_site(store, site_name, &site));
    HNI_TRY(reserve_tensor(store, section));
    HNI_TRY(copy_row_factors(store, shape, init.row_factors, &row_factors));
    HNI_TRY(hni_names_add(&section->names, name, out_index));
    init.row_factors = row_factors;
    row_factors = NULL;
    section->tensors[*out_index] = (hn_parameter){
        .name = section->names.names[*out_index], .shape = shape, .elements = elements, .offset = -1, .init = init};
    section->elements += elements;
cleanup:
    hni_free(store->context, row_factors);
    return status;
}

void hni_store_init_site(const char *name, char buffer[HNI_INIT_SITE_SIZE])
{
    (void)snprintf(buffer, HNI_INIT_SITE_SIZE, "init %s", name);
}

hn_status hni_store_site(hn_store *store, const char *name, uint32_t *out_site)
{
    int64_t index;
    *out_site = hni_rng_site(name);
    if (hni_names_find(&store->sites, name) >= 0) return HN_OK;
    const char *other = hni_names_collision(&store->sites, name);
    if (other != NULL) {
        const hni_blame blame = {.op = "store", .argument = name};
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame,
                            "\"%s\" and \"%s\" would draw the same random numbers (one hash): rename one of them",
                            other, name);
    }
    return hni_names_add(&store->sites, name, &index);
}

/* ---- questions ------------------------------------------------------------------------------------------------- */

static const hn_parameter *tensor_at(const hni_section *section, int64_t index)
{
    return index >= 0 && index < section->names.count ? &section->tensors[index] : NULL;
}

static int64_t find(const hni_section *section, const char *name)
{
    return name == NULL ? -1 : hni_names_find(&section->names, name);
}

bool hn_store_is_sealed(const hn_store *store) { return store->sealed; }
int64_t hn_store_count(const hn_store *store) { return store->parameters.names.count; }
int64_t hn_store_elements(const hn_store *store) { return store->parameters.elements; }
int64_t hn_store_find(const hn_store *store, const char *name) { return find(&store->parameters, name); }
int64_t hn_store_buffer_count(const hn_store *store) { return store->buffers.names.count; }
int64_t hn_store_buffer_elements(const hn_store *store) { return store->buffers.elements; }
int64_t hn_store_buffer_find(const hn_store *store, const char *name) { return find(&store->buffers, name); }

const hn_parameter *hn_store_parameter(const hn_store *store, int64_t index)
{
    return tensor_at(&store->parameters, index);
}

const hn_parameter *hn_store_buffer(const hn_store *store, int64_t index) { return tensor_at(&store->buffers, index); }
