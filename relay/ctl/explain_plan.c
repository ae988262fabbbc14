/*
 * Reads what plan_object of explain_json.c writes. Whatever is missing or not
 * understood makes the whole report unreadable: half a plan would be a weaker
 * one.
 */
#include "config.h"

#include "relay/ctl/explain_plan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa_text.h"
#include "relay/base/buf.h"

struct reader {
	bool bad;
};

/* "" and bad when it is no text or does not fit. */
static void
read_name(struct reader *r, const json_t *v, char out[DOMAIN_MAX])
{
	size_t n = json_string_length(v);

	out[0] = '\0';
	if (!json_is_string(v) || n >= DOMAIN_MAX)
		r->bad = true;
	else
		memcpy(out, json_string_value(v), n + 1);
}

static bool
read_bool(struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_boolean(v))
		r->bad = true;
	return json_is_true(v);
}

static uint16_t
read_u16(struct reader *r, const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	if (n < 1 || n > UINT16_MAX) {
		r->bad = true;
		return 0;
	}
	return (uint16_t)n;
}

/* Which of n names the member has; 0 and bad when none. */
static size_t
read_word(struct reader *r, const json_t *o, const char *key,
    const char *const *names, size_t n)
{
	const char *text = json_string_value(json_object_get(o, key));

	for (size_t i = 0; text && i < n; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	r->bad = true;
	return 0;
}

#define WORD_(id, text) text,
static const char *const levels[] = {TLS_LEVEL_LIST(WORD_)};
static const char *const fails[] = {TLS_FAIL_LIST(WORD_)};
static const char *const policies[] = {TLS_POLICY_LIST(WORD_)};
#undef WORD_
static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};

#define WORDS(v) (v), sizeof(v) / sizeof((v)[0])

static void
read_records(struct reader *r, const json_t *o, struct tls_plan *p)
{
	const json_t *list = json_object_get(o, "tlsa");
	size_t n = json_array_size(list);
	const char *what;

	if (!json_is_array(list))
		r->bad = true;
	p->tlsa = xcalloc(n + 1, sizeof(*p->tlsa));
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);

		if (!json_is_string(v) ||
		    tlsa_text_parse(str_of(json_string_value(v)),
			&p->tlsa[p->n_tlsa], &what)) {
			r->bad = true;
			return;
		}
		p->n_tlsa++;
	}
}

static void
read_plan(struct reader *r, const json_t *o, struct tls_plan *p)
{
	const json_t *names = json_object_get(o, "dane_names");

	p->level = (enum tls_level)read_word(r, o, "level", WORDS(levels));
	p->by = (enum tls_policy_by)read_word(r, o, "policy", WORDS(policies));
	p->min = (enum tls_version)(
	    TLS_V1_0 + (int)read_word(r, o, "min", WORDS(versions)));
	p->on_no_starttls = (enum tls_fail)read_word(
	    r, o, "on_no_starttls", WORDS(fails));
	p->on_tls_failure = (enum tls_fail)read_word(
	    r, o, "on_tls_failure", WORDS(fails));
	p->rule = "";
	read_name(r, json_object_get(o, "sni"), p->sni);
	read_name(r, json_object_get(o, "pkix_name"), p->pkix_name);
	if (!json_is_array(names) || json_array_size(names) > TLS_NAMES_MAX) {
		r->bad = true;
		return;
	}
	while (p->n_dane_names < json_array_size(names)) {
		read_name(r, json_array_get(names, p->n_dane_names),
		    p->dane_names[p->n_dane_names]);
		p->n_dane_names++;
	}
	read_records(r, o, p);
	p->audit_pkix = read_bool(r, o, "audit_pkix");
	p->audit_mismatch = read_bool(r, o, "audit_mismatch");
	p->mx_insecure = read_bool(r, o, "mx_insecure");
}

static void
read_try(struct reader *r, const json_t *o, struct explain_try *t)
{
	const json_t *addrs = json_object_get(o, "addresses");

	tls_plan_init(&t->plan);
	read_name(r, json_object_get(o, "host"), t->host);
	t->port = read_u16(r, o, "port");
	if (!json_is_array(addrs) ||
	    json_array_size(addrs) > EXPLAIN_ADDRS_MAX) {
		r->bad = true;
		return;
	}
	while (t->n_addrs < json_array_size(addrs)) {
		const json_t *v = json_array_get(addrs, t->n_addrs);

		if (!json_is_string(v) ||
		    rr_addr_parse(
			str_of(json_string_value(v)), &t->addrs[t->n_addrs])) {
			r->bad = true;
			return;
		}
		t->n_addrs++;
	}
	read_plan(r, json_object_get(o, "plan"), &t->plan);
}

void
explain_plan_free(struct explain_try *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tls_plan_clear(&v[i].plan);
	free(v);
}

int
explain_plan_read(struct str json, struct explain_try **out, size_t *n)
{
	json_t *root = json_loadb(json.p, json.n, 0, NULL);
	const json_t *hosts = json_object_get(root, "hosts");
	struct reader r = {.bad = !json_is_array(hosts)};
	struct explain_try *v;
	size_t count = 0, size = json_array_size(hosts);

	if (size > EXPLAIN_HOSTS_MAX) {
		r.bad = true;
		size = 0;
	}
	v = xcalloc(size + 1, sizeof(*v));
	for (size_t i = 0; i < size && !r.bad; i++) {
		const json_t *o = json_array_get(hosts, i);

		if (read_bool(&r, o, "tried"))
			read_try(&r, o, &v[count++]);
	}
	json_decref(root);
	if (r.bad) {
		explain_plan_free(v, count);
		return ERR_SYNTAX;
	}
	*out = v;
	*n = count;
	return 0;
}
