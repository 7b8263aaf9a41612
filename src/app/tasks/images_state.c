/* What a checkpoint of an image run holds beside parameters and buffers: the names of the classes ("blob.classes", a line each), and mean
 * and deviation that bytes are normalised by ("blob.normalisation", F64 [2,C]). Batch-norm statistics are buffers of the store. */
#include <math.h>
#include <string.h>

#include "app/tasks/images.h"
#include "core/alloc.h"
#include "io/text.h"

static const char classes_name[] = "blob.classes", norm_name[] = "blob.normalisation";

static hn_status keep(hni_task_work *work, const char *classes, size_t size, const double *norm)
{
    const size_t channels = (size_t)work->model.channels;
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc(work->context, "classes", size + 1, &memory));
    work->classes = memory;
    memcpy(work->classes, classes, size);
    work->classes[size] = 0;
    work->classes_size = size;
    HNI_TRY(hni_alloc_array(work->context, "normalisation", 2 * channels, sizeof(double), &memory));
    work->norm = memory;
    memcpy(work->norm, norm, 2 * channels * sizeof(double));
cleanup:
    return status;
}

/* ---- of data ---- */

static hn_status join_classes(const hni_images *images, hni_text *out)
{
    for (int64_t i = 0; i < images->classes; i++)
        hni_text_add(out, "%s%s", i > 0 ? "\n" : "", images->class_names[i]);
    return out->status;
}

hn_status hni_images_take_facts(hni_task_work *work)
{
    const hni_images *images = work->images;
    const size_t channels = (size_t)images->channels;
    hni_text classes = {.context = work->context};
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(work->context, "normalisation", 2 * channels, sizeof(double), &memory));
    double *norm = memory;
    memcpy(norm, images->mean, channels * sizeof(double));
    memcpy(norm + channels, images->deviation, channels * sizeof(double));
    HNI_TRY(join_classes(images, &classes));
    HNI_TRY(keep(work, classes.data, classes.size, norm));
cleanup:
    hni_free(work->context, memory);
    hni_text_free(&classes);
    return status;
}

/* ---- of a checkpoint ---- */

static hn_status damaged(const hni_task_work *work, const char *name, const char *what)
{
    return hni_error(work->context, HN_ERROR_FORMAT,
                     "checkpoint: '%s' %s: take the last.safetensors or best.safetensors of a run on images", name,
                     what);
}

/* The number of lines, none of them empty; 0 if it is no such text. */
static int64_t count_lines(const char *text, size_t size)
{
    int64_t lines = size > 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == 0 || (text[i] == '\n' && (i == 0 || i + 1 == size || text[i - 1] == '\n'))) return 0;
        lines += text[i] == '\n';
    }
    return lines;
}

static hn_status read_norm(const hni_task_work *work, const hn_safetensors *checkpoint, double *out_norm)
{
    const int64_t channels = work->model.channels;
    const hn_file_tensor *tensor = hn_safetensors_find(checkpoint, norm_name);
    if (tensor == NULL) return damaged(work, norm_name, "is missing");
    if (tensor->dtype != HN_DTYPE_F64 || !hn_shape_equal(tensor->shape, HN_SHAPE2(2, channels)))
        return damaged(work, norm_name, "is not F64 [2,C] with the model's channels");
    memcpy(out_norm, tensor->data, (size_t)(2 * channels) * sizeof(double)); /* lies at any address */
    for (int64_t i = 0; i < 2 * channels; i++)
        if (!isfinite(out_norm[i]) || (i >= channels && !(out_norm[i] > 0)))
            return damaged(work, norm_name, "holds a mean or deviation that is none");
    return HN_OK;
}

hn_status hni_images_read_facts(hni_task_work *work, const hn_safetensors *checkpoint)
{
    const hn_file_tensor *classes = hn_safetensors_find(checkpoint, classes_name);
    void *norm = NULL;
    hn_status status;
    if (classes == NULL) return damaged(work, classes_name, "is missing");
    const size_t size = (size_t)hn_shape_elements(classes->shape);
    if (classes->dtype != HN_DTYPE_U8 || count_lines(classes->data, size) != work->model.classes)
        return damaged(work, classes_name, "does not name the model's classes, a line each");
    HNI_TRY(hni_alloc_array(work->context, "normalisation", (size_t)(2 * work->model.channels), sizeof(double), &norm));
    HNI_TRY(read_norm(work, checkpoint, norm));
    HNI_TRY(keep(work, classes->data, size, norm));
cleanup:
    hni_free(work->context, norm);
    return status;
}

/* ---- both ---- */

hn_status hni_images_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more)
{
    *out_more = index == 0 || index == 1;
    if (index == 0) {
        *out_tensor = (hni_task_tensor){
            .dtype = HN_DTYPE_U8, .shape = HN_SHAPE1((int64_t)work->classes_size), .data = work->classes};
        memcpy(out_tensor->name, classes_name, sizeof classes_name);
    } else if (index == 1) {
        *out_tensor =
            (hni_task_tensor){.dtype = HN_DTYPE_F64, .shape = HN_SHAPE2(2, work->model.channels), .data = work->norm};
        memcpy(out_tensor->name, norm_name, sizeof norm_name);
    }
    return HN_OK;
}

/* The data's own are taken when it is opened; here they are only compared. */
hn_status hni_images_state_set(hni_task_work *work, const hn_safetensors *checkpoint)
{
    hni_task_work trained = {.context = work->context, .model = work->model};
    const size_t norm_size = (size_t)(2 * work->model.channels) * sizeof(double);
    hn_status status = hni_images_read_facts(&trained, checkpoint);
    if (status == HN_OK && (trained.classes_size != work->classes_size ||
                            memcmp(trained.classes, work->classes, work->classes_size) != 0 ||
                            memcmp(trained.norm, work->norm, norm_size) != 0)) {
        status = hni_error(work->context, HN_ERROR_FORMAT,
                           "checkpoint: its classes or its normalisation are not those of the images: the data or the "
                           "recipe was changed");
    }
    hni_free(work->context, trained.classes);
    hni_free(work->context, trained.norm);
    return status;
}
