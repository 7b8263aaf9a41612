/* The page from its head to its foot, and the file it goes to. */
#include "app/report/page.h"

#include "app/plot/markup.h"
#include "io/files.h"

static void write_head(hni_page *page, const char *title, const char *introduction)
{
    hni_text *html = &page->html;
    hni_markup_text(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    hni_markup_escaped_text(html, title);
    hni_markup_text(html, "</title>\n");
    hni_page_style(page);
    hni_markup_text(html, "</head>\n<body>\n<header>\n<h1>");
    hni_markup_escaped_text(html, title);
    hni_markup_text(html, "</h1>\n");
    if (introduction != NULL) {
        hni_markup_text(html, "<p class=\"lead\">");
        hni_markup_escaped_text(html, introduction);
        hni_markup_text(html, "</p>\n");
    }
    hni_markup_text(html, "</header>\n");
}

static void write_foot(hni_page *page)
{
    hni_markup_text(&page->html,
                    "</main>\n<footer>Made by hypernet " HYPERNET_VERSION ".</footer>\n</body>\n</html>\n");
}

hn_status hni_report_heat_page(hn_context *context, const char *title, const hni_run_heat *heat, hni_text *out_html)
{
    hni_page page = {.context = context, .html = {.context = context}};
    hn_status status = HN_OK;
    write_head(&page, title, NULL);
    hni_markup_text(&page.html, "<main>\n");
    HNI_TRY(hni_page_heat(&page, heat));
    write_foot(&page);
    HNI_TRY(page.html.status);
    hni_text_add_bytes(out_html, page.html.data, page.html.size);
    status = out_html->status;

cleanup:
    hni_text_free(&page.html);
    return status;
}

hn_status hni_report_write(hn_context *context, const char *path, const hni_report *report)
{
    hni_page page = {.context = context, .report = report, .html = {.context = context}};
    hn_status status = HN_OK;
    if (report->run_count == 0) {
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: a report needs at least one run", path);
    }
    HNI_TRY(hni_runs_agree(context, report->runs, report->run_count));
    page.measure = report->runs[0].measure;
    write_head(&page, report->title != NULL ? report->title : "Training report", report->introduction);
    hni_markup_text(&page.html, "<main>\n");
    hni_page_table(&page);
    hni_page_paper(&page);
    hni_page_curves(&page);
    hni_page_heats(&page);
    hni_page_phi(&page);
    hni_page_paths(&page);
    hni_page_ranks(&page);
    hni_page_networks(&page);
    hni_page_answers(&page);
    hni_page_samples(&page);
    hni_page_details(&page);
    write_foot(&page);
    HNI_TRY(page.status);
    HNI_TRY(page.html.status);
    HNI_TRY(hni_file_write_atomic(context, path, page.html.data, page.html.size));

cleanup:
    hni_text_free(&page.html);
    return status;
}
