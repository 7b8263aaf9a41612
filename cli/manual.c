/* hypernet __manual: the manual page hypernet(1) in roff, made of what --help is made of. The build writes it to a file. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Prints text as roff: nothing in it is a request, and a hyphen can be searched and copied. */
static void print_text(const char *text, size_t length)
{
    bool begins_line = true;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        if (begins_line && (c == '.' || c == '\'')) fputs("\\&", stdout);
        if (c == '\\')
            fputs("\\e", stdout);
        else if (c == '-')
            fputs("\\-", stdout);
        else
            putchar(c);
        begins_line = c == '\n';
    }
}

static void print_words(const char *text) { print_text(text, strlen(text)); }

/* Lines that begin with a blank are a table and keep their form. */
static void print_paragraphs(const char *text, size_t length)
{
    bool is_table = false;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = end != NULL ? (size_t)(end - (text + at)) : length - at;
        const bool indented = line > 0 && text[at] == ' ';
        if (indented != is_table) puts(indented ? ".nf" : ".fi");
        is_table = indented;
        if (line == 0)
            puts(".PP");
        else
            print_text(text + at, line);
        if (line != 0) putchar('\n');
        at += line + 1;
    }
    if (is_table) puts(".fi");
}

static void print_option(const struct argp_option *row)
{
    const bool optional = (row->flags & OPTION_ARG_OPTIONAL) != 0;
    fputs(".TP\n.B ", stdout);
    if (row->key > ' ' && row->key < 127) printf("\\-%c, ", row->key);
    fputs("\\-\\-", stdout);
    print_words(row->name);
    if (row->arg != NULL) {
        fputs(optional ? "[=" : "=", stdout);
        print_words(row->arg);
        if (optional) putchar(']');
    }
    putchar('\n');
    print_words(row->doc != NULL ? row->doc : "");
    putchar('\n');
}

static void print_options(const struct argp *parser)
{
    for (const struct argp_option *row = parser->options; row && (row->name || row->key || row->doc); row++)
        if (row->name != NULL) print_option(row);
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        if (child->argp != hni_cli_common[0].argp) print_options(child->argp);
}

static void print_command(const hni_command *command)
{
    const struct argp *parser = hni_command_parser(command);
    const char *examples = strchr(parser->doc, '\v');
    printf(".SS ");
    print_words(command->name);
    putchar('\n');
    const char *form = parser->args_doc; /* one a line */
    do {
        const size_t length = strcspn(form, "\n");
        fputs(".B hypernet ", stdout);
        print_words(command->name);
        fputs("\n[OPTION...] ", stdout);
        print_text(form, length);
        puts("\n.br");
        form += length + (form[length] == '\n');
    } while (*form != 0);
    puts(".PP");
    print_paragraphs(parser->doc, examples != NULL ? (size_t)(examples - parser->doc) : strlen(parser->doc));
    print_options(parser);
    if (examples != NULL) {
        puts(".PP\n.nf");
        print_words(examples + 1);
        puts("\n.fi");
    }
}

int hni_command_manual(void)
{
    printf(".TH HYPERNET 1 \"\" \"hypernet %s\" \"User Commands\"\n", hn_version());
    puts(".SH NAME\nhypernet \\- train, study and export networks whose weights are made by another network");
    puts(".SH SYNOPSIS\n.B hypernet\nCOMMAND [OPTION...]\n.br\n.B hypernet\n\\-\\-help | \\-\\-version [\\-\\-json]");
    puts(".SH DESCRIPTION\nA hypernetwork is a network that makes the weights of another network. This program trains "
         "and "
         "measures such networks on text, lets them write, and draws what their weights do. A recipe (a short YAML "
         "file) "
         "says what is trained and how; a run is the folder that training makes.");
    puts(".SH COMMANDS");
    for (const hni_command *command = hni_commands; command->name != NULL; command++)
        print_command(command);
    puts(".SH COMMON OPTIONS");
    print_options(hni_cli_common[0].argp);
    puts(".TP\n.B \\-\\-help\nwhat the command does, and its options\n.TP\n.B \\-\\-usage\nthe same in a line");
    puts(".SH ENVIRONMENT");
    puts(".TP\n.B HYPERNET_DATA\na folder with data sets, looked in before ~/.local/share/hypernet");
    puts(".TP\n.B HYPERNET_RECIPES\na folder with recipes, looked in first");
    puts(".TP\n.B HN_ISA\nthe instruction set to use at most: v2, v3 or v4 (default: the best of this machine)");
    puts(".TP\n.B NO_COLOR\nif set and not empty, no colours on the terminal");
    puts(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.");
    puts(".SH SEE ALSO\nThe documentation in the folder share/doc/hypernet: checkpoint.md, run\\-directory.md, "
         "embedding.md.");
    return 0;
}
