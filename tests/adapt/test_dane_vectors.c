/*
 * OpenSSL's own DANE tests (test/danetest.in of its source), judged by our
 * code: records are selected, a plan is made of them, and the chain is
 * verified by that plan. What is wanted is OpenSSL's result, except where
 * RFC 7672 asks for another one; these are the rows of differences[], and
 * doc/DANE.md has them too.
 *
 * conf/build/unpack-servers vectors brings the two files.
 */
#include "config.h"

#include "tests/unit/t.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa.h"
#include "relay/base/codec.h"
#include "relay/policy/tls_policy.h"
#include "relay/tls/tls_offline.h"

#define VECTORS 54
#define BASE "example.com" /* what OpenSSL's recipe says */
#define LINE_MAX_ 4096
#define RECORDS_MAX 4

struct vector {
	unsigned number;
	int records, certs, no_ee_names, want, depth; /* as the file says */
	struct rr_tlsa tlsa[RECORDS_MAX];
	struct buf chain; /* PEM */
};

enum want { UNUSABLE, AUTHENTICATED, REFUSED };

/* Where RFC 7672 differs from what OpenSSL does by default. */
static const struct difference {
	unsigned from, to;
	enum want want;
	int depth;
	const char *why;
} differences[] = {
    {23, 42, UNUSABLE, -1, "DANE-38 usages 0 and 1 alone are unusable"},
    {54, 54, AUTHENTICATED, 0, "DANE-33 DANE-EE: names are not checked"},
};

static const struct difference *
difference_of(unsigned number)
{
	for (size_t i = 0; i < T_COUNT(differences); i++)
		if (number >= differences[i].from &&
		    number <= differences[i].to)
			return &differences[i];
	return NULL;
}

static void
open_path(const char *name, char path[4096])
{
	const char *src = getenv("WAXSEAL_SRCDIR");

	(void)snprintf(
	    path, 4096, "%s/.servers/openssl-dane/%s", src ? src : ".", name);
}

static FILE *
open_vectors(void)
{
	char path[4096];
	FILE *f;

	open_path("danetest.in", path);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is not there; run conf/build/unpack-servers "
			 "vectors",
		    path);
	return f;
}

/* The next word of *at, as the file has it between blanks. */
static struct str
word(const char **at)
{
	const char *p = *at + strspn(*at, " \t\r\n");
	struct str s = str_n(p, strcspn(p, " \t\r\n"));

	*at = s.p + s.n;
	return s;
}

static int
number(const char **at)
{
	int64_t v = 0;

	t_err("a number", codec_i64(word(at), -1, 255, &v), 0);
	return (int)v;
}

/* "3 1 1 HEX" */
static void
read_record(FILE *f, struct rr_tlsa *t)
{
	char line[LINE_MAX_];
	const char *at = line;
	struct buf b;

	assert_non_null(fgets(line, sizeof(line), f));
	t->usage = (uint8_t)number(&at);
	t->selector = (uint8_t)number(&at);
	t->mtype = (uint8_t)number(&at);
	buf_init(&b, RR_TLSA_MAX);
	t_err(line, codec_unhex(word(&at), &b), 0);
	t->len = (uint16_t)b.n;
	t->data = (uint8_t *)buf_take(&b);
}

/* The next block of the file; false at its end. */
static bool
read_vector(FILE *f, struct vector *v)
{
	char line[LINE_MAX_];
	const char *at = line;
	int seen = 0;

	do {
		if (!fgets(line, sizeof(line), f))
			return false;
	} while (line[0] == '#' || line[0] == '\n');
	v->number++;
	v->records = number(&at);
	v->certs = number(&at);
	v->no_ee_names = number(&at);
	v->want = number(&at);
	v->depth = number(&at);
	assert_true(v->records > 0 && v->records <= RECORDS_MAX);
	for (int i = 0; i < v->records; i++)
		read_record(f, &v->tlsa[i]);
	buf_init(&v->chain, 100000);
	while (seen < v->certs) {
		assert_non_null(fgets(line, sizeof(line), f));
		buf_add_cstr(&v->chain, line);
		seen += strncmp(line, "-----END ", 9) == 0;
	}
	return true;
}

static void
clear_vector(struct vector *v)
{
	for (int i = 0; i < v->records; i++)
		free(v->tlsa[i].data);
	buf_clear(&v->chain);
}

/* The plan that the relay would make for a host with these records. */
static void
make_plan(const struct vector *v, struct tls_plan *plan)
{
	struct dane_verdict dane;
	struct tls_verdict verdict;
	struct tls_policy_in in = {.mx = MX_SECURE,
	    .dane = &dane,
	    .host = BASE,
	    .next_hop = BASE,
	    .expanded = "",
	    .min = TLS_V1_2,
	    .opportunistic_min = TLS_V1_0};

	dane_verdict_init(&dane);
	(void)snprintf(dane.base, sizeof(dane.base), "%s", BASE);
	tlsa_select(v->tlsa, (size_t)v->records, &dane.tlsa, &dane.n_tlsa);
	dane.kind = dane.n_tlsa ? DANE_USABLE : DANE_UNUSABLE;
	dane.rule = dane.n_tlsa ? "DANE-11" : "DANE-12";
	tls_policy_decide(&in, plan, &verdict);
	t_bool("sent to", verdict.kind == TLS_SEND, true);
	dane_verdict_clear(&dane);
}

