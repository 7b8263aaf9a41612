/* Data sets by name: which file of the folder it is where they are one, and what is said when they are not here. */
#include <sys/stat.h>

#include "app/data/find.h"
#include "app/data/text.h"
#include "test_support.h"

typedef struct fixture {
    hn_context *context;
    char *folder, *data; /* the place, and PLACE/enwik8 */
    hni_data_places places;
} fixture;

static void set_up(fixture *f)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(hn_context_create(NULL, &f->context), HN_OK);
    f->folder = test_folder_create();
    f->data = test_path_join(f->folder, "enwik8");
    assert_int_equal(mkdir(f->data, 0700), 0);
    snprintf(f->places.folders[0], sizeof f->places.folders[0], "%s", f->folder);
}

static void tear_down(fixture *f)
{
    free(f->data);
    assert_int_equal(hn_context_memory(f->context), 0);
    hn_context_destroy(f->context);
    test_folder_remove(f->folder);
}

static void put(const fixture *f, const char *name, const char *text)
{
    char *path = test_path_join(f->data, name);
    test_file_write(path, text, strlen(text));
    free(path);
}

/* "" : nothing is found. */
static void assert_found(const fixture *f, const char *path, const char *name)
{
    hni_data_status found;
    assert_int_equal(hni_data_find(f->context, path, &f->places, &found), HN_OK);
    assert_int_equal(found.available, name[0] != 0);
    if (name[0] == 0) {
        assert_string_equal(found.where, "");
        assert_non_null(strstr(found.remedy, "2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8"));
        assert_non_null(strstr(found.remedy, "enwik8.first4000000"));
        return;
    }
    const char *ending = found.where + strlen(found.where) - strlen(name);
    assert_string_equal(ending, name);
}

static void the_whole_goes_before_a_beginning(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    assert_found(&f, "enwik8", "");
    put(&f, "enwik8.zip", "not to be read as text");
    put(&f, "README", "nor this");
    put(&f, "enwik8.first", "nor this");
    put(&f, "enwik8.first12bytes", "nor this");
    assert_found(&f, "enwik8", "");
    put(&f, "enwik8.first9", "nine");
    assert_found(&f, "enwik8", "/enwik8/enwik8.first9");
    put(&f, "enwik8.first10.xz", "more, though its name sorts before");
    assert_found(&f, "enwik8", "/enwik8/enwik8.first10.xz");
    put(&f, "enwik8.gz", "packed");
    assert_found(&f, "enwik8", "/enwik8/enwik8.gz");
    put(&f, "enwik8.xz", "packed");
    assert_found(&f, "enwik8", "/enwik8/enwik8.xz");
    put(&f, "enwik8", "plain");
    assert_found(&f, "enwik8", "/enwik8/enwik8");
    assert_found(&f, "enwik8/enwik8.first9", "/enwik8/enwik8.first9"); /* a file is taken as it stands */
    tear_down(&f);
}

/* 90, 5 and 5 of a hundred of whatever is there. */
static void a_beginning_is_cut_in_the_same_shares(void **state)
{
    fixture f;
    hni_text_settings settings;
    hni_text_data *text = NULL;
    char bytes[201];
    (void)state;
    set_up(&f);
    for (int i = 0; i < 200; i++)
        bytes[i] = (char)('a' + i % 26);
    bytes[200] = 0;
    put(&f, "enwik8.first200", bytes);
    hni_settings_default(hni_text_settings_table(), &settings);
    snprintf(settings.path, sizeof settings.path, "enwik8");
    settings.vocabulary_size = 205;
    settings.batch = settings.length = 4;
    const hni_text_source source = {.places = &f.places};
    if (hni_text_open(f.context, &settings, &source, &text) != HN_OK) fail_msg("%s", hn_context_error(f.context)->text);
    assert_int_equal(text->count[HNI_TEXT_TRAIN], 180);
    assert_int_equal(text->count[HNI_TEXT_VALID], 10);
    assert_int_equal(text->count[HNI_TEXT_TEST], 10);
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 26); /* of 205 rows */
    hni_text_close(text);
    tear_down(&f);
}

/* The first 4,000,000 bytes: 3,600,000 / 200,000 / 200,000, of 200 kinds. */
static void the_shared_beginning(void **state)
{
    hn_context *context;
    hni_text_settings settings;
    hni_text_data *text = NULL;
    (void)state;
    char *path = test_data_or_skip("enwik8/enwik8.first4000000");
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hni_settings_default(hni_text_settings_table(), &settings);
    snprintf(settings.path, sizeof settings.path, "%s", path);
    free(path);
    settings.vocabulary_size = 205;
    settings.batch = 128;
    settings.length = 250;
    const hni_text_source source = {.places = NULL};
    if (hni_text_open(context, &settings, &source, &text) != HN_OK) fail_msg("%s", hn_context_error(context)->text);
    assert_int_equal(text->count[HNI_TEXT_TRAIN], 3600000);
    assert_int_equal(text->count[HNI_TEXT_VALID], 200000);
    assert_int_equal(text->count[HNI_TEXT_TEST], 200000);
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 200);
    hni_text_close(text);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

/* Sets of images by name: what is said when they are not here; a package's folder is looked at last. */
static void images_by_name(void **state)
{
    static const struct {
        const char *name, *words[3];
    } sets[] = {
        {"mnist",
         {"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
          "ff7bcfd416de"}},
        {"cifar10",
         {"cifar-10-binary.tar", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", "8e2eb146ae34"}},
        {"fashion-mnist",
         {"dataset-fashion-mnist", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", "dev setup"}},
    };
    fixture f;
    struct stat package;
    (void)state;
    set_up(&f);
    const bool has_package = stat("/usr/share/datasets/fashion-mnist", &package) == 0;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        hni_data_status found;
        char path[HNI_DATA_PATH_SIZE];
        char *folder = test_path_join(f.folder, sets[i].name);
        assert_int_equal(hni_data_find(f.context, sets[i].name, &f.places, &found), HN_OK);
        if (i == 2 && has_package) {
            assert_true(found.available);
            assert_string_equal(found.where, "/usr/share/datasets/fashion-mnist");
        } else {
            assert_false(found.available);
            assert_int_equal(hni_data_want(f.context, sets[i].name, &f.places, path), HN_ERROR_IO);
            for (int word = 0; word < 3; word++) {
                if (strstr(hn_context_error(f.context)->text, sets[i].words[word]) == NULL)
                    fail_msg("'%s' is not in: %s", sets[i].words[word], hn_context_error(f.context)->text);
            }
            hn_context_clear(f.context);
        }
        assert_int_equal(mkdir(folder, 0700), 0);
        assert_int_equal(hni_data_find(f.context, sets[i].name, &f.places, &found), HN_OK);
        assert_true(found.available);
        assert_string_equal(found.where, folder);
        free(folder);
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_goes_before_a_beginning),
        cmocka_unit_test(a_beginning_is_cut_in_the_same_shares),
        cmocka_unit_test(the_shared_beginning),
        cmocka_unit_test(images_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
