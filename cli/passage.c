/* Keeps what a model writes. */
#include "passage.h"

void hni_passage_open(hn_context *context, hni_passage *out_passage)
{
    *out_passage = (hni_passage){.text = {.context = context}};
    for (int gate = 0; gate < HNI_GATES; gate++)
        out_passage->change[gate].context = context;
}

void hni_passage_close(hni_passage *passage)
{
    hni_text_free(&passage->text);
    for (int gate = 0; gate < HNI_GATES; gate++)
        hni_text_free(&passage->change[gate]);
}

static bool keep_piece(void *user, const char *bytes, size_t size)
{
    hni_passage *passage = user;
    hni_text_add_bytes(&passage->text, bytes, size);
    return passage->text.status == HN_OK;
}

static void keep_change(void *user, uint8_t byte, const float change[4])
{
    hni_passage *passage = user;
    (void)byte;
    for (int gate = 0; gate < HNI_GATES; gate++) {
        hni_text_add_bytes(&passage->change[gate], &change[gate], sizeof change[gate]);
    }
}

hn_status hni_passage_write(const hni_task *task, hni_task_work *work, const hni_sample_options *options, bool heat,
                            hni_passage *passage)
{
    hni_sample_options sample = *options;
    hn_status status;
    sample.write = keep_piece;
    sample.heat = heat ? keep_change : NULL;
    sample.user = passage;
    HNI_TRY(task->sample(work, &sample));
    HNI_TRY(passage->text.status);
    for (int gate = 0; gate < HNI_GATES; gate++)
        HNI_TRY(passage->change[gate].status);
cleanup:
    return status;
}

hni_heat hni_passage_heat(const hni_passage *passage)
{
    hni_heat heat = {.bytes = (const unsigned char *)passage->text.data, .count = passage->text.size};
    for (int gate = 0; gate < HNI_GATES; gate++)
        heat.change[gate] = (const float *)(const void *)passage->change[gate].data;
    return heat;
}
