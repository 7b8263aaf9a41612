/* CIFAR-10: its records, files and archive, and the decoded copy of what was packed. */
#include <dirent.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_sets.h"

/* ---- files and archive ---- */

static const char *const cifar_names[6] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
static const char names_file[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\r\neight\nnine\nten\n\n";

static test_bytes xz(test_bytes plain)
{
    const size_t room = lzma_stream_buffer_bound(plain.size);
    test_bytes packed = {malloc(room), 0};
    assert_non_null(packed.data);
    const lzma_ret code =
        lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, plain.data, plain.size, packed.data, &packed.size, room);
    assert_int_equal(code, LZMA_OK);
    free(plain.data);
    return packed;
}

/* As a file with this ending is. */
static test_bytes packed_as(const char *ending, test_bytes plain)
{
    return strcmp(ending, ".gz") == 0 ? test_gz(plain) : strcmp(ending, ".xz") == 0 ? xz(plain) : plain;
}

/* 3 images a file: 15 and 3. */
static void put_cifar(const char *folder, const char *ending)
{
    for (int i = 0; i < 6; i++) {
        char name[32];
        test_bytes bytes = test_cifar(3, 3 * i);
        snprintf(name, sizeof name, "%s%s", cifar_names[i], ending);
        test_put_bytes(folder, name, packed_as(ending, bytes));
    }
}

static void assert_cifar(const hni_images *images, const char *first_name)
{
    test_bytes all = test_cifar(18, 0);
    assert_int_equal(images->kind, HNI_IMAGES_KIND_CIFAR10);
    assert_int_equal(images->count, 18);
    assert_int_equal(images->train_count, 15);
    assert_int_equal(images->channels, 3);
    assert_int_equal(images->height, 32);
    assert_int_equal(images->width, 32);
    assert_int_equal(images->classes, 10);
    assert_string_equal(images->class_names[0], first_name);
    for (int i = 0; i < 18; i++) {
        assert_int_equal(images->labels[i], i % 10);
        assert_memory_equal(images->pixels + i * 3072, all.data + i * 3073 + 1, 3072);
    }
    assert_int_equal(images->part[HNI_IMAGES_TRAIN].count, 11);
    assert_int_equal(images->part[HNI_IMAGES_TEST].rows[2], 17);
    free(all.data);
}

static void cifar_from_files(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    put_cifar(f.data, "");
    hni_images *images = open_images(&f);
    assert_cifar(images, "airplane");
    assert_string_equal(images->class_names[9], "truck");
    hni_images_close(images);
    test_put(f.data, "batches.meta.txt", names_file, sizeof names_file - 1);
    images = open_images(&f);
    assert_cifar(images, "one");
    assert_string_equal(images->class_names[6], "seven");
    hni_images_close(images);
    test_put(f.data, "batches.meta.txt", "one\ntwo\n", 8);
    REFUSED(&f, "batches.meta.txt: has 2 class names, CIFAR-10 has 10");
    test_put(f.data, "batches.meta.txt", names_file, sizeof names_file - 1);
    test_bytes bytes = test_cifar(3, 0);
    bytes.data[2 * 3073] = 10;
    test_put(f.data, "data_batch_2.bin", bytes.data, bytes.size);
    REFUSED(&f, "data_batch_2.bin: record 2 has label 10, CIFAR-10 has 0 to 9");
    test_put(f.data, "data_batch_2.bin", bytes.data, bytes.size - 1);
    REFUSED(&f, "data_batch_2.bin: has 9218 bytes", "records of 3073 bytes");
    free(bytes.data);
    char *path = test_path_join(f.data, "data_batch_2.bin");
    assert_int_equal(unlink(path), 0);
    free(path);
    REFUSED(&f, "has no data_batch_2.bin, plain, .gz or .xz");
    f.settings.kind = HNI_IMAGES_KIND_IDX;
    REFUSED(&f, "has no train-images-idx3-ubyte");
    tear_down(&f);
}

static test_bytes cifar_tar(bool reversed)
{
    test_bytes tar = {NULL, 0};
    const test_bytes names = {(uint8_t *)(uintptr_t)names_file, sizeof names_file - 1};
    test_tar_add(&tar, "cifar-10-batches-bin/batches.meta.txt", &names);
    for (int i = 0; i < 6; i++) {
        const int file = reversed ? 5 - i : i;
        char name[100];
        test_bytes bytes = test_cifar(3, 3 * file);
        snprintf(name, sizeof name, "cifar-10-batches-bin/%s", cifar_names[file]);
        test_tar_add(&tar, name, &bytes);
        free(bytes.data);
    }
    test_tar_add(&tar, NULL, NULL);
    return tar;
}

