/* Files: read whole, replaced as one, appended to; every refusal of the system leaves the old file and no partial one. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "io/files.h"
#include "io/text.h"
#include "test_support.h"

typedef struct fixture {
    hn_context *context;
    char *folder;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(hn_context_create(NULL, &f->context), HN_OK);
    f->folder = test_folder_create();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    (void)chmod(f->folder, 0700);
    test_folder_remove(f->folder);
    assert_int_equal(hn_context_memory(f->context), 0);
    hn_context_destroy(f->context);
    free(f);
    return 0;
}

/* The last error must hold every one of these words (NULL-terminated); clears it. */
static void assert_error(fixture *f, hn_status status, const char *const *words)
{
    const hn_error *error = hn_context_error(f->context);
    assert_int_equal(error->status, status);
    for (; *words != NULL; words++) {
        if (strstr(error->text, *words) == NULL) fail_msg("'%s' lacks '%s'", error->text, *words);
    }
    hn_context_clear(f->context);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int count_entries(const char *folder)
{
    int count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(entries);
    return count;
}

static void assert_holds(const char *path, const char *expected)
{
    size_t size;
    unsigned char *bytes = test_file_read(path, &size);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    free(bytes);
}

static void reads_what_was_written(void **state)
{
    fixture *f = *state;
    char *path = test_path_join(f->folder, "a");
    size_t size = 200001;
    unsigned char *expected = malloc(size);
    assert_non_null(expected);
    for (size_t i = 0; i < size; i++)
        expected[i] = (unsigned char)(i * 31 >> 3);
    hni_file_writer *writer;
    assert_int_equal(hni_file_writer_open(f->context, path, &writer), HN_OK);
    for (size_t at = 0, piece = 1; at < size; at += piece, piece = piece * 3 + 1) {
        if (piece > size - at) piece = size - at;
        assert_int_equal(hni_file_writer_put(writer, expected + at, piece), HN_OK);
    }
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(hni_file_writer_commit(writer), HN_OK);
    hni_file_writer_close(writer);
    assert_int_equal(count_entries(f->folder), 1);

    hni_file_bytes bytes;
    assert_int_equal(hni_file_read(f->context, path, 0, &bytes), HN_OK);
    assert_int_equal(bytes.size, size);
    assert_memory_equal(bytes.data, expected, size);
    assert_int_equal(bytes.data[size], 0);
    hni_free(f->context, bytes.data);
    assert_int_equal(hni_file_read(f->context, path, size, &bytes), HN_OK);
    hni_free(f->context, bytes.data);
    assert_int_equal(hni_file_read(f->context, path, size - 1, &bytes), HN_ERROR_FORMAT);
    assert_error(f, HN_ERROR_FORMAT, WORDS(path, "larger than the 200000 bytes"));
    free(expected);
    free(path);
}

static void new_file_has_usual_permissions(void **state)
{
    fixture *f = *state;
    char *path = test_path_join(f->folder, "a");
    struct stat place;
    mode_t mask = umask(027);
    assert_int_equal(hni_file_write_atomic(f->context, path, "x", 1), HN_OK);
    (void)umask(mask);
    assert_int_equal(stat(path, &place), 0);
    assert_int_equal(place.st_mode & 0777, 0640);
    free(path);
}

static void refuses_what_cannot_be_read(void **state)
{
    fixture *f = *state;
    hni_file_bytes bytes = {NULL, 0};
    char *missing = test_path_join(f->folder, "missing"), *empty = test_path_join(f->folder, "empty");
    test_file_write(empty, "", 0);
    assert_int_equal(hni_file_read(f->context, missing, 0, &bytes), HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS(missing, "cannot open", strerror(ENOENT), "check the path"));
    assert_int_equal(hni_file_read(f->context, f->folder, 0, &bytes), HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS(f->folder, "folder"));
    assert_int_equal(hni_file_read(f->context, empty, 0, &bytes), HN_ERROR_FORMAT);
    assert_error(f, HN_ERROR_FORMAT, WORDS(empty, "empty"));
    assert_int_equal(hni_file_read(f->context, "/dev/zero", 0, &bytes), HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS("/dev/zero", "device"));
    assert_null(bytes.data);
    free(missing);
    free(empty);
}

static void reads_a_pipe(void **state)
{
    fixture *f = *state;
    int ends[2];
    char path[64];
    hni_file_bytes bytes;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "through a pipe", 14), 14);
    (void)close(ends[1]);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(hni_file_read(f->context, path, 0, &bytes), HN_OK);
    assert_string_equal((char *)bytes.data, "through a pipe");
    hni_free(f->context, bytes.data);
    (void)close(ends[0]);
}

