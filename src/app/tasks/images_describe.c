/* What `info` says about an image model: its network, where its weights come from, its data, and how it reads what the paper leaves open. */
#include <stdio.h>

#include "app/tasks/images.h"
#include "app/tasks/readings.h"
#include "nn/image.h"

static void describe_network(const hn_image_model *model, const hni_lines *out)
{
    const long long k = model->widen, filters = (long long)model->filters, f = (long long)model->kernel_size;
    switch (model->network) {
    case HN_IMAGE_NETWORK_CONV:
        hni_line(out, "network",
                 "twice: convolution %lldx%lld to %lld channels, SAME padding, relu, 2x2 max pool; then linear to %lld "
                 "classes",
                 f, f, filters, (long long)model->classes);
        break;
    case HN_IMAGE_NETWORK_MLP:
        hni_line(out, "network", "linear to %lld units, relu, linear to %lld classes", (long long)model->units,
                 (long long)model->classes);
        break;
    case HN_IMAGE_NETWORK_WIDE_RESNET:
        hni_line(out, "network", "wide ResNet %d-%lld: groups of %lld, %lld and %lld channels, %lld blocks each",
                 model->depth, k, 16 * k, 32 * k, 64 * k, (long long)hni_image_blocks(model));
    }
}

static void describe_weights(const hni_task_work *work, const hni_lines *out)
{
    const hn_image_model *model = &work->model;
    const long long basic = (long long)model->basic_size, e = (long long)model->embedding_size;
    const long long d = model->generator_units > 0 ? (long long)model->generator_units : e;
    hn_image_counts counts;
    if (model->weights == HN_IMAGE_WEIGHTS_STORED) {
        hni_line(out, "weights", "all stored");
        return;
    }
    hn_image_model_counts(model, hn_weights_store(work->weights), &counts);
    hni_line(out, "weights, generated", "%lld, out of %lld numbers of the generator and %lld of embeddings",
             (long long)counts.generated, (long long)counts.generator, (long long)counts.embeddings);
    hni_line(out, "weights, stored", "%lld beside them", (long long)counts.network);
    if (model->weights == HN_IMAGE_WEIGHTS_HYPER) {
        hni_line(out, "generator", "two layers, %lld numbers and %lld units make a kernel of %lld to %lld channels", e,
                 d, basic, basic);
    } else if (model->weights == HN_IMAGE_WEIGHTS_HYPER_LINEAR) {
        hni_line(out, "generator", "one linear layer, %lld numbers make a kernel of %lld to %lld channels", e, basic,
                 basic);
    } else {
        hni_line(out, "generator", "two hidden layers of %lld units, relu, from %s of pixel and hidden unit",
                 (long long)model->coordinate_units,
                 model->frequencies > 0 ? "cos and sin of the coordinates" : "the coordinates");
    }
}

static void describe_images(const hn_image_model *model, const hni_lines *out)
{
    hni_line(out, "images", "%lld x %lld (height x width), %lld channels, %lld classes", (long long)model->height,
             (long long)model->width, (long long)model->channels, (long long)model->classes);
}

static void describe_data(const hni_task_work *work, const hni_lines *out)
{
    hni_line(out, "batch",
             "%lld images, each epoch in an order of its own; what fills no batch is left out of the epoch",
             (long long)work->data.batch);
    if (work->images == NULL) return;
    hni_line(out, "parts", "%lld / %lld / %lld images to train, validate, test",
             (long long)work->images->part[HNI_IMAGES_TRAIN].count,
             (long long)work->images->part[HNI_IMAGES_VALID].count,
             (long long)work->images->part[HNI_IMAGES_TEST].count);
}

/* ---- readings ---- */

#define NETWORK(kind) (1U << (kind))
#define CONV NETWORK(HN_IMAGE_NETWORK_CONV)
#define MLP NETWORK(HN_IMAGE_NETWORK_MLP)
#define RESNET NETWORK(HN_IMAGE_NETWORK_WIDE_RESNET)
#define ANY (CONV | MLP | RESNET)

typedef struct concern {
    hni_reading reading;
    unsigned networks;
    bool generated; /* only where weights are */
} concern;

