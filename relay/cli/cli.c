/*
 * Output and the way to the daemon, for all commands. The control socket is
 * found by the daemon's own configuration.
 */
#include "config.h"

#include "relay/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/err.h"
#include "relay/cli/ask.h"
#include "relay/config/conf.h"

#define CONF_MAX (4u * 1024u * 1024u) /* bytes of a configuration */
#define MESSAGES_MAX (64u * 1024u)

const struct cli_opt *
cli_opt(const struct cli *c, int key)
{
	for (size_t i = c->n_opts; i > 0; i--) {
		if (c->opts[i - 1].key == key)
			return &c->opts[i - 1];
	}
	return NULL;
}

void
cli_print(struct str s)
{
	fwrite(s.p ? s.p : "", 1, s.n, stdout);
}

void
cli_no_answer(const struct cli *c, const char *text)
{
	struct buf b;

	if (c->json) {
		buf_init(&b, CTL_ANSWER_MAX);
		ctl_error_build(text, &b);
		cli_print(buf_str(&b));
		buf_clear(&b);
		(void)fflush(stdout);
	}
	die(EXIT_UNKNOWN, "%s", text);
}

int
cli_bad_usage(const char *text)
{
	fprintf(stderr, "waxseal: %s\nTry \"waxseal help\".\n", text);
	return EXIT_USAGE;
}

/* Text of the configuration and its name. The built-in one only when nobody
 * named a file and the usual one is not there. */
const char *
cli_read_conf(const struct cli *c, struct buf *text)
{
	const char *file = c->conf ? c->conf : CLI_CONF;
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

/* A descriptor; or -1 when the daemon does not run and what says why. */
static int
connect_daemon(const struct cli *c, char what[ASK_TEXT])
{
	struct buf text, errors;
	char *path = NULL;
	const char *name;
	int fd = -1, err;

	buf_init(&text, CONF_MAX);
	buf_init(&errors, MESSAGES_MAX);
	name = cli_read_conf(c, &text);
	if (conf_control_socket(name, text.p ? text.p : "", &path, &errors)) {
		fprintf(stderr, "%s", errors.p ? errors.p : "");
		exit(EXIT_USAGE);
	}
	err = ask_open(path, &fd, what);
	buf_clear(&text);
	buf_clear(&errors);
	free(path);
	if (err && err != ERR_REFUSED)
		cli_no_answer(c, what);
	return err ? -1 : fd;
}

int
cli_connect(const struct cli *c)
{
	char what[ASK_TEXT];
	int fd = connect_daemon(c, what);

	if (fd < 0)
		cli_no_answer(c, what);
	return fd;
}

int
cli_try_connect(const struct cli *c)
{
	char what[ASK_TEXT];

	return connect_daemon(c, what);
}

void
cli_must_ask(const struct cli *c, int fd, const struct ctl_question *q,
    struct buf *answer, struct ctl_answer *a)
{
	char what[ASK_TEXT];

	if (ask(fd, q, answer, what))
		cli_no_answer(c, what);
	if (ctl_answer_parse(buf_str(answer), a))
		cli_no_answer(c,
		    "the answer is not understood; are waxseal and "
		    "waxseald of one version?");
	if (!a->ok)
		cli_no_answer(c, a->error);
}

void
cli_show(const struct cli *c, struct str answer,
    int (*text_fn)(struct str, struct buf *))
{
	struct buf text;

	if (c->json) {
		cli_print(answer);
		cli_print(STR("\n"));
		return;
	}
	/* Escapes make four bytes of one. */
	buf_init(&text, 4 * (size_t)CTL_ANSWER_MAX);
	if (text_fn(answer, &text))
		cli_no_answer(c,
		    "the answer is not understood; are waxseal and "
		    "waxseald of one version?");
	cli_print(buf_str(&text));
	buf_clear(&text);
}
