/* Defaults, ranges and names of every setting of an image model, and which go together. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/context.h"
#include "io/settings_json.h"
#include "nn/image.h"
#include "nn/trained.h"

static const char *const network_words[] = {"conv", "mlp", "wide_resnet", NULL};
static const char *const weights_words[] = {"stored", "hyper", "hyper_linear", "coordinates", NULL};
static const char *const start_words[] = {"paper", "hyperfan_in", "hyperfan_out", NULL};

#define MOST_PIXELS 4096 /* a side */
#define MOST_CLASSES 65536
#define MOST_UNITS 65536
#define MOST_SMOOTHING 0.99

static const hni_setting rows[] = {
    HNI_SETTING_CHOICE("network", hn_image_model, network, network_words, "conv",
                       "conv (two convolutions and a linear layer), mlp (one hidden layer) or wide_resnet"),
    HNI_SETTING_CHOICE("weights", hn_image_model, weights, weights_words, "stored",
                       "where the large weights come from: stored, hyper (embeddings, two layers), hyper_linear (one "
                       "layer), coordinates (mlp)"),
    HNI_SETTING_INTEGER("channels", hn_image_model, channels, 0, 1024, 0, "of an image; 0: as the data have"),
    HNI_SETTING_INTEGER("height", hn_image_model, height, 0, MOST_PIXELS, 0, "of an image; 0: as the data have"),
    HNI_SETTING_INTEGER("width", hn_image_model, width, 0, MOST_PIXELS, 0, "of an image; 0: as the data have"),
    HNI_SETTING_INTEGER("classes", hn_image_model, classes, 0, MOST_CLASSES, 0, "0: as the data have"),
    HNI_SETTING_INTEGER("filters", hn_image_model, filters, 1, MOST_UNITS, 16, "conv: channels of both convolutions"),
    HNI_SETTING_INTEGER("kernel_size", hn_image_model, kernel_size, 1, 99, 7, "conv: width of both kernels, odd"),
    HNI_SETTING_INTEGER("units", hn_image_model, units, 1, MOST_UNITS, 256,
                        "mlp: hidden units; a square number with weights coordinates"),
    HNI_SETTING_INT("depth", hn_image_model, depth, 10, 1000, 40, "wide_resnet: layers, 6n + 4"),
    HNI_SETTING_INT("widen", hn_image_model, widen, 1, 256, 1, "wide_resnet: k, groups of 16k, 32k and 64k channels"),
    HNI_SETTING_INTEGER("embedding_size", hn_image_model, embedding_size, 1, MOST_UNITS, 4,
                        "E, numbers from which a basic kernel is made"),
    HNI_SETTING_INTEGER("generator_units", hn_image_model, generator_units, 0, MOST_UNITS, 0,
                        "d, units of the generator for each input channel; 0: E"),
    HNI_SETTING_INTEGER("basic_size", hn_image_model, basic_size, 1, MOST_UNITS, 16,
                        "input and output channels of the basic kernel"),
    HNI_SETTING_CHOICE("start", hn_image_model, start, start_words, "paper",
                       "of the generator: paper, or hyperfan_in, hyperfan_out (variance of the generated weights)"),
    HNI_SETTING_INTEGER("coordinate_units", hn_image_model, coordinate_units, 1, MOST_UNITS, 25,
                        "units of each hidden layer of the network that reads coordinates"),
    HNI_SETTING_INT("frequencies", hn_image_model, frequencies, 0, 16, 0,
                    "it reads cos and sin of so many frequencies of a coordinate; 0: the coordinate"),
    HNI_SETTING_NUMBER("label_smoothing", hn_image_model, label_smoothing, 0, MOST_SMOOTHING, 0,
                       "share of a target that is spread over all classes, in training"),
    HNI_SETTING_NUMBER("kernel_decay", hn_image_model, kernel_decay, 0, 1, 0,
                       "L2: factor of half the sum of squares of kernels, stored or generated"),
};

static const hni_settings table = HNI_SETTINGS("model", rows);

const hni_settings *hni_image_settings(void) { return &table; }

void hn_image_model_default(hn_image_model *out_model)
{
    *out_model = (hn_image_model){.depth = 40};
    hni_settings_default(&table, out_model);
}

/* ---- what goes together ---- */

static bool is_hyper(const hn_image_model *model)
{
    return model->weights == HN_IMAGE_WEIGHTS_HYPER || model->weights == HN_IMAGE_WEIGHTS_HYPER_LINEAR;
}