static const concern of_model[] = {
    {{"batch norm", NULL,
      "after conv1 without relu, before each convolution of a block with relu, before the pooling with relu; epsilon "
      "1e-5; "
      "running = 0.9 running + 0.1 batch, biased variance"},
     RESNET,
     false},
    {{"shortcuts", NULL, "from the raw input, without parameters: stride by subsampling, new channels zero"},
     RESNET,
     false},
    {{"biases", NULL, "every convolution has one"}, CONV | RESNET, false},
    {{"start of kernels", NULL, "He normal, biases 0"}, CONV | RESNET, false},
    {{"start of the generator", "start",
      "paper is weights N(0, 0.01 squared), biases 0, embeddings N(0, 1) cut at 2; hyperfan asks for the variance of "
      "what is made"},
     ANY,
     true},
    {{"tiles", "basic_size", "of a larger kernel in row-major order: rows are blocks of input channels"},
     CONV | RESNET,
     true},
    {{"coordinates", "frequencies",
      "pixel and hidden unit on square grids from -1 to 1, relu inside, linear output; 0: the coordinates as they are"},
     MLP,
     true},
    {{"L2", "kernel_decay",
      "of half the sum of squares of kernels, stored or generated, and of linear matrices; not of batch norm, "
      "embeddings or generator"},
     ANY,
     false},
    {{"label smoothing", "label_smoothing", NULL}, ANY, false},
};

static const concern of_data[] = {
    {{"validation images", "valid_drawn", "valid_images of the training images, by split_seed"}, ANY, false},
    {{"normalisation", NULL, "each channel by mean and deviation of the training part"}, ANY, false},
    {{"padding", "pad", "zeros after normalisation, then a crop of the image's size; training images only"},
     ANY,
     false},
    {{"mirroring", "flip", "left to right, every second image by chance; training images only"}, ANY, false},
    {{"turning", "rotate", "by an angle of up to so many degrees either way; training images only"}, ANY, false},
    {{"scaling", "scale", "by a factor of up to so much more or less than 1; training images only"}, ANY, false},
    {{"shifting", "shift", "by up to this share of the image's size either way; training images only"}, ANY, false},
    {{"error", NULL, "of images as they are; of the checkpoint that was best on the validation images"}, ANY, false},
};

static void describe_readings(const hni_task_work *work, bool with_data, const hni_lines *out)
{
    const size_t model_count = sizeof of_model / sizeof of_model[0];
    const size_t data_count = with_data ? sizeof of_data / sizeof of_data[0] : 0;
    char key[64], value[512];
    for (size_t i = 0; i < model_count + data_count; i++) {
        const bool is_model = i < model_count;
        const concern *row = is_model ? &of_model[i] : &of_data[i - model_count];
        const hni_settings *settings = is_model ? hni_image_settings() : hni_images_settings_table();
        const void *object = is_model ? (const void *)&work->model : (const void *)&work->data;
        if ((row->networks & NETWORK(work->model.network)) == 0) continue;
        if (row->generated && work->model.weights == HN_IMAGE_WEIGHTS_STORED) continue;
        if (!hni_reading_print(&row->reading, settings, object, value, sizeof value)) continue;
        snprintf(key, sizeof key, "reading: %s", row->reading.name);
        out->write(out->user, key, value);
    }
}

hn_status hni_images_describe(const hni_task_work *work, bool with_data,
                              void (*write)(void *user, const char *key, const char *value), void *user)
{
    const hni_lines out = {write, user};
    describe_network(&work->model, &out);
    describe_weights(work, &out);
    describe_images(&work->model, &out);
    if (with_data) describe_data(work, &out);
    describe_readings(work, with_data, &out);
    return HN_OK;
}

void hni_images_label(const hni_task_work *work, char *out_text, size_t size)
{
    static const char *const prefixes[] = {"", "hyper ", "linear hyper ", "coordinate "};
    const hn_image_model *model = &work->model;
    const char *prefix = prefixes[model->weights];
    switch (model->network) {
    case HN_IMAGE_NETWORK_CONV: snprintf(out_text, size, "%sconv %lld", prefix, (long long)model->filters); break;
    case HN_IMAGE_NETWORK_MLP: snprintf(out_text, size, "%sMLP %lld", prefix, (long long)model->units); break;
    case HN_IMAGE_NETWORK_WIDE_RESNET: snprintf(out_text, size, "%sWRN-%d-%d", prefix, model->depth, model->widen);
    }
}
