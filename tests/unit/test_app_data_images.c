/* Labelled images from idx files: shapes, labels, names; parts and measures; what is refused. And the real sets, if they are here. */
#include <math.h>
#include <unistd.h>

#include "image_sets.h"

/* ---- idx ---- */

enum { TRAIN = 12, TEST = 4, AREA = 6 };
static uint8_t pixels[(TRAIN + TEST) * AREA], labels[TRAIN + TEST];

/* 12 training and 4 test images of 2 x 3; byte i of image n is 10 n + i, its label n % 3. */
static void put_idx(const fixture *f, const char *ending)
{
    char name[64];
    for (int i = 0; i < (TRAIN + TEST) * AREA; i++)
        pixels[i] = (uint8_t)(i / AREA * 10 + i % AREA);
    for (int i = 0; i < TRAIN + TEST; i++)
        labels[i] = (uint8_t)(i % 3);
    for (int part = 0; part < 2; part++) {
        const int64_t size[3] = {part == 0 ? TRAIN : TEST, 2, 3};
        const char *word = part == 0 ? "train" : "t10k";
        test_bytes images = test_idx(3, size, pixels + part * TRAIN * AREA);
        test_bytes numbers = test_idx(1, size, labels + part * TRAIN);
        snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", word, ending);
        test_put_bytes(f->data, name, ending[0] != 0 ? test_gz(images) : images);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", word, ending);
        test_put_bytes(f->data, name, ending[0] != 0 ? test_gz(numbers) : numbers);
    }
}

static void idx_is_read_as_it_stands(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    put_idx(&f, "");
    f.settings.valid_drawn = HNI_IMAGES_DRAWN_LAST;
    hni_images *images = open_images(&f);
    assert_int_equal(images->kind, HNI_IMAGES_KIND_IDX);
    assert_int_equal(images->count, TRAIN + TEST);
    assert_int_equal(images->train_count, TRAIN);
    assert_int_equal(images->channels, 1);
    assert_int_equal(images->height, 2);
    assert_int_equal(images->width, 3);
    assert_memory_equal(images->pixels, pixels, sizeof pixels);
    for (int i = 0; i < TRAIN + TEST; i++)
        assert_int_equal(images->labels[i], i % 3);
    assert_int_equal(images->classes, 3);
    assert_string_equal(images->class_names[0], "0");
    assert_string_equal(images->class_names[2], "2");
    const int64_t counts[] = {8, 4, 4}, firsts[] = {0, 8, 12};
    for (int split = 0; split < HNI_IMAGES_SPLITS; split++) {
        assert_int_equal(images->part[split].count, counts[split]);
        for (int64_t i = 0; i < counts[split]; i++)
            assert_int_equal(images->part[split].rows[i], firsts[split] + i);
    }
    /* 10 n + i for n < 8, i < 6: mean 35 + 2.5, variance 100 (64 - 1) / 12 + (36 - 1) / 12. */
    assert_close(images->mean[0] * 255, 37.5, 1e-14, 0);
    assert_close(images->deviation[0] * 255, sqrt(525.0 + 35.0 / 12), 1e-14, 0);
    assert_string_equal(images->checksum, "a6e8cfa749a92bbe63d55e83a77a3766a458d22bb905ec0a9c513ef5ea50986c");
    hni_images_close(images);
    tear_down(&f);
}

static void idx_goes_by_other_names(void **state)
{
    fixture f;
    char checksum[65];
    (void)state;
    set_up(&f);
    put_idx(&f, "");
    hni_images *images = open_images(&f);
    memcpy(checksum, images->checksum, sizeof checksum);
    hni_images_close(images);
    static const char *const files[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                        "t10k-labels-idx1-ubyte"};
    for (size_t i = 0; i < 4; i++) {
        char *path = test_path_join(f.data, files[i]);
        assert_int_equal(unlink(path), 0);
        free(path);
        REFUSED(&f, i == 0 ? "no images are recognised" : "has no");
        put_idx(&f, ".gz");
        images = open_images(&f); /* some packed, the others plain */
        assert_string_equal(images->checksum, checksum);
        hni_images_close(images);
        for (size_t other = 0; other < 4; other++) {
            char name[64];
            snprintf(name, sizeof name, "%s.gz", files[other]);
            path = test_path_join(f.data, name);
            assert_int_equal(unlink(path), 0);
            free(path);
        }
        put_idx(&f, "");
    }
    char *from = test_path_join(f.data, "t10k-images-idx3-ubyte"),
         *to = test_path_join(f.data, "test-images.idx3-ubyte");
    assert_int_equal(rename(from, to), 0);
    images = open_images(&f);
    assert_string_equal(images->checksum, checksum);
    hni_images_close(images);
    free(from);
    free(to);
    tear_down(&f);
}

