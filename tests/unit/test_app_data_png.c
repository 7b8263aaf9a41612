/* PNG files of every kind that is read, and what is refused; folders of them, a folder a class; single files of images. */
#include <sys/stat.h>
#include <unistd.h>

#include "app/data/images_read.h"
#include "image_sets.h"

/* ---- one file ---- */

/* Like noise, so that a filter meets all there is to choose between. */
static uint8_t coloured(int64_t x, int64_t y, int channel)
{
    uint32_t number = (uint32_t)(x * 73856093 + y * 19349663 + channel * 83492791);
    number = (number ^ number >> 15) * 2654435761u;
    return (uint8_t)(number >> 24);
}
static uint8_t low_bits(int64_t x, int64_t y, int channel) { return (uint8_t)((x * 3 + y + channel) % 2); }
static uint8_t two_bits(int64_t x, int64_t y, int channel) { return (uint8_t)((x * 3 + y + channel) % 4); }
static uint8_t four_bits(int64_t x, int64_t y, int channel) { return (uint8_t)((x * 3 + y + channel) % 16); }

static hn_status parse(hn_context *context, const test_bytes *png, hni_pixels *out)
{
    uint8_t *exact = malloc(png->size > 0 ? png->size : 1); /* so that a sanitizer sees a read beyond it */
    assert_non_null(exact);
    memcpy(exact, png->data, png->size);
    const hni_file_bytes file = {exact, png->size};
    const hn_status status = hni_png_parse(context, "it.png", &file, out);
    free(exact);
    return status;
}

static void every_kind_is_read(void **state)
{
    static const struct {
        int bits, colour, channels, factor; /* factor: sample to byte */
        test_pixel pixel;
    } kinds[] = {
        {8, 0, 1, 1, coloured}, {8, 2, 3, 1, coloured},   {8, 4, 1, 1, coloured},  {8, 6, 3, 1, coloured},
        {8, 3, 3, 0, coloured}, {1, 0, 1, 255, low_bits}, {2, 0, 1, 85, two_bits}, {4, 0, 1, 17, four_bits},
        {1, 3, 3, 0, low_bits}, {2, 3, 3, 0, two_bits},   {4, 3, 3, 0, four_bits},
    };
    static const int64_t sizes[][2] = {{1, 1}, {7, 5}, {16, 3}, {61, 37}};
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int filter = 0; filter < 6; filter++) {
            for (size_t s = 0; s < 4; s++) {
                const int64_t width = sizes[s][0], height = sizes[s][1];
                const test_png_options options = {kinds[k].bits, kinds[k].colour, filter, false};
                test_bytes png = test_png(width, height, &options, kinds[k].pixel);
                hni_pixels pixels;
                if (parse(context, &png, &pixels) != HN_OK) fail_msg("%s", hn_context_error(context)->text);
                assert_int_equal(pixels.count, 1);
                assert_int_equal(pixels.channels, kinds[k].channels);
                assert_int_equal(pixels.width, width);
                assert_int_equal(pixels.height, height);
                for (int64_t i = 0; i < width * height * kinds[k].channels; i++) {
                    const int channel = (int)(i / (width * height));
                    const int64_t x = i % width, y = i / width % height;
                    const uint8_t entry = kinds[k].pixel(x, y, 0);
                    const uint8_t of_palette[3] = {entry, (uint8_t)(255 - entry), 7};
                    const int expected =
                        kinds[k].colour == 3 ? of_palette[channel] : kinds[k].pixel(x, y, channel) * kinds[k].factor;
                    assert_int_equal(pixels.data[i], expected);
                }
                hni_free(context, pixels.data);
                free(png.data);
            }
        }
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static void assert_png_refused(hn_context *context, const test_bytes *png, hn_status expected, const char *words)
{
    hni_pixels pixels;
    assert_int_equal(parse(context, png, &pixels), expected);
    assert_null(pixels.data);
    const char *text = hn_context_error(context)->text;
    if (strstr(text, "it.png") == NULL || strstr(text, words) == NULL) fail_msg("'%s' is not in: %s", words, text);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_clear(context);
}

static void damage_is_seen(void **state)
{
    const test_png_options plain = {8, 2, 5, false};
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    test_bytes png = test_png(7, 5, &plain, coloured);
    for (size_t size = 0; size < png.size; size++) { /* cut anywhere */
        const test_bytes cut = {png.data, size};
        assert_png_refused(context, &cut, HN_ERROR_FORMAT, size < 8 ? "does not begin as a PNG" : "damaged PNG");
    }
    for (size_t at = 0; at < png.size - 8; at++) { /* a bit anywhere before the end's name */
        png.data[at] ^= 1;
        assert_png_refused(context, &png, HN_ERROR_FORMAT, at < 8 ? "does not begin as a PNG" : "damaged PNG");
        png.data[at] ^= 1;
    }
    free(png.data);
    static const struct {
        test_png_options options;
        const char *words;
    } others[] = {{{16, 2, 0, false}, "16 bits a channel"}, {{8, 0, 0, true}, "interlaced"}};
    for (size_t i = 0; i < 2; i++) {
        png = test_png(7, 5, &others[i].options, coloured);
        assert_png_refused(context, &png, HN_ERROR_UNSUPPORTED, others[i].words);
        free(png.data);
    }
    hn_context_destroy(context);
}