static void cifar_from_an_archive(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    for (int reversed = 0; reversed < 2; reversed++) {
        test_put_bytes(f.data, "cifar-10-binary.tar", cifar_tar(reversed == 1));
        hni_images *images = open_images(&f);
        assert_cifar(images, "one");
        hni_images_close(images);
    }
    char *path = test_path_join(f.data, "cifar-10-binary.tar");
    snprintf(f.settings.path, sizeof f.settings.path, "%s", path); /* named itself */
    hni_images *images = open_images(&f);
    assert_cifar(images, "one");
    hni_images_close(images);
    test_bytes tar = cifar_tar(false);
    static const size_t whole[] = {512, 1024, 1024 + 512 + 9728, 0}; /* behind headers and files */
    for (size_t size = 1; size <= tar.size - 1024; size += size < 2048 ? 37 : 997) {
        test_file_write(path, tar.data, size);
        REFUSED(&f, "cifar-10-binary.tar: the tar archive ends", "fetch the file again");
    }
    for (size_t i = 0; whole[i] > 0; i++) {
        test_file_write(path, tar.data, whole[i]);
        REFUSED(&f, "cifar-10-binary.tar: the tar archive ends");
    }
    for (int byte = 0; byte < 160; byte += 13) {
        tar.data[byte] ^= 0x40;
        test_file_write(path, tar.data, tar.size);
        REFUSED(&f, "cifar-10-binary.tar: damaged tar header, at byte 0");
        tar.data[byte] ^= 0x40;
    }
    free(tar.data);
    tar = (test_bytes){NULL, 0};
    test_bytes batch = test_cifar(3, 0);
    test_tar_add(&tar, "data_batch_1.bin", &batch);
    test_tar_add(&tar, NULL, NULL);
    test_put_bytes(f.data, "cifar-10-binary.tar", tar);
    REFUSED(&f, "there is no data_batch_2.bin in this archive");
    free(batch.data);
    free(path);
    tear_down(&f);
}

/* ---- packed by xz ---- */

/* A flipped bit anywhere in the file ends in a message that names it; then the file is put right. No copy of the images may be there yet:
 * one could pass for the damaged file's, written within the same tick of the file system's clock. */
static void refuses_flipped_bits(const fixture *f, const char *name)
{
    char *path = test_path_join(f->data, name), start[64];
    size_t size;
    unsigned char *bytes = test_file_read(path, &size);
    snprintf(start, sizeof start, "/%s: ", name);
    assert_true(size > 100);
    for (size_t at = 0; at < size; at += 1 + size / 61) {
        bytes[at] ^= (unsigned char)(1 << at % 8);
        test_file_write(path, bytes, size);
        bytes[at] ^= (unsigned char)(1 << at % 8);
        REFUSED(f, start);
    }
    bytes[size / 2] ^= 1;
    test_file_write(path, bytes, size);
    bytes[size / 2] ^= 1;
    REFUSED(f, start, "damaged xz data, after ", "fetch the file again");
    test_file_write(path, bytes, size / 2);
    REFUSED(f, start, "the xz data ends too early");
    test_file_write(path, bytes, size);
    free(bytes);
    free(path);
}

/* The images, twice: unpacked, and out of the copy. */
static void assert_same(const fixture *f, const char *first_name, const char *checksum)
{
    for (int time = 0; time < 2; time++) {
        hni_images *images = open_images(f);
        assert_cifar(images, first_name);
        assert_string_equal(images->checksum, checksum);
        hni_images_close(images);
    }
}

static void packed_by_xz(void **state)
{
    fixture plain, files, archive;
    (void)state;
    set_up(&plain);
    put_cifar(plain.data, "");
    hni_images *images = open_images(&plain);
    set_up(&files);
    put_cifar(files.data, ".xz");
    refuses_flipped_bits(&files, "data_batch_3.bin.xz");
    refuses_flipped_bits(&files, "test_batch.bin.xz");
    assert_same(&files, "airplane", images->checksum);
    const test_bytes names = {(uint8_t *)strdup(names_file), sizeof names_file - 1};
    test_put_bytes(files.data, "batches.meta.txt.xz", xz(names));
    assert_same(&files, "one", images->checksum);
    set_up(&archive);
    test_put_bytes(archive.data, "cifar-10-binary.tar.xz", xz(cifar_tar(true)));
    refuses_flipped_bits(&archive, "cifar-10-binary.tar.xz");
    assert_same(&archive, "one", images->checksum);
    char *path = test_path_join(archive.data, "cifar-10-binary.tar.xz");
    snprintf(archive.settings.path, sizeof archive.settings.path, "%s", path); /* named itself */
    assert_same(&archive, "one", images->checksum);
    hni_images_close(images);
    free(path);
    tear_down(&archive);
    tear_down(&files);
    tear_down(&plain);
}

