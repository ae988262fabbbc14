/*
 * waxseal lint dane: a chain against TLSA records, by the selection, the plan
 * and the verification of the relay.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa.h"
#include "dane/tlsa_text.h"
#include "relay/base/codec.h"
#include "relay/cli/lint.h"
#include "relay/ctl/ctl_text.h"
#include "relay/tls/tls_ctx.h"
#include "relay/tls/tls_offline.h"

#define TIME_MAX INT64_C(253402300799) /* the end of 9999, as in X.509 */
#define SHOWN 60 /* bytes of an argument in a message */

struct question {
	struct tls_plan plan;
	struct rr_tlsa *given;
	size_t n_given;
	const char *chain; /* file */
	int64_t time; /* seconds since 1970, -1: now */
};

/* Says which argument is wrong; returns EXIT_USAGE. */
static int
bad_argument(const char *option, const char *arg, const char *what)
{
	struct str shown = str_of(arg);
	struct buf b;

	if (shown.n > SHOWN)
		shown.n = SHOWN;
	buf_init(&b, 1000);
	buf_addf(&b, "%s \"", option);
	ctl_text_add(&b, shown);
	buf_addf(&b, "%s\" %s", shown.n < strlen(arg) ? "..." : "", what);
	(void)cli_bad_usage(b.p);
	buf_clear(&b);
	return EXIT_USAGE;
}

/* A reference name; a base goes to the front. */
static int
take_name(struct question *q, const char *arg, bool base)
{
	struct tls_plan *p = &q->plan;
	char name[DOMAIN_MAX];

	if (domain_is_ip(str_of(arg)) || domain_canon(str_of(arg), name))
		return bad_argument(
		    base ? "--base" : "--name", arg, "is not a host name");
	for (size_t i = 0; i < p->n_dane_names; i++) {
		if (strcmp(p->dane_names[i], name) == 0)
			return 0;
	}
	if (p->n_dane_names == TLS_NAMES_MAX)
		return cli_bad_usage("lint dane takes three --name at most");
	memcpy(p->dane_names[p->n_dane_names++], name, sizeof(name));
	return 0;
}

/* Records, a line each. As dig prints them: an alias comes first, as a name
 * with a dot at its end, and says nothing here. */
static int
take_tlsa(struct question *q, const char *arg)
{
	struct str rest = str_of(arg), line;
	const char *what = "";
	struct rr_tlsa t;
	size_t n = 0;

	while (rest.n > 0) {
		line = str_trim(str_n(rest.p, str_find(rest, '\n')));
		rest = str_skip(rest, str_find(rest, '\n') + 1);
		if (line.n == 0 ||
		    (line.p[line.n - 1] == '.' &&
			str_find(line, ' ') == line.n))
			continue;
		if (tlsa_text_parse(line, &t, &what))
			return bad_argument("--tlsa", arg, what);
		q->given = xrealloc(
		    q->given, (q->n_given + 1) * sizeof(*q->given));
		q->given[q->n_given++] = t;
		n++;
	}
	return n > 0 ? 0 : bad_argument("--tlsa", arg, "has no record");
}

static int
take_time(struct question *q, const char *arg)
{
	uint64_t v;

	if (codec_u64(str_of(arg), TIME_MAX, &v))
		return bad_argument(
		    "--time", arg, "is not a number of seconds since 1970");
	q->time = (int64_t)v;
	return 0;
}

static int
take_option(struct question *q, const struct cli_opt *o)
{
	switch (o->key) {
	case LINT_OPT_NAME:
		return take_name(q, o->arg, false);
	case LINT_OPT_TLSA:
		return take_tlsa(q, o->arg);
	case LINT_OPT_TIME:
		return take_time(q, o->arg);
	case LINT_OPT_CHAIN:
		q->chain = o->arg;
		return 0;
	default:
		return 0; /* --base, which was taken first */
	}
}

static int
take_options(const struct cli *c, struct question *q)
{
	const struct cli_opt *base = cli_opt(c, LINT_OPT_BASE);
	int rc;

	if (!base)
		return cli_bad_usage("lint dane needs --base NAME");
	rc = take_name(q, base->arg, true);
	for (size_t i = 0; i < c->n_opts && !rc; i++)
		rc = take_option(q, &c->opts[i]);
	if (rc)
		return rc;
	if (q->n_given == 0)
		return cli_bad_usage(
		    "lint dane needs --tlsa \"USAGE SELECTOR TYPE HEX\"");
	if (!q->chain)
		return cli_bad_usage("lint dane needs --chain FILE");
	return 0;
}

/* Into out what the relay would say. */
static void
judge(const struct cli *c, const struct question *q, struct str pem, bool whole,
    struct tls_result *r, struct lint_chain *out)
{
	const struct tls_ctx_opts opts = {.min = TLS_V1_2};
	struct tls_ctx *ctx;
	char text[160];
	int err;

	if (tls_ctx_new(&opts, &ctx, text))
		cli_no_answer(c, text);
	err = tls_offline_verify(ctx, &q->plan, pem, q->time, r);
	tls_ctx_free(ctx);
	out->result = LINT_FAIL;
	if (!whole)
		out->error = "the chain is longer than 16 MB";
	else if (err == ERR_SYNTAX)
		out->error = "no chain of certificates in PEM form was read";
	else if (err)
		out->error = "OpenSSL can read none of the usable records";
	else if (!r->verified)
		out->error = r->text[0] ? r->text : tls_failure_str(r->failure);
	else
		out->result = LINT_AUTHENTICATED;
	if (out->result == LINT_AUTHENTICATED) {
		out->depth = r->depth;
		out->proof = r->proof;
	}
}

static void
answer(const struct cli *c, struct question *q, struct lint_chain *out)
{
	struct tls_result r;
	struct buf pem;
	bool whole = lint_read(c, q->chain, &pem);

	tlsa_select(q->given, q->n_given, &q->plan.tlsa, &q->plan.n_tlsa);
	out->given = q->n_given;
	out->usable = q->plan.n_tlsa;
	if (q->plan.n_tlsa > 0) {
		judge(c, q, buf_str(&pem), whole, &r, out);
	} else {
		out->result = LINT_UNUSABLE;
		out->error = "no record can be used";
	}
	lint_show_dane(c, out);
	buf_clear(&pem);
}

int
lint_dane(const struct cli *c)
{
	struct lint_chain chain = {.depth = -1, .proof = TLS_PROOF_NONE};
	struct question q = {.time = -1};
	int rc;

	tls_plan_init(&q.plan);
	q.plan.level = TLS_DANE;
	q.plan.min = TLS_V1_2;
	rc = take_options(c, &q);
	if (!rc) {
		memcpy(q.plan.sni, q.plan.dane_names[0], DOMAIN_MAX);
		answer(c, &q, &chain);
		rc = chain.result == LINT_AUTHENTICATED ? EXIT_FINE : EXIT_NO;
	}
	rr_tlsa_free(q.given, q.n_given);
	tls_plan_clear(&q.plan);
	return rc;
}
