/*
 * waxseal: the command line. It finds the control socket by the daemon's own
 * configuration, asks, and shows the answer. Exit status: 0 fine, 1 the answer
 * is no, 2 usage or configuration, 3 could not find out.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/cli/ask.h"
#include "relay/config/conf.h"
#include "relay/ctl/ctl_proto.h"
#include "relay/ctl/ctl_show.h"
#include "relay/model/msg.h"

#define DEFAULT_CONF "/etc/waxseal/waxseal.conf"
#define CONF_MAX (4u * 1024u * 1024u) /* bytes of a configuration */
#define MESSAGES_MAX (64u * 1024u)

enum { EXIT_FINE = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_UNKNOWN = 3 };

static const char usage[] =
    "usage: waxseal [-c FILE] [--json] COMMAND\n"
    "  status           state of the daemon, and what to do about problems\n"
    "  queue list [ID]  recipients that wait, of all messages or of one\n"
    "  queue stats      how much waits\n"
    "  queue release ID tries a held message again\n"
    "  help             this text\n"
    "  version          version of this program\n"
    "  -c FILE          configuration of the daemon; without it\n"
    "                   " DEFAULT_CONF ", or when there is none\n"
    "                   the built-in one, with its queue in ./var\n"
    "  --json           one JSON value on standard output\n"
    "exit status: 0 fine, 1 there are problems, 2 usage, 3 no answer\n";

struct cli {
	const char *conf; /* NULL: not given */
	bool json;
	char **words; /* of the command */
	int n_words;
};

/* ---- output ---- */

static void
print(struct str s)
{
	fwrite(s.p ? s.p : "", 1, s.n, stdout);
}

/* Says that there is no answer. Never returns. */
static void __attribute__((noreturn))
no_answer(const struct cli *c, const char *text)
{
	struct buf b;

	if (c->json) {
		buf_init(&b, CTL_ANSWER_MAX);
		ctl_error_build(text, &b);
		print(buf_str(&b));
		buf_clear(&b);
		(void)fflush(stdout);
	}
	die(EXIT_UNKNOWN, "%s", text);
}

static int
bad_usage(const char *text)
{
	fprintf(stderr, "waxseal: %s\n%s", text, usage);
	return EXIT_USAGE;
}

/* ---- the daemon ---- */

/* Text of the configuration and its name. The built-in one only when nobody
 * named a file and the usual one is not there. */
static const char *
read_conf(const struct cli *c, struct buf *text)
{
	const char *file = c->conf ? c->conf : DEFAULT_CONF;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char chunk[8192];
	ssize_t n = 0;

	if (fd < 0 && !c->conf && errno == ENOENT) {
		buf_add_cstr(text, conf_defaults());
		return "built-in configuration";
	}
	if (fd < 0)
		die(EXIT_USAGE, "%s: %s", file, strerror(errno));
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (buf_add(text, chunk, (size_t)n))
			die(EXIT_USAGE, "%s: larger than 4 MB", file);
	}
	if (n < 0)
		die(EXIT_USAGE, "%s: %s", file, strerror(errno));
	if (text->n && memchr(text->p, '\0', text->n))
		die(EXIT_USAGE, "%s: holds a zero byte; is this a text?", file);
	close(fd);
	return file;
}

/* Connects, or ends the program. */
static int
connect_daemon(const struct cli *c)
{
	struct buf text, errors;
	char what[ASK_TEXT], *path = NULL;
	const char *name;
	int fd = -1, err;

	buf_init(&text, CONF_MAX);
	buf_init(&errors, MESSAGES_MAX);
	name = read_conf(c, &text);
	if (conf_control_socket(name, text.p ? text.p : "", &path, &errors)) {
		fprintf(stderr, "%s", errors.p ? errors.p : "");
		exit(EXIT_USAGE);
	}
	err = ask_open(path, &fd, what);
	buf_clear(&text);
	buf_clear(&errors);
	free(path);
	if (err)
		no_answer(c, what);
	return fd;
}

/* Asks one question; an answer that is not ok ends the program. */
static void
must_ask(const struct cli *c, int fd, const struct ctl_question *q,
    struct buf *answer, struct ctl_answer *a)
{
	char what[ASK_TEXT];

	if (ask(fd, q, answer, what))
		no_answer(c, what);
	if (ctl_answer_parse(buf_str(answer), a))
		no_answer(c,
		    "the answer is not understood; are waxseal and "
		    "waxseald of one version?");
	if (!a->ok)
		no_answer(c, a->error);
}

/* Shows an answer as JSON or by text_fn. */
static void
show(const struct cli *c, struct str answer,
    int (*text_fn)(struct str, struct buf *))
{
	struct buf text;

	if (c->json) {
		print(answer);
		print(STR("\n"));
		return;
	}
	/* Escapes make four bytes of one. */
	buf_init(&text, 4 * (size_t)CTL_ANSWER_MAX);
	if (text_fn(answer, &text))
		no_answer(c,
		    "the answer is not understood; are waxseal and "
		    "waxseald of one version?");
	print(buf_str(&text));
	buf_clear(&text);
}

/* ---- commands ---- */

static int
run_status(const struct cli *c)
{
	const struct ctl_question q = {.cmd = CTL_STATUS};
	struct ctl_answer a;
	struct buf answer;
	int fd;

	if (c->n_words != 1)
		return bad_usage("status takes no arguments");
	fd = connect_daemon(c);
	buf_init(&answer, CTL_ANSWER_MAX);
	must_ask(c, fd, &q, &answer, &a);
	show(c, buf_str(&answer), ctl_status_text);
	buf_clear(&answer);
	close(fd);
	return a.problems > 0 ? EXIT_NO : EXIT_FINE;
}