/* With sums put right, so that what is behind them is seen. */
static void put_crc(test_bytes *png, size_t chunk)
{
    static uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = (table[i] & 1) != 0 ? 0xEDB88320u ^ table[i] >> 1 : table[i] >> 1;
    }
    const size_t size = (size_t)png->data[chunk + 2] << 8 | png->data[chunk + 3];
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size + 4; i++)
        crc = table[(crc ^ png->data[chunk + 4 + i]) & 255] ^ crc >> 8;
    crc = ~crc;
    for (size_t i = 0; i < 4; i++)
        png->data[chunk + 8 + size + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void lies_are_seen(void **state)
{
    enum { HEADER = 8 };
    static const struct {
        size_t at; /* in the header's data */
        uint8_t byte;
        hn_status status;
        const char *words;
    } cases[] = {
        {3, 8, HN_ERROR_FORMAT, "fewer pixels than its header says"},
        {3, 6, HN_ERROR_FORMAT, "more pixels than its header says"},
        {7, 6, HN_ERROR_FORMAT, "fewer pixels than its header says"},
        {7, 4, HN_ERROR_FORMAT, "more pixels than its header says"},
        {3, 0, HN_ERROR_FORMAT, "header is wrong"},
        {0, 255, HN_ERROR_UNSUPPORTED, "more than 67,108,864 pixels"},
        {1, 60, HN_ERROR_FORMAT, "too few bytes"},
        {8, 3, HN_ERROR_FORMAT, "header is wrong"},
        {8, 4, HN_ERROR_FORMAT, "header is wrong"}, /* colours have at least 8 bits */
        {9, 1, HN_ERROR_FORMAT, "header is wrong"},
        {9, 3, HN_ERROR_FORMAT, "more pixels than its header says"},
        {10, 1, HN_ERROR_FORMAT, "header is wrong"},
        {11, 1, HN_ERROR_FORMAT, "header is wrong"},
        {12, 2, HN_ERROR_FORMAT, "header is wrong"},
    };
    const test_png_options colours = {8, 2, 0, false}, palette = {4, 3, 0, false};
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_bytes png = test_png(7, 5, &colours, coloured);
        png.data[HEADER + 8 + cases[i].at] = cases[i].byte;
        put_crc(&png, HEADER);
        assert_png_refused(context, &png, cases[i].status, cases[i].words);
        free(png.data);
    }
    test_bytes png = test_png(7, 5, &palette, four_bits);
    const size_t table = HEADER + 12 + 13;
    memcpy(png.data + table + 4, "pLTE", 4); /* not needed to read it, it says: passed over */
    put_crc(&png, table);
    assert_png_refused(context, &png, HN_ERROR_FORMAT, "palette is missing");
    memcpy(png.data + table + 4, "PLTX", 4); /* needed */
    put_crc(&png, table);
    assert_png_refused(context, &png, HN_ERROR_UNSUPPORTED, "chunk that this reader does not know");
    memcpy(png.data + table + 4, "IHDR", 4);
    put_crc(&png, table);
    assert_png_refused(context, &png, HN_ERROR_FORMAT, "header is wrong");
    free(png.data);
    hn_context_destroy(context);
}

/* ---- folders ---- */

static uint8_t first_class(int64_t x, int64_t y, int channel) { return (uint8_t)(10 + x + 3 * y + channel); }
static uint8_t second_class(int64_t x, int64_t y, int channel) { return (uint8_t)(100 + x + 3 * y + channel); }

static void put_png(const char *folder, const char *name, int colour, int64_t width, test_pixel pixel)
{
    const test_png_options options = {8, colour, 1, false};
    test_put_bytes(folder, name, test_png(width, 2, &options, pixel));
}

/* DATA/dog and DATA/cat, two images each, and what is passed over. */
static void put_classes(const char *data, int colour)
{
    char *dog = test_make_folder(data, "dog"), *cat = test_make_folder(data, "cat");
    put_png(dog, "b.png", colour, 3, second_class);
    put_png(dog, "a.PNG", colour, 3, second_class);
    put_png(cat, "1.png", colour, 3, first_class);
    put_png(cat, "2.png", colour, 3, first_class);
    test_put(cat, ".hidden.png", "not read", 8);
    test_put(cat, "notes.txt", "not read", 8);
    test_put(data, "README", "not read", 8);
    free(dog);
    free(cat);
}