/* Colours first or last: the same images. */
static void idx_with_colours(void **state)
{
    fixture f;
    uint8_t first[6 * 2 * 5 * 7], last[sizeof first];
    (void)state;
    set_up(&f);
    put_idx(&f, "");
    for (int n = 0; n < 6; n++)
        for (int c = 0; c < 2; c++)
            for (int p = 0; p < 35; p++)
                first[(n * 2 + c) * 35 + p] = last[(n * 35 + p) * 2 + c] = (uint8_t)(n * 40 + c * 100 + p);
    for (int way = 0; way < 2; way++) {
        const int64_t sizes[2][4] = {{6, 2, 5, 7}, {6, 5, 7, 2}};
        test_put_bytes(f.data, "train-images-idx4-ubyte", test_idx(4, sizes[way], way == 0 ? first : last));
        test_put_bytes(f.data, "t10k-images-idx4-ubyte", test_idx(4, sizes[way], way == 0 ? first : last));
        test_put_bytes(f.data, "train-labels-idx1-ubyte", test_idx(1, sizes[way], labels));
        test_put_bytes(f.data, "t10k-labels-idx1-ubyte", test_idx(1, sizes[way], labels));
        for (int i = 0; i < 2; i++) {
            char *path = test_path_join(f.data, i == 0 ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte");
            (void)unlink(path);
            free(path);
        }
        hni_images *images = open_images(&f);
        assert_int_equal(images->count, 12);
        assert_int_equal(images->channels, 2);
        assert_int_equal(images->height, 5);
        assert_int_equal(images->width, 7);
        assert_memory_equal(images->pixels, first, sizeof first);
        assert_memory_equal(images->pixels + sizeof first, first, sizeof first);
        hni_images_close(images);
    }
    const int64_t many[4] = {6, 5, 2, 7};
    test_put_bytes(f.data, "t10k-images-idx4-ubyte", test_idx(4, many, first));
    REFUSED(&f, "t10k-images-idx4-ubyte: is [6,5,2,7]", "1 to 4 of them");
    tear_down(&f);
}

static void idx_that_is_refused(void **state)
{
    static const struct {
        const char *file;
        int64_t at, cut; /* overwrite this byte (-1: none), take away so many bytes */
        uint8_t byte;
        const char *words[3];
    } cases[] = {
        {"train-images-idx3-ubyte", 0, 0, 1, {"train-images-idx3-ubyte: begins with 0x01000803", "right file", NULL}},
        {"train-images-idx3-ubyte", 2, 0, 13, {"begins with 0x00000D03", "images (0x00000803 or 0x00000804)", NULL}},
        {"train-images-idx3-ubyte", 3, 0, 1, {"begins with 0x00000801", "images", NULL}},
        {"train-labels-idx1-ubyte", 3, 0, 3, {"begins with 0x00000803", "labels (0x00000801)", NULL}},
        {"train-images-idx3-ubyte", -1, 1, 0, {"promises 72 bytes, 71 follow it", "fetch the file again", NULL}},
        {"train-images-idx3-ubyte", -1, 75, 0, {"ends within its header", NULL}},
        {"train-images-idx3-ubyte", -1, 85, 0, {"is 3 bytes long", NULL}},
        {"train-images-idx3-ubyte", 7, 0, 11, {"promises 66 bytes, 72 follow it", NULL}},
        {"train-images-idx3-ubyte", 4, 0, 255, {"promises 25669140552 bytes", NULL}},
        {"train-images-idx3-ubyte", 15, 0, 0, {"dimension 2 has size 0", NULL}},
        {"t10k-labels-idx1-ubyte", 7, 0, 3, {"promises 3 bytes, 4 follow it", NULL}},
        {"t10k-labels-idx1-ubyte", 9, 0, 3, {"test image 1 has label 3", "0 to 2", NULL}},
    };
    fixture f;
    (void)state;
    set_up(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_idx(&f, "");
        size_t size;
        char *path = test_path_join(f.data, cases[i].file);
        unsigned char *bytes = test_file_read(path, &size);
        if (cases[i].at >= 0) bytes[cases[i].at] = cases[i].byte;
        test_file_write(path, bytes, size - (size_t)cases[i].cut);
        assert_refused(&f, cases[i].words);
        free(bytes);
        free(path);
    }
    const int64_t three[3] = {3, 2, 3}, turned[3] = {4, 3, 2};
    put_idx(&f, "");
    test_put_bytes(f.data, "t10k-labels-idx1-ubyte", test_idx(1, three, labels));
    REFUSED(&f, "t10k-labels-idx1-ubyte: has 3 labels", "t10k-images-idx3-ubyte has 4 images");
    put_idx(&f, "");
    test_put_bytes(f.data, "t10k-images-idx3-ubyte", test_idx(3, turned, pixels));
    REFUSED(&f, "t10k-images-idx3-ubyte: its images are [1,3,2], those of the training part [1,2,3]");
    const uint8_t one_class[TRAIN] = {0};
    put_idx(&f, "");
    test_put_bytes(f.data, "train-labels-idx1-ubyte", test_idx(1, (const int64_t[]){TRAIN}, one_class));
    test_put_bytes(f.data, "t10k-labels-idx1-ubyte", test_idx(1, (const int64_t[]){TEST}, one_class));
    REFUSED(&f, "all training images are of one class", "second class");
    test_bytes packed = test_gz(test_idx(1, (const int64_t[]){TRAIN}, labels));
    packed.data[12] ^= 4;
    char *plain = test_path_join(f.data, "train-labels-idx1-ubyte");
    assert_int_equal(unlink(plain), 0);
    free(plain);
    test_put_bytes(f.data, "train-labels-idx1-ubyte.gz", packed);
    REFUSED(&f, "train-labels-idx1-ubyte.gz: damaged gzip data", "fetch the file again");
    tear_down(&f);
}

/* ---- parts ---- */

static void parts_are_drawn_by_seed(void **state)
{
    fixture f;
    uint32_t drawn[3] = {0, 0, 0}; /* bit i: image i is for validation */
    (void)state;
    set_up(&f);
    put_idx(&f, "");
    for (int i = 0; i < 3; i++) {
        f.settings.split_seed = i == 2 ? 7 : 1;
        hni_images *images = open_images(&f);
        const hni_images_part *train = &images->part[HNI_IMAGES_TRAIN], *valid = &images->part[HNI_IMAGES_VALID];
        uint32_t seen = 0;
        double sum = 0;
        assert_int_equal(train->count, 8);
        assert_int_equal(valid->count, 4);
        for (int64_t r = 0; r < train->count; r++) {
            assert_true(r == 0 || train->rows[r] > train->rows[r - 1]);
            seen |= 1u << train->rows[r];
            sum += 10 * train->rows[r] + 2.5;
        }
        for (int64_t r = 0; r < valid->count; r++)
            drawn[i] |= 1u << valid->rows[r];
        assert_int_equal(seen | drawn[i], (1u << TRAIN) - 1);
        assert_int_equal(seen & drawn[i], 0);
        assert_close(images->mean[0] * 255, sum / 8, 1e-13, 0); /* of the training part alone */
        hni_images_close(images);
    }
    assert_int_equal(drawn[0], drawn[1]);
    assert_int_not_equal(drawn[0], drawn[2]);
    f.settings.batch = 9;
    REFUSED(&f, "of 12 training images 4 are kept for validation, and 8 are left", "one batch needs 9",
            "data.valid_images or data.batch");
    f.settings.valid_images = 20;
    REFUSED(&f, "20 are kept for validation, and 0 are left");
    f.settings.valid_images = 0;
    REFUSED(&f, "data.valid_images: is 0");
    hni_images *images = NULL;
    f.settings.valid_images = 5000;
    assert_int_equal(hni_images_open(f.context, &f.settings, &(hni_images_source){.look = true}, &images), HN_OK);
    assert_int_equal(images->part[HNI_IMAGES_VALID].count, TRAIN); /* there is nothing to learn, but to look at */
    hni_images_close(images);
    tear_down(&f);
}

static void words_are_known(void **state)
{
    (void)state;
    assert_string_equal(hni_images_kind_name(HNI_IMAGES_KIND_CIFAR10), "cifar10");
    for (int split = 0; split < HNI_IMAGES_SPLITS; split++)
        assert_int_equal(hni_images_split_find(hni_images_split_name((hni_images_split)split)), split);
    assert_int_equal(hni_images_split_find("tests"), -1);
}

/* ---- the real ones ---- */

/* As the recipes have it: they leave data.valid_images at its default. */
static void assert_parts(fixture *f, int64_t train)
{
    hni_images_settings defaults;
    hni_settings_default(hni_images_settings_table(), &defaults);
    f->settings.valid_images = defaults.valid_images;
    hni_images *images = open_images(f);
    assert_int_equal(images->train_count, train + 5000);
    assert_int_equal(images->part[HNI_IMAGES_TRAIN].count, train);
    assert_int_equal(images->part[HNI_IMAGES_VALID].count, 5000);
    assert_int_equal(images->part[HNI_IMAGES_TEST].count, 10000);
    hni_images_close(images);
}

static void real_images(void **state)
{
    static const struct {
        const char *name, *checksum, *last; /* the name of the last class */
        double mean, deviation;             /* of channel 0 over all training images */
        int64_t classes[10], train;         /* images without those for validation */
    } sets[] = {
        {"mnist",
         "47a5bc4cc8cb87d843530ce89cbe7f9147e0a9723c8abeef1103c5619dbcfbeb",
         "9",
         0.13066,
         0.30811,
         {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
         55000},
        {"cifar10",
         "29e210f88c2c2011804df8841dfdfbac546bf12917ad0a25a752903eeca1d7f3",
         "truck",
         0.49140,
         0.24703,
         {5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000},
         45000},
        {"/usr/share/datasets/fashion-mnist",
         "75e8c1e173917ca8febd8195e1372e50e760bd8acdfe4d94ce2af7309084bd98",
         "ankle boot",
         0.28604,
         0.35302,
         {6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000},
         55000},
    };
    const int set = *(int *)*state;
    char *path = test_data_or_skip(sets[set].name);
    const char *build = getenv("HYPERNET_BUILD_DIR");
    fixture f;
    set_up(&f);
    if (build != NULL) { /* keeps what takes ten seconds to unpack */
        char *cache = test_path_join(build, "cache");
        assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);
        free(cache);
    }
    snprintf(f.settings.path, sizeof f.settings.path, "%s", path);
    f.settings.valid_images = 1;
    hni_images *images = open_images(&f);
    assert_string_equal(images->checksum, sets[set].checksum);
    assert_close(images->mean[0], sets[set].mean, 0, 1e-5);
    assert_close(images->deviation[0], sets[set].deviation, 0, 1e-5);
    int64_t counts[10] = {0};
    for (int64_t i = 0; i < images->train_count; i++)
        counts[images->labels[i]]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(counts[i], sets[set].classes[i]);
    assert_string_equal(images->class_names[9], sets[set].last);
    hni_images_close(images);
    assert_parts(&f, sets[set].train);
    free(path);
    tear_down(&f);
}

int main(void)
{
    static int mnist = 0, cifar10 = 1, fashion = 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_is_read_as_it_stands),
        cmocka_unit_test(idx_goes_by_other_names),
        cmocka_unit_test(idx_with_colours),
        cmocka_unit_test(idx_that_is_refused),
        cmocka_unit_test(parts_are_drawn_by_seed),
        cmocka_unit_test(words_are_known),
        cmocka_unit_test_prestate(real_images, &mnist),
        cmocka_unit_test_prestate(real_images, &cifar10),
        cmocka_unit_test_prestate(real_images, &fashion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
