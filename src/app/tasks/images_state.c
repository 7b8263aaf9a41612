/* What a checkpoint of an image run holds beside parameters and buffers: the names of the classes ("blob.classes", a line each), and mean
 * and deviation that bytes are normalised by ("blob.normalisation", F64 [2,C]). Batch-norm statistics are buffers of the store. */
#include <string.h>

#include "app/tasks/images.h"
#include "core/alloc.h"
#include "io/text.h"

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
    work->facts.norm = memory;
    memcpy(work->facts.norm, images->mean, channels * sizeof(double));
    memcpy(work->facts.norm + channels, images->deviation, channels * sizeof(double));
    HNI_TRY(join_classes(images, &classes));
    work->facts.classes_size = classes.size;
    HNI_TRY(hni_text_take(&classes, &work->facts.classes));
cleanup:
    hni_text_free(&classes);
    return status;
}

/* ---- of checkpoints ---- */

hn_status hni_images_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more)
{
    const hni_image_facts *facts = &work->facts;
    *out_more = index == 0 || index == 1;
    if (index == 0) {
        *out_tensor = (hni_task_tensor){.name = HNI_IMAGE_CLASSES,
                                        .dtype = HN_DTYPE_U8,
                                        .shape = HN_SHAPE1((int64_t)facts->classes_size),
                                        .data = facts->classes};
    } else if (index == 1) {
        *out_tensor = (hni_task_tensor){.name = HNI_IMAGE_NORM,
                                        .dtype = HN_DTYPE_F64,
                                        .shape = HN_SHAPE2(2, work->model.channels),
                                        .data = facts->norm};
    }
    return HN_OK;
}

/* The data's own are taken when it is opened; here they are only compared. */
hn_status hni_images_state_set(hni_task_work *work, const hn_safetensors *checkpoint)
{
    const hni_image_facts *own = &work->facts;
    const size_t norm_size = (size_t)(2 * work->model.channels) * sizeof(double);
    hni_image_facts trained;
    hn_status status = hni_image_facts_read(work->context, checkpoint, &work->model, &trained);
    if (status != HN_OK) return status;
    if (trained.classes_size != own->classes_size || memcmp(trained.classes, own->classes, own->classes_size) != 0 ||
        memcmp(trained.norm, own->norm, norm_size) != 0) {
        status = hni_error(work->context, HN_ERROR_FORMAT,
                           "checkpoint: its classes or its normalisation are not those of the images: the data or the "
                           "recipe was changed");
    }
    hni_free(work->context, trained.classes);
    hni_free(work->context, trained.norm);
    return status;
}