/* ---- the decoded copy ---- */

/* The one file in the folder of copies, FOLDER/cache/hypernet; NULL if there is none. */
static char *copy_of(const fixture *f)
{
    char *cache = test_path_join(f->folder, "cache"), *folder = test_path_join(cache, "hypernet"), *found = NULL;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        assert_null(found);
        found = test_path_join(folder, entry->d_name);
    }
    if (entries != NULL) (void)closedir(entries);
    free(cache);
    free(folder);
    return found;
}

static void assert_opens(const fixture *f, const char *first_name)
{
    hni_images *images = open_images(f);
    assert_cifar(images, first_name);
    hni_images_close(images);
}

static void a_copy_is_kept_and_used(void **state)
{
    fixture f;
    size_t size, other_size;
    (void)state;
    set_up(&f);
    put_cifar(f.data, "");
    assert_opens(&f, "airplane");
    assert_null(copy_of(&f)); /* nothing was packed */
    for (int i = 0; i < 6; i++) {
        char *path = test_path_join(f.data, cifar_names[i]);
        assert_int_equal(unlink(path), 0);
        free(path);
    }
    put_cifar(f.data, ".gz");
    test_put(f.data, "batches.meta.txt", names_file, sizeof names_file - 1);
    hni_images *images = open_images(&f);
    char checksum[65];
    memcpy(checksum, images->checksum, sizeof checksum);
    assert_cifar(images, "one");
    hni_images_close(images);
    char *copy = copy_of(&f);
    assert_non_null(copy);
    images = open_images(&f);
    assert_cifar(images, "one");
    assert_string_equal(images->checksum, checksum);
    hni_images_close(images);

    /* Another copy under this one's name is what comes out: so it is really the copy that is read. */
    unsigned char *bytes = test_file_read(copy, &size);
    assert_int_equal(unlink(copy), 0);
    test_bytes changed = test_cifar(3, 0);
    changed.data[0] = 5;
    test_put_bytes(f.data, "data_batch_1.bin.gz", test_gz(changed));
    images = open_images(&f);
    assert_int_equal(images->labels[0], 5);
    hni_images_close(images);
    char *other = copy_of(&f); /* made of other files, so it has another name */
    assert_non_null(other);
    assert_string_not_equal(other, copy);
    unsigned char *other_bytes = test_file_read(other, &other_size);
    test_file_write(other, bytes, size);
    images = open_images(&f);
    assert_int_equal(images->labels[0], 0);
    hni_images_close(images);

    /* A damaged one is made anew, wherever it is damaged. */
    for (size_t at = 0; at < other_size; at += 1 + at / 3) {
        other_bytes[at] ^= 8;
        test_file_write(other, other_bytes, other_size);
        other_bytes[at] ^= 8;
        images = open_images(&f);
        assert_int_equal(images->labels[0], 5);
        hni_images_close(images);
        unsigned char *anew = test_file_read(other, &size);
        assert_int_equal(size, other_size);
        assert_memory_equal(anew, other_bytes, size);
        free(anew);
    }
    for (size_t cut = 0; cut < other_size; cut += 1 + cut) {
        test_file_write(other, other_bytes, cut);
        images = open_images(&f);
        assert_int_equal(images->labels[0], 5);
        hni_images_close(images);
    }
    free(bytes);
    free(other_bytes);
    free(copy);
    free(other);
    tear_down(&f);
}

/* Nowhere to write, or something else in its place: the images come out all the same. */
static void a_copy_is_never_needed(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    test_put_bytes(f.data, "cifar-10-binary.tar.gz", test_gz(cifar_tar(false)));
    test_put(f.folder, "cache", "a file, not a folder", 20);
    assert_opens(&f, "one");
    assert_int_equal(hn_context_error(f.context)->status, HN_OK);
    assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0);
    char *home = test_make_folder(f.folder, "home"), *old = getenv("HOME") != NULL ? strdup(getenv("HOME")) : NULL;
    assert_int_equal(setenv("HOME", home, 1), 0);
    assert_opens(&f, "one");
    char *below = test_path_join(home, ".cache/hypernet");
    struct stat found;
    assert_int_equal(stat(below, &found), 0);
    assert_opens(&f, "one"); /* the names are in the copy too */
    assert_int_equal(unsetenv("HOME"), 0);
    assert_opens(&f, "one");
    if (old != NULL) assert_int_equal(setenv("HOME", old, 1), 0);
    free(old);
    free(below);
    free(home);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cifar_from_files),       cmocka_unit_test(cifar_from_an_archive),
        cmocka_unit_test(packed_by_xz),           cmocka_unit_test(a_copy_is_kept_and_used),
        cmocka_unit_test(a_copy_is_never_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
