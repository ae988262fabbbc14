/*
 * waxseal: the command line. Reads its options, finds the command and runs it.
 * Exit status: 0 fine, 1 the answer is no, 2 usage or configuration, 3 could
 * not find out.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/cli/cli.h"
#include "relay/cli/lint.h"

#define OPTIONS_MAX 32 /* of one command with the common ones */

static const char usage[] =
    "usage: waxseal [-c FILE] [--json] COMMAND\n"
    "  status           state of the daemon, and what to do about problems\n"
    "  queue list [ID]  recipients that wait, of all messages or of one\n"
    "  queue stats      how much waits\n"
    "  queue release ID tries a held message again\n"
    "  explain DOMAIN   what becomes of mail for a domain or address, and why\n"
    "      --connect    also connect to its hosts and look; sends no mail\n"
    "      --port N     of the hosts\n"
    "      --resolver ADDRESS[:PORT]  ask this one, and not the daemon\n"
    "  explain --message ID  how a message went out, and what was proven\n"
    "  lint WHAT        is it right? No daemon is needed\n"
    "    sts-record [--rrset]     TXT record at _mta-sts, on standard input\n"
    "    sts-policy               mta-sts.txt, on standard input\n"
    "    tlsrpt-record [--rrset]  TXT record at _smtp._tls, likewise\n"
    "    mx-match PATTERN HOST    does an MTA-STS policy name this host?\n"
    "    dane --base NAME [--name NAME]... --tlsa RECORD... --chain FILE\n"
    "         [--time EPOCH]      does a chain match TLSA records?\n"
    "  policy list      the MTA-STS policies that are cached\n"
    "  policy show DOMAIN [HOST]\n"
    "                   one of them; does it name that MX host?\n"
    "  policy refresh DOMAIN\n"
    "                   fetches it now\n"
    "  policy forget DOMAIN --yes\n"
    "                   drops it: the next mail trusts on first use again\n"
    "  policy export    all, as lines of JSON on standard output\n"
    "  policy import    takes such lines from standard input\n"
    "  help             this text\n"
    "  version          version of this program\n"
    "  -c FILE          configuration of the daemon; without it\n"
    "                   " CLI_CONF ", or when there is none\n"
    "                   the built-in one, with its queue in ./var\n"
    "  --json           one JSON value on standard output\n"
    "exit status: 0 fine, 1 there are problems or the answer is no, 2 usage,\n"
    "             3 no answer\n";

static int
cmd_help(const struct cli *c)
{
	(void)c;
	cli_print(str_of(usage));
	return EXIT_FINE;
}

static int
cmd_version(const struct cli *c)
{
	if (c->json)
		printf("{\"version\":\"%s\"}\n", PACKAGE_VERSION);
	else
		printf("waxseal %s\n", PACKAGE_VERSION);
	return EXIT_FINE;
}

static const struct option lint_options[] = {
    {"rrset", no_argument, NULL, LINT_OPT_RRSET},
    {"base", required_argument, NULL, LINT_OPT_BASE},
    {"name", required_argument, NULL, LINT_OPT_NAME},
    {"tlsa", required_argument, NULL, LINT_OPT_TLSA},
    {"chain", required_argument, NULL, LINT_OPT_CHAIN},
    {"time", required_argument, NULL, LINT_OPT_TIME},
    {NULL, 0, NULL, 0},
};

static const struct option policy_options[] = {
    {"yes", no_argument, NULL, CLI_OPT_YES}, {NULL, 0, NULL, 0}};

static const struct cli_verb verbs[] = {
    {"policy", cmd_policy, policy_options},
    {"status", cmd_status, NULL},
    {"queue", cmd_queue, NULL},
    {"explain", cmd_explain, explain_options},
    {"lint", cmd_lint, lint_options},
    {"help", cmd_help, NULL},
    {"version", cmd_version, NULL},
};

static const struct cli_verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* The common options and those of the verb. */
static void
list_options(const struct cli_verb *v, struct option out[OPTIONS_MAX])
{
	static const struct option common[] = {{"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}};
	size_t n = sizeof(common) / sizeof(common[0]);
	const struct option *o = v ? v->options : NULL;

	memset(out, 0, OPTIONS_MAX * sizeof(*out));
	memcpy(out, common, sizeof(common));
	for (; o && o->name; o++) {
		if (n + 1 >= OPTIONS_MAX)
			BUG("too many options of %s", v->name);
		out[n++] = *o;
	}
}

/*
 * Reads options up to the first word (v is NULL), or all of those that the
 * verb has, wherever they stand. *verb: what -h and -V stand for. false: one
 * that is not known, which has been said.
 */
static bool
read_options(struct cli *c, int argc, char **argv, const struct cli_verb *v,
    const char **verb)
{
	struct option options[OPTIONS_MAX];
	int opt;

	list_options(v, options);
	optind = 0;
	while ((opt = getopt_long(
		    argc, argv, v ? "c:hV" : "+c:hV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			c->conf = optarg;
			break;
		case 'j':
			c->json = true;
			break;
		case 'V':
			*verb = "version";
			break;
		case 'h':
			*verb = "help";
			break;
		case '?':
			fprintf(stderr, "Try \"waxseal help\".\n");
			return false;
		default:
			c->opts[c->n_opts++] = (struct cli_opt){opt, optarg};
			break;
		}
	}
	c->words = argv + optind;
	c->n_words = argc - optind;
	return true;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const struct cli_verb *v;
	const char *instead = NULL;
	char self[] = "waxseal", *name;

	argv[0] = self; /* in what getopt says */
	if (!read_options(c, argc, argv, NULL, &instead))
		return EXIT_USAGE;
	if (!instead && c->n_words == 0)
		return cli_bad_usage("no command");
	name = instead ? NULL : c->words[0];
	v = find_verb(instead ? instead : name);
	if (!v)
		return cli_bad_usage("unknown command");
	if (instead)
		return v->run(c);
	/* getopt takes the first word for the name of the program. */
	c->words[0] = self;
	if (!read_options(c, c->n_words, c->words, v, &instead))
		return EXIT_USAGE;
	if (instead)
		return find_verb(instead)->run(c);
	*--c->words = name;
	c->n_words++;
	return v->run(c);
}

int
main(int argc, char **argv)
{
	struct cli c = {.opts = xcalloc((size_t)argc + 1, sizeof(*c.opts))};
	int rc = run(&c, argc, argv);

	if (fflush(stdout) || ferror(stdout))
		die(EXIT_UNKNOWN, "standard output: %s", strerror(errno));
	free(c.opts);
	return rc;
}