/* Permissions mean nothing to root, so root becomes nobody for a while. */
static void refuses_unreadable_and_read_only(void **state)
{
    fixture *f = *state;
    hni_file_bytes bytes;
    const uid_t nobody = 65534;
    char *path = test_path_join(f->folder, "a");
    test_file_write(path, "old", 3);
    if (geteuid() == 0 &&
        (chown(f->folder, nobody, (gid_t)-1) != 0 || chown(path, nobody, (gid_t)-1) != 0 || seteuid(nobody) != 0)) {
        free(path);
        print_message("SKIPPED: root cannot become nobody here, and permissions mean nothing to root\n");
        skip();
    }
    assert_int_equal(chmod(path, 0), 0);
    hn_status read_status = hni_file_read(f->context, path, 0, &bytes);
    hn_error read_error = *hn_context_error(f->context);
    hn_context_clear(f->context);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(f->folder, 0500), 0);
    hn_status write_status = hni_file_write_atomic(f->context, path, "new", 3);
    hn_error write_error = *hn_context_error(f->context);
    hn_context_clear(f->context);
    if (getuid() == 0) assert_int_equal(seteuid(0), 0);

    assert_int_equal(read_status, HN_ERROR_IO);
    assert_int_equal(write_status, HN_ERROR_IO);
    for (const hn_error *error = &read_error; error != NULL; error = error == &read_error ? &write_error : NULL) {
        const char *const *words = WORDS(path, strerror(EACCES), "permissions");
        for (; *words != NULL; words++)
            assert_non_null(strstr(error->text, *words));
    }
    assert_holds(path, "old");
    free(path);
}

static void write_needs_a_folder(void **state)
{
    fixture *f = *state;
    char *path = test_path_join(f->folder, "none/a");
    assert_int_equal(hni_file_write_atomic(f->context, path, "x", 1), HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS(path, strerror(ENOENT)));
    assert_int_equal(hni_file_write_atomic(f->context, f->folder, "x", 1), HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS(f->folder, strerror(EISDIR), "name a file"));
    assert_int_equal(count_entries(f->folder), 0);
    free(path);
}

/* A limit on the size of files stands for a full disk: the write is cut in the middle. */
static void full_disk_leaves_the_old_file(void **state)
{
    fixture *f = *state;
    char *path = test_path_join(f->folder, "a");
    struct rlimit before, small;
    static const char block[100000];
    assert_int_equal(hni_file_write_atomic(f->context, path, "old", 3), HN_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 70000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    hn_status status = hni_file_write_atomic(f->context, path, block, sizeof block);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS(path, "cannot write", strerror(EFBIG)));
    assert_holds(path, "old");
    assert_int_equal(count_entries(f->folder), 1);

    uint64_t length = 0;
    assert_int_equal(hni_file_append(f->context, "/dev/full", &length, "row", 3), HN_ERROR_IO);
    assert_error(f, HN_ERROR_IO, WORDS("/dev/full", strerror(ENOSPC), "make room"));
    assert_int_equal(length, 0);
    free(path);
}

