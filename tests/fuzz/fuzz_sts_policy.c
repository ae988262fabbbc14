/*
 * The policy text of MTA-STS. An accepted policy written anew is accepted
 * with the same values; fields that nobody knows and another end of lines
 * change nothing; patterns match what RFC 8461 4.1 says and nothing else.
 */
#include "config.h"

#include "sts/sts_policy.h"

#include "relay/model/sts_entry.h"
#include "tests/fuzz/fuzz.h"

#define BYTES_MAX (2u * STS_BODY_MAX)

static bool
same(const struct sts_policy *a, const struct sts_policy *b)
{
	if (a->mode != b->mode || a->max_age != b->max_age ||
	    a->n_mx != b->n_mx)
		return false;
	for (size_t i = 0; i < a->n_mx; i++) {
		if (strcmp(a->mx[i], b->mx[i]) != 0)
			return false;
	}
	return true;
}

/* body must be accepted, as want. */
static void
check_is(const struct buf *body, const struct sts_policy *want)
{
	struct sts_policy p;

	/* It may have grown out of its limit. */
	if (body->full || body->n > STS_BODY_MAX)
		return;
	FUZZ_CHECK(sts_policy_parse(buf_str(body), &p, NULL) == 0);
	FUZZ_CHECK(same(&p, want));
	sts_policy_clear(&p);
}

static void
check_again(const struct sts_policy *p)
{
	struct buf b;

	buf_init(&b, BYTES_MAX);
	buf_addf(&b, "version: STSv1\nmode: %s\nmax_age: %lld",
	    sts_mode_str(p->mode), (long long)p->max_age);
	for (size_t i = 0; i < p->n_mx; i++)
		buf_addf(&b, "\nmx:%s", p->mx[i]);
	check_is(&b, p);
	buf_add_cstr(&b, "\n");
	check_is(&b, p);
	buf_add_cstr(&b, "unknown-2: \xc3\xa4 is passed over\r\n");
	check_is(&b, p);
	/* The first of repeated fields counts: RFC 8461 3.2 */
	buf_add_cstr(&b, "mode: none\nmode: testing\nmax_age: 1\n");
	check_is(&b, p);
	buf_clear(&b);
}

/* The original with LF turned to CRLF. */
static void
check_crlf(struct str body, const struct sts_policy *p)
{
	struct buf b;

	if (str_find(body, '\r') < body.n)
		return;
	buf_init(&b, BYTES_MAX);
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '\n')
			buf_add_char(&b, '\r');
		buf_add_char(&b, body.p[i]);
	}
	check_is(&b, p);
	buf_clear(&b);
}

static void
check_pattern(const struct sts_policy *p, const char *mx)
{
	bool wild = mx[0] == '*';
	char host[DOMAIN_MAX + 8], canon[DOMAIN_MAX];
	struct str name = str_of(wild ? mx + 2 : mx);

	FUZZ_CHECK(!wild || mx[1] == '.');
	FUZZ_CHECK(domain_canon_host(name, canon) == 0);
	FUZZ_CHECK(strcmp(canon, name.p) == 0 && !domain_is_ip(name));
	FUZZ_CHECK(wild || sts_policy_match(p, mx));
	if (!wild)
		return;
	(void)snprintf(host, sizeof(host), "one.%s", name.p);
	FUZZ_CHECK(sts_policy_match(p, host));
	/* Exactly one label stands for the star. */
	(void)snprintf(host, sizeof(host), "a.b.%s", name.p);
	if (p->n_mx == 1) {
		FUZZ_CHECK(!sts_policy_match(p, host));
		FUZZ_CHECK(!sts_policy_match(p, name.p));
	}
}

static void
check_policy(struct str body, const struct sts_policy *p)
{
	struct sts_policy copy;

	FUZZ_CHECK((unsigned)p->mode <= STS_MODE_ENFORCE);
	FUZZ_CHECK(p->max_age >= 0 && p->max_age <= STS_MAX_AGE_CAP);
	FUZZ_CHECK(p->n_mx <= STS_MX_MAX);
	FUZZ_CHECK(p->n_mx > 0 || p->mode == STS_MODE_NONE);
	/* STS-43 */
	for (size_t i = 0; i < body.n; i++) {
		FUZZ_CHECK((unsigned char)body.p[i] >= ' ' ||
		    (body.p[i] && strchr("\r\n\t", body.p[i])));
	}
	for (size_t i = 0; i < p->n_mx && i < 20; i++)
		check_pattern(p, p->mx[i]);
	check_again(p);
	check_crlf(body, p);
	sts_policy_copy(&copy, p);
	FUZZ_CHECK(same(&copy, p));
	sts_policy_clear(&copy);
}

/* With a list of faults the verdict is the same; each lies in the text, and
 * none comes before the one that the short way stops at. */
static void
check_diag(struct str body, int want, const char *text)
{
	struct sts_policy p = {0};
	struct diags d;

	diag_init(&d, body);
	FUZZ_CHECK(sts_policy_lint(body, &p, &d) == want);
	sts_policy_clear(&p);
	FUZZ_CHECK((d.n > 0) == (want != 0));
	FUZZ_CHECK(d.n == DIAG_MAX || !d.more);
	for (size_t i = 0; i < d.n; i++) {
		FUZZ_CHECK(d.v[i].rule && d.v[i].text);
		FUZZ_CHECK(d.v[i].line >= 1 && d.v[i].column >= 1);
		FUZZ_CHECK(d.v[i].line + d.v[i].column <= body.n + 2);
		FUZZ_CHECK(i == 0 || d.v[i].line >= d.v[i - 1].line);
	}
	FUZZ_CHECK(d.n == 0 || strcmp(d.v[0].text, text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_n((const char *)data, size);
	const char *text = NULL;
	struct sts_policy p;
	int err = sts_policy_parse(body, &p, &text);

	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX || err == ERR_TOOBIG);
	FUZZ_CHECK(err == 0 || text != NULL);
	check_diag(body, err, text);
	if (!err) {
		check_policy(body, &p);
		sts_policy_clear(&p);
	}
	return 0;
}
