/* The text reader: Mikolov's rule, parts, vocabularies, tracks, and what it refuses. */
#include "app/data/sha256.h"
#include "app/data/text.h"
#include "test_support.h"

typedef struct fixture {
    hn_context *context;
    char *folder;
} fixture;

static void set_up(fixture *f)
{
    hn_context_options options;
    hn_context_options_default(&options);
    assert_int_equal(hn_context_create(&options, &f->context), HN_OK);
    f->folder = test_folder_create();
}

static void tear_down(fixture *f)
{
    assert_int_equal(hn_context_memory(f->context), 0);
    hn_context_destroy(f->context);
    test_folder_remove(f->folder);
}

static hni_text_settings settings_for(const fixture *f, const char *name)
{
    hni_text_settings settings;
    memset(&settings, 0, sizeof settings);
    hni_settings_default(hni_text_settings_table(), &settings);
    snprintf(settings.path, sizeof settings.path, "%s/%s", f->folder, name);
    settings.batch = 2;
    settings.length = 4;
    return settings;
}

static void put_file(const fixture *f, const char *name, const void *bytes, size_t size)
{
    char *path = test_path_join(f->folder, name);
    test_file_write(path, bytes, size);
    free(path);
}

/* 100 bytes: 'a' .. 'j' over and over. */
static void put_text(const fixture *f, const char *name)
{
    char text[100];
    for (int i = 0; i < 100; i++)
        text[i] = (char)('a' + i % 10);
    put_file(f, name, text, sizeof text);
}

static hni_text_data *open_text(const fixture *f, const hni_text_settings *settings)
{
    const hni_text_source source = {.places = NULL};
    hni_text_data *text = NULL;
    const hn_status status = hni_text_open(f->context, settings, &source, &text);
    if (status != HN_OK) print_error("%s\n", hn_context_error(f->context)->text);
    assert_int_equal(status, HN_OK);
    return text;
}

/* Opening must fail, and the message hold all of these words (NULL ends them). */
static void assert_refused(const fixture *f, const hni_text_settings *settings, const char *const *words)
{
    const hni_text_source source = {.places = NULL};
    hni_text_data *text = NULL;
    assert_int_not_equal(hni_text_open(f->context, settings, &source, &text), HN_OK);
    assert_null(text);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strstr(hn_context_error(f->context)->text, words[i]) == NULL) {
            fail_msg("'%s' is not in: %s", words[i], hn_context_error(f->context)->text);
        }
    }
    hn_context_clear(f->context);
}

static void sha256_of_known_texts(void **state)
{
    static const struct {
        const char *text;
        size_t repeats;
        const char *digest;
    } cases[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hni_sha256 hash;
        char text[HNI_SHA256_TEXT_SIZE];
        hni_sha256_begin(&hash);
        for (size_t k = 0; k < cases[i].repeats; k++)
            hni_sha256_add(&hash, cases[i].text, strlen(cases[i].text));
        hni_sha256_end(&hash, text);
        assert_string_equal(text, cases[i].digest);
    }
}

static void treebank_rule(void **state)
{
    static const struct {
        const char *given, *wanted;
    } cases[] = {
        {" no it was n't \n", "no_it_was_n't\n"},
        {" a b \n c \n", "a_b\nc\n"},
        {" a b ", "a_b\n"},   /* the last line without its end */
        {"a  b\n", "a__b\n"}, /* no space at the ends; two inside */
        {" \n\n", "\n\n"},    /* empty lines */
        {" <unk> N \n", "<unk>_N\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].given);
        const size_t size = hni_treebank_characters((uint8_t *)text, strlen(text));
        assert_int_equal(size, strlen(cases[i].wanted));
        assert_memory_equal(text, cases[i].wanted, size);
    }
}

static void one_text_is_cut_by_position(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    put_text(&f, "a.txt");
    hni_text_settings settings = settings_for(&f, "a.txt");
    settings.valid_fraction = 0.1;
    settings.test_fraction = 0.2;
    hni_text_data *text = open_text(&f, &settings);
    assert_int_equal(text->count[HNI_TEXT_TRAIN], 70);
    assert_int_equal(text->count[HNI_TEXT_VALID], 10);
    assert_int_equal(text->count[HNI_TEXT_TEST], 20);
    assert_int_equal(text->start[HNI_TEXT_VALID], 70);
    assert_int_equal(text->start[HNI_TEXT_TEST], 80);
    assert_int_equal(text->count[HNI_TEXT_ALL], 100);
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 256);
    assert_int_equal(text->symbols[71], 'b'); /* V = 256: the byte is the row */
    assert_int_equal(strlen(text->checksum), 64);
    hni_text_close(text);
    tear_down(&f);
}