static int
run_stats(const struct cli *c)
{
	const struct ctl_question q = {.cmd = CTL_QUEUE_STATS};
	struct ctl_answer a;
	struct buf answer;
	int fd;

	if (c->n_words != 2)
		return bad_usage("queue stats takes no arguments");
	fd = connect_daemon(c);
	buf_init(&answer, CTL_ANSWER_MAX);
	must_ask(c, fd, &q, &answer, &a);
	show(c, buf_str(&answer), ctl_stats_text);
	buf_clear(&answer);
	close(fd);
	return EXIT_FINE;
}

/* Prints the rows of a page as members of the one array of all pages. */
static void
print_rows(const struct cli *c, struct str answer, bool first)
{
	json_t *root = json_loadb(answer.p, answer.n, 0, NULL), *row;
	size_t i;

	json_array_foreach(json_object_get(root, "rows"), i, row)
	{
		if (!first || i > 0)
			print(STR(","));
		if (json_dumpf(row, stdout, JSON_COMPACT))
			no_answer(c, "the answer can't be shown");
	}
	json_decref(root);
}

/* All pages. With --json they make one value. */
static size_t
list_pages(const struct cli *c, int fd, struct ctl_question *q)
{
	/* Once a value has begun, no other may follow on standard output. */
	struct cli begun = *c;
	struct ctl_answer a;
	struct buf answer;
	size_t n = 0;

	begun.json = false;
	buf_init(&answer, CTL_ANSWER_MAX);
	do {
		must_ask(n == 0 ? c : &begun, fd, q, &answer, &a);
		if (c->json && n == 0)
			print(STR("{\"ok\":true,\"rows\":["));
		if (c->json)
			print_rows(c, buf_str(&answer), n == 0);
		else
			show(c, buf_str(&answer), ctl_list_text);
		n += a.rows;
		q->after = a.last;
	} while (a.rows == q->limit);
	if (c->json)
		print(STR("]}\n"));
	buf_clear(&answer);
	return n;
}

static int
run_list(const struct cli *c)
{
	struct ctl_question q = {.cmd = CTL_QUEUE_LIST, .limit = CTL_LIST_MAX};
	size_t n;
	int fd;

	if (c->n_words > 3)
		return bad_usage("queue list takes one ID at most");
	if (c->n_words == 3 && msg_qid_parse(str_of(c->words[2]), &q.msg))
		return bad_usage("an ID has 13 letters and digits");
	fd = connect_daemon(c);
	n = list_pages(c, fd, &q);
	if (n == 0 && !c->json)
		print(q.msg ? STR("no such message in the queue\n")
			    : STR("the queue is empty\n"));
	close(fd);
	return q.msg && n == 0 ? EXIT_NO : EXIT_FINE;
}

static int
run_release(const struct cli *c)
{
	struct ctl_question q = {.cmd = CTL_QUEUE_RELEASE};
	struct ctl_answer a;
	struct buf answer;
	int fd;

	if (c->n_words != 3 || msg_qid_parse(str_of(c->words[2]), &q.msg))
		return bad_usage(
		    "queue release takes one ID of 13 letters and digits");
	fd = connect_daemon(c);
	buf_init(&answer, CTL_ANSWER_MAX);
	must_ask(c, fd, &q, &answer, &a);
	show(c, buf_str(&answer), ctl_release_text);
	buf_clear(&answer);
	close(fd);
	return a.recipients > 0 ? EXIT_FINE : EXIT_NO;
}

static int
run_version(const struct cli *c)
{
	if (c->json)
		printf("{\"version\":\"%s\"}\n", PACKAGE_VERSION);
	else
		printf("waxseal %s\n", PACKAGE_VERSION);
	return EXIT_FINE;
}

static int
run(const struct cli *c)
{
	const char *verb = c->n_words > 0 ? c->words[0] : "";
	const char *sub = c->n_words > 1 ? c->words[1] : "";

	if (strcmp(verb, "status") == 0)
		return run_status(c);
	if (strcmp(verb, "queue") == 0 && strcmp(sub, "list") == 0)
		return run_list(c);
	if (strcmp(verb, "queue") == 0 && strcmp(sub, "stats") == 0)
		return run_stats(c);
	if (strcmp(verb, "queue") == 0 && strcmp(sub, "release") == 0)
		return run_release(c);
	if (strcmp(verb, "version") == 0)
		return run_version(c);
	if (strcmp(verb, "help") == 0) {
		print(str_of(usage));
		return EXIT_FINE;
	}
	if (strcmp(verb, "queue") == 0)
		return bad_usage("queue what? list, stats or release");
	return bad_usage(c->n_words > 0 ? "unknown command" : "no command");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct cli c = {.json = false};
	bool version = false;
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			c.conf = optarg;
			break;
		case 'j':
			c.json = true;
			break;
		case 'V':
			version = true;
			break;
		case 'h':
			print(str_of(usage));
			return EXIT_FINE;
		default:
			fprintf(stderr, "%s", usage);
			return EXIT_USAGE;
		}
	}
	c.words = argv + optind;
	c.n_words = argc - optind;
	rc = version ? run_version(&c) : run(&c);
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_UNKNOWN, "standard output: %s", strerror(errno));
	return rc;
}