static void
check_refusal(const char *name, int want, const struct tls_result *r)
{
	static const struct {
		int code;
		enum tls_failure failure;
	} known[] = {
	    {X509_V_ERR_DANE_NO_MATCH, TLS_TLSA_MISMATCH},
	    {X509_V_ERR_HOSTNAME_MISMATCH, TLS_HOST_MISMATCH},
	};

	t_bool(name, r->verified, false);
	t_cstr(name, tls_proof_str(r->proof), "none");
	for (size_t i = 0; i < T_COUNT(known); i++) {
		if (known[i].code == want) {
			t_cstr(name, tls_failure_str(r->failure),
			    tls_failure_str(known[i].failure));
			return;
		}
	}
	fail_msg("%s: OpenSSL wants %d, which is not known here", name, want);
}

/* Tells whether our result is another than OpenSSL's. */
static bool
check_vector(struct tls_ctx *ctx, const struct vector *v)
{
	const struct difference *d = difference_of(v->number);
	enum want want = d         ? d->want
	    : v->want == X509_V_OK ? AUTHENTICATED
				   : REFUSED;
	int depth = d ? d->depth : v->depth;
	struct tls_result r;
	struct tls_plan plan;
	char name[128];

	(void)snprintf(name, sizeof(name), "DANE vector %u %s", v->number,
	    d ? d->why : "");
	make_plan(v, &plan);
	if (want == UNUSABLE) {
		t_cstr(name, tls_level_str(plan.level), "encrypt");
		t_cstr(name, plan.rule, "DANE-12");
		t_int(name, (int64_t)plan.n_tlsa, 0);
	} else {
		t_cstr(name, tls_level_str(plan.level), "dane");
		t_err(name,
		    tls_offline_verify(ctx, &plan, buf_str(&v->chain), -1, &r),
		    0);
	}
	if (want == AUTHENTICATED) {
		t_cstr(name, tls_failure_str(r.failure), "ok");
		t_bool(name, r.verified, true);
		t_int(name, r.depth, depth);
	} else if (want == REFUSED) {
		check_refusal(name, v->want, &r);
	}
	tls_plan_clear(&plan);
	return want == UNUSABLE ||
	    (want == AUTHENTICATED) != (v->want == X509_V_OK) ||
	    (want == AUTHENTICATED && depth != v->depth);
}

static void
test_vectors(void **state)
{
	struct vector v = {0};
	struct tls_ctx_opts o = {.min = TLS_V1_2};
	struct tls_ctx *ctx;
	char path[4096], text[160];
	FILE *f = open_vectors();

	(void)state;
	open_path("danetest.pem", path);
	o.ca_file = path;
	o.opportunistic_min = TLS_V1_0;
	t_err(path, tls_ctx_new(&o, &ctx, text), 0);
	while (read_vector(f, &v)) {
		bool differs = check_vector(ctx, &v);

		/* The table has no row that is none. */
		t_bool("difference", differs, difference_of(v.number) != NULL);
		clear_vector(&v);
	}
	(void)fclose(f);
	t_int("vectors", v.number, VECTORS);
	tls_ctx_free(ctx);
}

/* No plan can make OpenSSL judge by the records of usages 0 and 1. */
static void
test_pkix_usages(void **state)
{
	struct vector v = {0};
	struct tls_ctx_opts o = {.min = TLS_V1_2};
	struct tls_ctx *ctx;
	char path[4096], text[160];
	FILE *f = open_vectors();
	unsigned n = 0;

	(void)state;
	open_path("danetest.pem", path);
	o.ca_file = path;
	o.opportunistic_min = TLS_V1_0;
	t_err(path, tls_ctx_new(&o, &ctx, text), 0);
	while (read_vector(f, &v)) {
		struct tls_plan plan;
		struct tls_result r;

		tls_plan_init(&plan);
		plan.level = TLS_DANE;
		plan.n_dane_names = 1;
		(void)snprintf(plan.dane_names[0], DOMAIN_MAX, "%s", BASE);
		plan.tlsa = v.tlsa;
		plan.n_tlsa = (size_t)v.records;
		if (v.tlsa[0].usage < 2) {
			t_err("DANE-38",
			    tls_offline_verify(
				ctx, &plan, buf_str(&v.chain), -1, &r),
			    ERR_TLS);
			t_bool("DANE-38", r.verified, false);
			n++;
		}
		clear_vector(&v);
	}
	(void)fclose(f);
	t_int("DANE-38", n, 20);
	tls_ctx_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_pkix_usages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