static void small_vocabulary_is_in_order_of_code(void **state)
{
    fixture f;
    uint8_t bytes[] = {'z', 0, 0xFF, 'a', 'z'};
    const hni_file_bytes given = {bytes, sizeof bytes};
    hn_vocabulary *vocabulary = NULL;
    size_t size;
    (void)state;
    set_up(&f);
    assert_int_equal(hni_vocabulary_of(f.context, HN_SYMBOL_BYTE, &given, 50, &vocabulary), HN_OK);
    assert_memory_equal(hni_vocabulary_text(vocabulary, &size), "\0az\xFF", 4);
    assert_int_equal(size, 4);
    hni_vocabulary_destroy(vocabulary);
    assert_int_equal(hni_vocabulary_of(f.context, HN_SYMBOL_BYTE, &given, 256, &vocabulary), HN_OK);
    assert_int_equal(hn_vocabulary_count(vocabulary), 256);
    assert_int_equal(hn_vocabulary_find(vocabulary, bytes, 1, &size), 'z');
    hni_vocabulary_destroy(vocabulary);
    tear_down(&f);
}

static void rows_are_symbols_of_all_parts(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    put_text(&f, "a.txt");
    hni_text_settings settings = settings_for(&f, "a.txt");
    settings.vocabulary_size = 12;
    hni_text_data *text = open_text(&f, &settings);
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 10);
    assert_int_equal(text->symbols[13], 3);
    hni_text_close(text);
    settings.vocabulary_size = 9;
    assert_refused(
        &f, &settings,
        (const char *const[]){"data.vocabulary_size", "is 9", "10 distinct symbols", "raise it to 10", NULL});
    tear_down(&f);
}

static void refuses_what_cannot_be_learned_from(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    put_text(&f, "a.txt");
    put_file(&f, "empty.txt", "", 0);
    hni_text_settings settings = settings_for(&f, "a.txt");
    settings.batch = 8;
    settings.length = 50;
    assert_refused(&f, &settings,
                   (const char *const[]){"a.txt", "90 characters", "408", "data.batch", "data.length", NULL});
    settings = settings_for(&f, "a.txt");
    settings.valid_fraction = 0;
    assert_refused(&f, &settings, (const char *const[]){"validation", "0 characters", "data.valid_fraction", NULL});
    settings.valid_fraction = 0.5;
    settings.test_fraction = 0.5;
    assert_refused(&f, &settings,
                   (const char *const[]){"data.valid_fraction", "data.test_fraction", "nothing to train", NULL});
    settings = settings_for(&f, "empty.txt");
    assert_refused(&f, &settings, (const char *const[]){"empty.txt", "empty", NULL});
    settings = settings_for(&f, "missing.txt");
    assert_refused(&f, &settings, (const char *const[]){"data.path", "missing.txt", "not found", "--data", NULL});
    settings.path[0] = 0;
    assert_refused(&f, &settings, (const char *const[]){"data.path", "empty", NULL});
    settings = settings_for(&f, "a.txt");
    snprintf(settings.path, sizeof settings.path, "%s", "ptb/nowhere");
    assert_refused(&f, &settings, (const char *const[]){"ptb.train.txt", "fcea919f6cf8", NULL});
    tear_down(&f);
}

static void a_trained_model_refuses_new_symbols(void **state)
{
    fixture f;
    hni_text_data *text = NULL;
    hn_vocabulary *vocabulary = NULL;
    (void)state;
    set_up(&f);
    put_file(&f, "new.txt",
             "aba\xE2"
             "b",
             5);
    const hni_text_settings settings = settings_for(&f, "unused");
    char *path = test_path_join(f.folder, "new.txt");
    assert_int_equal(hni_vocabulary_create(f.context, HN_SYMBOL_BYTE, "ab", 2, &vocabulary), HN_OK);
    const hni_text_source source = {.vocabulary = vocabulary, .file = path};
    assert_int_not_equal(hni_text_open(f.context, &settings, &source, &text), HN_OK);
    assert_non_null(strstr(hn_context_error(f.context)->text, "character 4 is byte 0xE2"));
    hn_context_clear(f.context);
    put_file(&f, "new.txt", "bab", 3);
    assert_int_equal(hni_text_open(f.context, &settings, &source, &text), HN_OK);
    assert_int_equal(text->count[HNI_TEXT_ALL], 3);
    assert_memory_equal(text->symbols, "\1\0\1", 3);
    hni_text_close(text);
    put_file(&f, "new.txt", "b", 1);
    assert_int_not_equal(hni_text_open(f.context, &settings, &source, &text), HN_OK);
    assert_non_null(strstr(hn_context_error(f.context)->text, "at least 2"));
    hni_vocabulary_destroy(vocabulary);
    free(path);
    tear_down(&f);
}