static void left_over_partial_is_passed_over(void **state)
{
    fixture *f = *state;
    char name[64];
    (void)snprintf(name, sizeof name, "a.%ld-0.partial", (long)getpid());
    char *path = test_path_join(f->folder, "a"), *partial = test_path_join(f->folder, name);
    test_file_write(partial, "left over", 9);
    assert_int_equal(hni_file_write_atomic(f->context, path, "new", 3), HN_OK);
    assert_holds(path, "new");
    assert_holds(partial, "left over");
    free(path);
    free(partial);
}

static void closing_uncommitted_removes_the_partial(void **state)
{
    fixture *f = *state;
    char *path = test_path_join(f->folder, "a");
    hni_file_writer *writer;
    assert_int_equal(hni_file_writer_open(f->context, path, &writer), HN_OK);
    assert_int_equal(count_entries(f->folder), 1);
    assert_int_equal(hni_file_writer_put(writer, "x", 1), HN_OK);
    hni_file_writer_close(writer);
    assert_int_equal(count_entries(f->folder), 0);
    hni_file_writer_close(NULL);
    free(path);
}

static void writes_in_the_current_folder(void **state)
{
    fixture *f = *state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(f->folder), 0);
    hn_status status = hni_file_write_atomic(f->context, "plain", "x", 1);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, HN_OK);
}

static void append_cuts_what_came_later(void **state)
{
    fixture *f = *state;
    char *path = test_path_join(f->folder, "log.csv");
    uint64_t length = 0;
    assert_int_equal(hni_file_append(f->context, path, &length, "step\n", 5), HN_OK);
    assert_int_equal(length, 5);
    uint64_t kept = length;
    assert_int_equal(hni_file_append(f->context, path, &length, "1\n2\n", 4), HN_OK);
    assert_int_equal(length, 9);
    assert_holds(path, "step\n1\n2\n");
    assert_int_equal(hni_file_append(f->context, path, &kept, "3\n", 2), HN_OK);
    assert_holds(path, "step\n3\n");
    assert_int_equal(kept, 7);
    length = 8;
    assert_int_equal(hni_file_append(f->context, path, &length, "4\n", 2), HN_ERROR_FORMAT);
    assert_error(f, HN_ERROR_FORMAT, WORDS(path, "has 7 bytes", "at least 8"));
    assert_int_equal(length, 8);
    assert_holds(path, "step\n3\n");
    free(path);
}

static void names_are_made_printable(void **state)
{
    (void)state;
    char buffer[16];
    assert_string_equal(hni_printable("plain", buffer, sizeof buffer), "plain");
    assert_string_equal(hni_printable("a\nb\x7f\xff", buffer, sizeof buffer), "a?b??");
    assert_string_equal(hni_printable("123456789012345", buffer, sizeof buffer), "123456789012345");
    assert_string_equal(hni_printable("1234567890123456", buffer, sizeof buffer), "123456789012...");
    assert_string_equal(hni_printable("12345678901\xc3\xa9"
                                      "34567",
                                      buffer, sizeof buffer),
                        "12345678901...");
    assert_string_equal(hni_printable("", buffer, sizeof buffer), "");
}

static void utf8_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xed\x9f\xbf", 3},
        {"\x80", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc3", 0},
        {"\xe2\x82", 0},
        {"\xe2\x82z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = hni_utf8_length(cases[i].bytes, strlen(cases[i].bytes));
        if (length != cases[i].length) fail_msg("case %zu: %zu bytes, expected %zu", i, length, cases[i].length);
    }
    assert_int_equal(hni_utf8_length("", 0), 0);
    assert_int_equal(hni_utf8_length("\0", 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_file_has_usual_permissions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_unreadable_and_read_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(write_needs_a_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_disk_leaves_the_old_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(left_over_partial_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_uncommitted_removes_the_partial, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_in_the_current_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(append_cuts_what_came_later, set_up, tear_down),
        cmocka_unit_test(names_are_made_printable),
        cmocka_unit_test(utf8_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