static bool is_square(int64_t number)
{
    int64_t root = 0;
    while (root * root < number)
        root++;
    return root * root == number;
}

/* Something that does not go with the rest. */
typedef struct misplaced {
    bool is_set;
    const char *text; /* what is wrong, and what to do */
} misplaced;

static hn_status refuse(hn_context *context, const misplaced *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].is_set) return hni_error(context, HN_ERROR_ARGUMENT, "%s", list[i].text);
    return HN_OK;
}

static hn_status check_weights(hn_context *context, const hn_image_model *model)
{
    const bool mlp = model->network == HN_IMAGE_NETWORK_MLP;
    const bool coordinates = model->weights == HN_IMAGE_WEIGHTS_COORDINATES;
    const misplaced list[] = {
        {coordinates && !mlp,
         "model.weights coordinates makes a matrix from the places of pixels and hidden units: set "
         "model.network to mlp, or use hyper"},
        {is_hyper(model) && mlp,
         "model.weights hyper and hyper_linear make kernels, which model.network mlp does not have: use coordinates"},
        {model->start != HN_GENERATOR_START_PAPER && model->weights == HN_IMAGE_WEIGHTS_STORED,
         "model.start is how a generator begins, and with model.weights stored there is none: set it to paper"},
        {model->frequencies != 0 && !coordinates,
         "model.frequencies goes with model.weights coordinates alone: set it to 0"},
        {coordinates && model->channels != 1,
         "model.weights coordinates: a pixel's place tells no channels apart: use images of one channel"},
    };
    return refuse(context, list, sizeof list / sizeof list[0]);
}

static hn_status check_sizes(hn_context *context, const hn_image_model *model)
{
    const bool conv = model->network == HN_IMAGE_NETWORK_CONV, resnet = model->network == HN_IMAGE_NETWORK_WIDE_RESNET;
    if (conv && model->kernel_size % 2 == 0)
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "model.kernel_size is %lld: it must be odd, so that the image keeps its size",
                         (long long)model->kernel_size);
    if (conv && (model->height < 4 || model->width < 4))
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "model.network conv halves images twice: %lld x %lld is too small, 4 x 4 is the least",
                         (long long)model->height, (long long)model->width);
    if (resnet && model->depth % 6 != 4)
        return hni_error(context, HN_ERROR_ARGUMENT, "model.depth is %d: it must be 6n + 4, for example %d",
                         model->depth, model->depth / 6 * 6 + 4);
    const int64_t channels = resnet ? 16 : model->filters; /* those of wider groups are multiples of it */
    if (is_hyper(model) && channels % model->basic_size != 0)
        return hni_error(
            context, HN_ERROR_ARGUMENT,
            "model.basic_size is %lld: the network's kernels have multiples of %lld channels, which it must "
            "divide",
            (long long)model->basic_size, (long long)channels);
    if (model->weights == HN_IMAGE_WEIGHTS_COORDINATES && !is_square(model->units))
        return hni_error(
            context, HN_ERROR_ARGUMENT,
            "model.units is %lld: with model.weights coordinates the hidden units lie on a square grid, so "
            "it must be a square number, for example 256",
            (long long)model->units);
    return HN_OK;
}

hn_status hn_image_model_check(hn_context *context, const hn_image_model *model)
{
    const struct {
        const char *name;
        int64_t value;
    } sizes[] = {
        {"channels", model->channels}, {"height", model->height}, {"width", model->width}, {"classes", model->classes}};
    hn_status status = hni_settings_check(context, "image model", &table, model);
    for (size_t i = 0; status == HN_OK && i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].value > 0) continue;
        status = hni_error(context, HN_ERROR_ARGUMENT, "image model: model.%s is 0: say how many the images have",
                           sizes[i].name);
    }
    if (status == HN_OK) status = check_weights(context, model);
    return status == HN_OK ? check_sizes(context, model) : status;
}

/* ---- JSON ---- */

hn_status hn_image_model_to_json(hn_context *context, const hn_image_model *model, char *out_text, size_t size)
{
    return hni_model_json(context, &table, model, out_text, size);
}

hn_status hn_image_model_from_json(hn_context *context, const char *text, hn_image_model *out_model)
{
    hn_image_model_default(out_model);
    return hni_settings_from_json(context, "model settings", &table, text, out_model);
}

void hn_image_model_baked(const hn_image_model *model, hn_image_model *out_baked)
{
    *out_baked = *model;
    out_baked->weights = HN_IMAGE_WEIGHTS_STORED;
    out_baked->start = HN_GENERATOR_START_PAPER;
    out_baked->frequencies = 0;
}