static void checksum_knows_bytes_and_parts(void **state)
{
    fixture f;
    char first[65];
    (void)state;
    set_up(&f);
    put_text(&f, "a.txt");
    hni_text_settings settings = settings_for(&f, "a.txt");
    hni_text_data *text = open_text(&f, &settings);
    memcpy(first, text->checksum, sizeof first);
    hni_text_close(text);
    settings.vocabulary_size = 20; /* other rows, the same text */
    text = open_text(&f, &settings);
    assert_string_equal(text->checksum, first);
    hni_text_close(text);
    settings.test_fraction = 0.06;
    text = open_text(&f, &settings);
    assert_string_not_equal(text->checksum, first);
    hni_text_close(text);
    tear_down(&f);
}

static void tracks_and_windows(void **state)
{
    (void)state;
    hni_text_tracks tracks = hni_text_tracks_of(5017482, 128, 100);
    assert_int_equal(tracks.track, 39199);
    assert_int_equal(tracks.windows, 391);
    tracks = hni_text_tracks_of(22, 2, 5); /* 11 a track: two windows of 5 and the character after */
    assert_int_equal(tracks.windows, 2);
    tracks = hni_text_tracks_of(20, 2, 5);
    assert_int_equal(tracks.windows, 1);
    tracks = hni_text_tracks_of(1, 2, 5);
    assert_int_equal(tracks.windows, 0);
}

static void finds_data_below_the_places(void **state)
{
    fixture f;
    hni_data_places places;
    hni_data_status found;
    (void)state;
    set_up(&f);
    put_text(&f, "corpus.txt");
    assert_int_equal(hni_data_places_find(f.context, f.folder, &places), HN_OK);
    assert_string_equal(places.folders[0], f.folder);
    assert_int_equal(hni_data_find(f.context, "corpus.txt", &places, &found), HN_OK);
    assert_true(found.available);
    assert_non_null(strstr(found.where, "/corpus.txt"));
    assert_int_equal(hni_data_find(f.context, "kjv/missing", &places, &found), HN_OK);
    assert_false(found.available);
    assert_non_null(strstr(found.remedy, "./dev setup"));
    assert_int_not_equal(hni_data_places_find(f.context, "/nowhere/at/all", &places), HN_OK);
    assert_non_null(strstr(hn_context_error(f.context)->text, "--data: '/nowhere/at/all'"));
    hn_context_clear(f.context);
    tear_down(&f);
}

/* Mikolov's counts: 5,017,482 / 393,042 / 442,423 characters, 50 symbols. */
static void penn_treebank_is_mikolovs(void **state)
{
    fixture f;
    (void)state;
    char *path = test_data_or_skip("ptb");
    set_up(&f);
    hni_text_settings settings = settings_for(&f, "unused");
    snprintf(settings.path, sizeof settings.path, "%s", path);
    free(path);
    settings.kind = HNI_TEXT_KIND_PENN_TREEBANK;
    settings.vocabulary_size = 50;
    hni_text_data *text = open_text(&f, &settings);
    assert_int_equal(text->count[HNI_TEXT_TRAIN], 5017482);
    assert_int_equal(text->count[HNI_TEXT_VALID], 393042);
    assert_int_equal(text->count[HNI_TEXT_TEST], 442423);
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 50);
    hni_text_close(text);
    settings.vocabulary_size = 49;
    assert_refused(&f, &settings, (const char *const[]){"is 49", "50 distinct symbols", NULL});
    tear_down(&f);
}

static void penn_treebank_needs_its_files(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    put_file(&f, "ptb.train.txt", " a b \n", 6);
    hni_text_settings settings = settings_for(&f, "");
    settings.kind = HNI_TEXT_KIND_PENN_TREEBANK;
    assert_refused(&f, &settings, (const char *const[]){"ptb.valid.txt", "penn_treebank", NULL});
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(treebank_rule),
        cmocka_unit_test(one_text_is_cut_by_position),
        cmocka_unit_test(small_vocabulary_is_in_order_of_code),
        cmocka_unit_test(rows_are_symbols_of_all_parts),
        cmocka_unit_test(refuses_what_cannot_be_learned_from),
        cmocka_unit_test(a_trained_model_refuses_new_symbols),
        cmocka_unit_test(checksum_knows_bytes_and_parts),
        cmocka_unit_test(tracks_and_windows),
        cmocka_unit_test(finds_data_below_the_places),
        cmocka_unit_test(penn_treebank_is_mikolovs),
        cmocka_unit_test(penn_treebank_needs_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
