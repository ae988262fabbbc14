/*
 * waxseal lint: judges records, policies and chains by the code of the relay,
 * without one. What is read may be any bytes; there is always an answer.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay/cli/lint.h"
#include "sts/sts_record.h"

bool
lint_read(const struct cli *c, const char *file, struct buf *text)
{
	bool in = strcmp(file, "-") == 0;
	int fd = in ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	char chunk[16384], what[512];
	ssize_t n = fd < 0 ? -1 : 1;
	bool whole = true;

	buf_init(text, LINT_MAX);
	while (n > 0 && whole) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0 && buf_add(text, chunk, (size_t)n))
			whole = false;
	}
	if (n < 0 && in) {
		(void)snprintf(
		    what, sizeof(what), "standard input: %s", strerror(errno));
		cli_no_answer(c, what);
	}
	if (n < 0)
		die(EXIT_USAGE, "%s: %s", file, strerror(errno));
	if (!in)
		close(fd);
	return whole;
}

/* The text of a record: what a shell puts behind it is not part of it. */
static struct str
drop_newline(struct str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

/*
 * The record that counts: all of text, or with --rrset the one that is left of
 * its lines. LINT_VALID: *one is to be judged.
 */
static enum lint_result
choose(const struct cli *c, struct str text, struct kvlist_pick *pick,
    const char *rule, struct str *one, struct diags *faults)
{
	struct str rest = text, line;
	int err;

	if (!cli_opt(c, LINT_OPT_RRSET)) {
		*one = drop_newline(text);
		return LINT_VALID;
	}
	while (str_cut(&rest, '\n', &line)) {
		if (line.n > 0)
			kvlist_pick_add(pick, line);
	}
	err = kvlist_pick_one(pick, one);
	if (err == ERR_EXISTS)
		diag_add(faults, pick->second.p, rule,
		    "a second record, so that none counts");
	else if (err)
		diag_add(faults, text.p, rule,
		    "no record begins with the version and \";\"");
	return err ? LINT_NONE : LINT_VALID;
}

static enum lint_result
result_of(int err)
{
	if (err == ERR_NOTFOUND)
		return LINT_NONE;
	return err ? LINT_INVALID : LINT_VALID;
}

/* What was read only in part can't be valid. */
static enum lint_result
cut_result(
    enum lint_result result, bool whole, const char *rule, struct diags *faults)
{
	if (whole || result == LINT_NONE)
		return result;
	diag_add(faults, faults->whole.p + faults->whole.n, rule,
	    "longer than 16 MB");
	return LINT_INVALID;
}

/* As zone files and dig write it. */
static void
hint_quotes(const struct cli *c, enum lint_result result, struct str text)
{
	if (!c->json && result == LINT_NONE && str_starts(text, STR("\"")))
		cli_print(STR("  Give the text alone: no quotes, all strings "
			      "of the record joined.\n"));
}

static int
lint_sts_record(const struct cli *c)
{
	struct buf text;
	bool whole = lint_read(c, "-", &text);
	char id[STS_ID_MAX] = "";
	struct kvlist_pick pick;
	enum lint_result result;
	struct diags faults;
	struct str one;

	diag_init(&faults, buf_str(&text));
	sts_record_pick(&pick);
	result = choose(c, buf_str(&text), &pick, "STS-02", &one, &faults);
	if (result == LINT_VALID)
		result = result_of(sts_record_lint(one, id, &faults));
	result = cut_result(result, whole, "STS-06", &faults);
	lint_show_sts_record(
	    c, result, result == LINT_VALID ? id : "", &faults);
	hint_quotes(c, result, buf_str(&text));
	buf_clear(&text);
	return result == LINT_VALID ? EXIT_FINE : EXIT_NO;
}

static int
lint_tlsrpt_record(const struct cli *c)
{
	struct buf text;
	bool whole = lint_read(c, "-", &text);
	struct rpt_record r = {.n = 0};
	struct diags faults, ignored;
	struct kvlist_pick pick;
	enum lint_result result;
	struct str one;

	diag_init(&faults, buf_str(&text));
	diag_init(&ignored, buf_str(&text));
	rpt_record_pick(&pick);
	result = choose(c, buf_str(&text), &pick, "RPT-01", &one, &faults);
	if (result == LINT_VALID)
		result = result_of(
		    rpt_record_parse(one, &r, &faults, &ignored));
	result = cut_result(result, whole, "RPT-03", &faults);
	lint_show_tlsrpt(
	    c, result, result == LINT_VALID ? &r : NULL, &faults, &ignored);
	hint_quotes(c, result, buf_str(&text));
	buf_clear(&text);
	return result == LINT_VALID ? EXIT_FINE : EXIT_NO;
}

static int
lint_sts_policy(const struct cli *c)
{
	struct sts_policy policy = {0};
	struct diags faults;
	struct buf text;
	int err;

	/* What is cut is longer than any policy. */
	(void)lint_read(c, "-", &text);
	diag_init(&faults, buf_str(&text));
	err = sts_policy_lint(buf_str(&text), &policy, &faults);
	lint_show_sts_policy(c, err ? NULL : &policy, &faults);
	sts_policy_clear(&policy);
	buf_clear(&text);
	return err ? EXIT_NO : EXIT_FINE;
}

/* The pattern as a policy with it alone, the host as DNS would give it. */
static int
lint_mx_match(const struct cli *c)
{
	struct str pattern = str_of(c->words[2]), host = str_of(c->words[3]);
	char mx[1][DOMAIN_MAX], name[DOMAIN_MAX];
	struct sts_policy p = {.mx = mx, .n_mx = 1};
	const char *error = NULL;
	bool match = false;

	if (!sts_policy_mx(pattern, mx[0], &error)) {
		error = NULL;
		if (domain_is_ip(host) || domain_canon(host, name))
			error = "the host is not a host name";
		else
			match = sts_policy_match(&p, name);
	}
	lint_show_match(c, match, error);
	return match ? EXIT_FINE : EXIT_NO;
}

static const struct lint_what {
	const char *name;
	int (*run)(const struct cli *c);
	int n_words; /* "lint", its own name, arguments */
	int first, last; /* keys of its options; none: 0 */
	const char *usage;
} whats[] = {
    {"sts-record", lint_sts_record, 2, LINT_OPT_RRSET, LINT_OPT_RRSET,
	"lint sts-record reads standard input, and takes --rrset alone"},
    {"sts-policy", lint_sts_policy, 2, 0, 0,
	"lint sts-policy reads standard input, and takes no arguments"},
    {"mx-match", lint_mx_match, 4, 0, 0,
	"lint mx-match takes a pattern and a host"},
    {"tlsrpt-record", lint_tlsrpt_record, 2, LINT_OPT_RRSET, LINT_OPT_RRSET,
	"lint tlsrpt-record reads standard input, and takes --rrset alone"},
    {"dane", lint_dane, 2, LINT_OPT_BASE, LINT_OPT_TIME,
	"lint dane takes --base, --name, --tlsa, --chain and --time alone"},
};

int
cmd_lint(const struct cli *c)
{
	const char *sub = c->n_words > 1 ? c->words[1] : "";

	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		const struct lint_what *w = &whats[i];
		bool ok = c->n_words == w->n_words;

		if (strcmp(sub, w->name) != 0)
			continue;
		for (size_t k = 0; k < c->n_opts; k++)
			ok = ok && c->opts[k].key >= w->first &&
			    c->opts[k].key <= w->last;
		return ok ? w->run(c) : cli_bad_usage(w->usage);
	}
	return cli_bad_usage("lint what? sts-record, sts-policy, mx-match, "
			     "tlsrpt-record or dane");
}
