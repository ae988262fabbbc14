/*
 * waxseal explain: what the relay would do with mail for a domain, and why.
 * The daemon is asked when it runs, so that its caches count; otherwise the
 * same code answers here. Exit status: 0 it would be sent, 1 it would not, 2
 * usage, 3 could not find out.
 */
#include "config.h"

#include "relay/cli/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "relay/base/codec.h"
#include "relay/cli/ask.h"
#include "relay/config/conf.h"
#include "relay/config/conf_addr.h"
#include "relay/ctl/explain_json.h"
#include "relay/ctl/explain_text.h"
#include "relay/policy/nexthop.h"
#include "relay/smtp/addr.h"

#define ANSWER_WAIT_S 90 /* the daemon needs 60 s at most */
#define MESSAGES_MAX (64u * 1024u)

enum { OPT_CONNECT = 256, OPT_PORT, OPT_RESOLVER };

const struct option explain_options[] = {
    {"connect", no_argument, NULL, OPT_CONNECT},
    {"message", required_argument, NULL, CLI_OPT_MESSAGE},
    {"port", required_argument, NULL, OPT_PORT},
    {"resolver", required_argument, NULL, OPT_RESOLVER}, {NULL, 0, NULL, 0}};

/* ---- the question ---- */

/* A domain, a mail address, or an address in brackets. */
static NODISCARD int
read_domain(const char *word, char out[DOMAIN_MAX])
{
	char mailbox[ADDR_MAX], domain[DOMAIN_MAX];
	struct nexthop n;

	if (strchr(word, '@')) {
		if (addr_parse_mailbox(str_of(word), mailbox, domain))
			return ERR_SYNTAX;
		memcpy(out, domain, sizeof(domain));
		return out[0] ? 0 : ERR_SYNTAX;
	}
	if (word[0] != '[')
		return domain_canon_host(str_of(word), out);
	if (word[strlen(word) - 1] != ']' ||
	    nexthop_parse(str_of(word), 25, &n))
		return ERR_SYNTAX;
	memcpy(out, n.host, sizeof(n.host));
	return 0;
}

/* 0, or the exit status, when what is wrong has been said. */
static int
read_question(const struct cli *c, struct explain_ask *q)
{
	const struct cli_opt *port = cli_opt(c, OPT_PORT);
	const struct cli_opt *resolver = cli_opt(c, OPT_RESOLVER);
	uint64_t n = 0;

	memset(q, 0, sizeof(*q));
	if (c->n_words != 2)
		return cli_bad_usage("explain takes one domain or address");
	if (read_domain(c->words[1], q->domain))
		return cli_bad_usage("that is neither a domain nor an address");
	if (port && (codec_u64(str_of(port->arg), UINT16_MAX, &n) || n == 0))
		return cli_bad_usage("a port is a number from 1 to 65535");
	q->port = (uint16_t)n;
	q->has_resolver = resolver != NULL;
	if (resolver && conf_addr_port(str_of(resolver->arg), 53, &q->resolver))
		return cli_bad_usage("a resolver is ADDRESS or ADDRESS:PORT, "
				     "IPv6 in brackets");
	return 0;
}

/* ---- the configuration ---- */

struct setting {
	const char *name;
	struct buf text;
	struct options *options; /* read when they are needed */
};

static const struct options *
setting_options(struct setting *s)
{
	struct buf errors;

	if (s->options)
		return s->options;
	buf_init(&errors, MESSAGES_MAX);
	/* As the relay: files of the resolver are its own matter. */
	if (conf_parse_relay(
		s->name, s->text.p ? s->text.p : "", &s->options, &errors)) {
		fprintf(stderr, "%s", errors.p ? errors.p : "");
		exit(EXIT_USAGE);
	}
	buf_clear(&errors);
	return s->options;
}

/* ---- asking ---- */

/* Asks the daemon. false: it can't be asked or does not know, and text says
 * why. */
static bool
ask_daemon(const struct setting *s, const struct explain_ask *q,
    struct buf *report, char text[ASK_TEXT])
{
	const struct timeval wait = {.tv_sec = ANSWER_WAIT_S};
	struct ctl_question question = {.cmd = CTL_EXPLAIN, .port = q->port};
	struct ctl_answer a = {.ok = false};
	struct buf errors;
	char *path = NULL;
	int fd = -1, err;

	memcpy(question.domain, q->domain, sizeof(question.domain));
	buf_init(&errors, MESSAGES_MAX);
	if (conf_control_socket(
		s->name, s->text.p ? s->text.p : "", &path, &errors)) {
		fprintf(stderr, "%s", errors.p ? errors.p : "");
		exit(EXIT_USAGE);
	}
	buf_clear(&errors);
	err = ask_open(path, &fd, text);
	free(path);
	if (err)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	err = ask(fd, &question, report, text);
	close(fd);
	if (!err)
		err = ctl_answer_parse(buf_str(report), &a);
	if (err || a.ok)
		return !err;
	(void)snprintf(text, ASK_TEXT, "%s", a.error);
	return false;
}

static void
find_out(const struct cli *c, struct setting *s, const struct explain_ask *q,
    struct buf *report)
{
	char text[ASK_TEXT] = "";

	if (!q->has_resolver && ask_daemon(s, q, report, text))
		return;
	buf_reset(report);
	if (!q->has_resolver)
		fprintf(
		    stderr, "waxseal: %s\nwaxseal: looking without it\n", text);
	explain_local(c, q, setting_options(s), report);
}

/* Its end of line is for cli_show to write. */
static struct str
line_of(const struct buf *report)
{
	return str_trim(buf_str(report));
}

static int
status_of(const struct cli *c, struct str report)
{
	enum explain_fate fate = EXPLAIN_UNKNOWN;

	if (explain_text_fate(report, &fate))
		cli_no_answer(c,
		    "the answer is not understood; are waxseal and "
		    "waxseald of one version?");
	switch (fate) {
	case EXPLAIN_SENT:
		return EXIT_FINE;
	case EXPLAIN_HELD:
	case EXPLAIN_BOUNCED:
		return EXIT_NO;
	case EXPLAIN_UNKNOWN:
		break;
	}
	return EXIT_UNKNOWN;
}

int
cmd_explain(const struct cli *c)
{
	struct setting s = {.name = NULL};
	struct explain_ask q;
	struct buf report;
	int rc;

	if (cli_opt(c, CLI_OPT_MESSAGE))
		return cmd_receipt(c);
	rc = read_question(c, &q);
	if (rc)
		return rc;
	buf_init(&report, CTL_ANSWER_MAX);
	buf_init(&s.text, CTL_ANSWER_MAX);
	s.name = cli_read_conf(c, &s.text);
	find_out(c, &s, &q, &report);
	if (cli_opt(c, OPT_CONNECT))
		explain_connect(c, setting_options(&s), &report);
	rc = status_of(c, line_of(&report));
	cli_show(c, line_of(&report), explain_text);
	conf_free(s.options);
	buf_clear(&s.text);
	buf_clear(&report);
	return rc;
}