static void folders_are_classes(void **state)
{
    (void)state;
    for (int colour = 0; colour <= 2; colour += 2) {
        fixture f;
        set_up(&f);
        put_classes(f.data, colour);
        f.settings.valid_images = 1;
        hni_images *images = open_images(&f);
        assert_int_equal(images->kind, HNI_IMAGES_KIND_FOLDER);
        assert_int_equal(images->count, 4);
        assert_int_equal(images->train_count, 4);
        assert_int_equal(images->part[HNI_IMAGES_TEST].count, 0);
        assert_int_equal(images->channels, colour == 0 ? 1 : 3);
        assert_int_equal(images->height, 2);
        assert_int_equal(images->width, 3);
        assert_int_equal(images->classes, 2);
        assert_string_equal(images->class_names[0], "cat");
        assert_string_equal(images->class_names[1], "dog");
        for (int i = 0; i < 4; i++) {
            assert_int_equal(images->labels[i], i / 2);
            assert_int_equal(images->pixels[i * images->channels * 6 + 4], (i < 2 ? 10 : 100) + 1 + 3);
        }
        hni_images_close(images);
        tear_down(&f);
    }
}

static void a_test_part_of_its_own(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    char *train = test_make_folder(f.data, "train"), *test = test_make_folder(f.data, "test");
    put_classes(train, 2);
    char *dog = test_make_folder(test, "dog");
    put_png(dog, "1.png", 2, 3, first_class);
    f.settings.valid_images = 1;
    hni_images *images = open_images(&f);
    assert_int_equal(images->count, 5);
    assert_int_equal(images->part[HNI_IMAGES_TEST].count, 1);
    assert_int_equal(images->labels[4], 1);
    assert_int_equal(images->pixels[4 * 18], 10);
    hni_images_close(images);
    char *bird = test_make_folder(test, "bird");
    put_png(bird, "1.png", 2, 3, first_class);
    REFUSED(&f, "test/bird: there is no class of this name among the training images");
    char *paths[] = {train, test, dog, bird};
    for (size_t i = 0; i < 4; i++)
        free(paths[i]);
    tear_down(&f);
}

static void folders_that_are_refused(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    f.settings.valid_images = 1;
    char *cat = test_make_folder(f.data, "cat");
    put_png(cat, "1.png", 2, 3, first_class);
    REFUSED(&f, "set: has 1 folder: at least two are needed");
    char *dog = test_make_folder(f.data, "dog");
    REFUSED(&f, "set/dog: this folder of a class has no PNG file");
    put_png(dog, "1.png", 2, 4, first_class);
    put_png(dog, "2.png", 2, 3, first_class);
    REFUSED(&f, "dog/1.png: is 4 x 2 pixels and in colours, the first image is 3 x 2 and in colours");
    put_png(dog, "1.png", 0, 3, first_class);
    REFUSED(&f, "dog/1.png: is 3 x 2 pixels and grey, the first image is 3 x 2 and in colours");
    test_put(dog, "1.png", "GIF89a, renamed", 15);
    REFUSED(&f, "dog/1.png: does not begin as a PNG file");
    test_put(dog, "1.png", "", 0);
    REFUSED(&f, "dog/1.png");
    put_png(dog, "1.png", 2, 3, first_class);
    f.settings.valid_images = 2;
    REFUSED(&f, "of 3 training images 2 are kept for validation");
    f.settings.valid_images = 1;
    char name[80];
    memset(name, 'x', sizeof name);
    name[70] = 0;
    char *long_name = test_make_folder(f.data, name);
    put_png(long_name, "1.png", 2, 3, first_class);
    REFUSED(&f, "set: name 2 of a class has 70 bytes", "1 to 63 bytes");
    f.settings.path[0] = 0;
    REFUSED(&f, "data.path: is empty");
    free(cat);
    free(dog);
    free(long_name);
    tear_down(&f);
}

/* ---- single files ---- */

static void files_for_prediction(void **state)
{
    static const uint8_t bytes[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
    const test_png_options options = {8, 2, 4, false};
    hni_pixels pixels;
    fixture f;
    (void)state;
    set_up(&f);
    test_put_bytes(f.data, "one.png", test_png(3, 2, &options, coloured));
    test_put_bytes(f.data, "two.idx.gz", test_gz(test_idx(3, (const int64_t[]){2, 2, 3}, bytes)));
    test_put(f.data, "text", "what is not an image", 20);
    char *png = test_path_join(f.data, "one.png"), *idx = test_path_join(f.data, "two.idx.gz");
    char *text = test_path_join(f.data, "text");
    assert_int_equal(hni_pixels_read(f.context, png, &pixels), HN_OK);
    assert_int_equal(pixels.count, 1);
    assert_int_equal(pixels.channels, 3);
    hni_free(f.context, pixels.data);
    assert_int_equal(hni_pixels_read(f.context, idx, &pixels), HN_OK);
    assert_int_equal(pixels.count, 2);
    assert_memory_equal(pixels.data, bytes, sizeof bytes);
    hni_free(f.context, pixels.data);
    assert_int_equal(hni_pixels_read(f.context, text, &pixels), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(f.context)->text, "is neither a PNG file nor an idx file of images"));
    hn_context_clear(f.context);
    free(png);
    free(idx);
    free(text);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),     cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(lies_are_seen),          cmocka_unit_test(folders_are_classes),
        cmocka_unit_test(a_test_part_of_its_own), cmocka_unit_test(folders_that_are_refused),
        cmocka_unit_test(files_for_prediction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
