/* What tests of the report's page share: a made-up run, and the page as a string. A header of static functions, for the test programs
 * test_app_report_page*.c. */
#ifndef REPORT_PAGES_H
#define REPORT_PAGES_H

#include "pictures.h"

#include "app/report/page.h"

static hni_run_row rows[] = {
    {10, 0.5, 1.0, 0.004, 3.5, 0.0, 1.0, 0.0, 0},
    {20, 1.0, 3725.0, 0.004, 2.5, 2.625, 1.0, 0.0, 0},
};
static const hni_run_fact facts[] = {{"command", "hypernet train 'a&b'"}};

static inline hni_run make_run(const char *name, const char *folder)
{
    rows[0].valid = (double)NAN;
    return (hni_run){.name = name,
                     .folder = folder,
                     .cell = "lstm",
                     .parameters = 4911874,
                     .speed = 52100.4,
                     .rows = rows,
                     .row_count = 2,
                     .recipe = "task: <text>\n",
                     .facts = facts,
                     .fact_count = 1,
                     .test = (double)NAN,
                     .measure = &hni_task_find("text")->measure};
}

/* The page as one string, written to a fresh folder and read back. */
static inline char *write_page(hn_context *context, const hni_report *report)
{
    char *folder = test_folder_create();
    char *path = test_path_join(folder, "report.html");
    size_t size = 0;
    assert_int_equal(hni_report_write(context, path, report), HN_OK);
    char *page = (char *)test_file_read(path, &size);
    assert_int_equal(strlen(page), size);
    free(path);
    test_folder_remove(folder);
    return page;
}

typedef struct page_work {
    const char *path;
    const hni_run *run;
} page_work;

static inline hn_status write_one_page(hn_context *context, const void *user)
{
    const page_work *work = user;
    return hni_report_write(context, work->path, &(hni_report){.runs = work->run, .run_count = 1});
}

static inline void assert_failing_allocations_of_a_page_are_reported(const hni_run *run)
{
    char *folder = test_folder_create();
    char *path = test_path_join(folder, "report.html");
    assert_failures_are_reported(write_one_page, &(page_work){path, run});
    free(path);
    test_folder_remove(folder);
}

#endif
