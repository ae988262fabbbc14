/* Commands that make the world: settings, zones, policies, the store. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "relay/dns/rdata.h"
#include "relay/model/tls_result.h"
#include "tests/fake/fake_dns.h"
#include "tests/fake/fake_http.h"
#include "tests/fake/fake_net.h"
#include "tests/fake/fake_store.h"
#include "tests/replay/scn.h"

/* set KEY VALUE...: of the configuration, before the first action. */
static void
cmd_set(struct play *p, char **w, size_t n)
{
	if (p->relay)
		scn_fail(p, "too late: the relay runs");
	for (size_t i = 0; i < n; i++)
		buf_addf(&p->settings, "%s%s", i ? " " : "", w[i]);
	buf_add_char(&p->settings, '\n');
}

/* zone NAME secure|insecure */
static void
cmd_zone(struct play *p, char **w, size_t n)
{
	(void)n;
	if (strcmp(w[1], "secure") != 0 && strcmp(w[1], "insecure") != 0)
		scn_fail(p, "a zone is secure or insecure");
	fake_dns_zone(w[0], strcmp(w[1], "secure") == 0);
}

/* The set is as secure as the zone, unless a word says otherwise. */
static void
put(struct play *p, char **w, size_t n, const char *name, enum rr_type type,
    struct rr_set *set)
{
	const char *ttl = scn_arg(w, n, "ttl");

	set->secure = fake_dns_is_secure(name);
	if (scn_has(w, n, "insecure"))
		set->secure = false;
	set->ttl = ttl ? (uint32_t)scn_int(p, ttl) : 300;
	fake_dns_put(name, type, set);
}

/* mx DOMAIN PREF HOST [PREF HOST]... ; HOST "." is the null MX */
static void
cmd_mx(struct play *p, char **w, size_t n)
{
	size_t pairs = 0;
	struct rr_set *set;

	while (1 + 2 * pairs + 1 < n && str_is_digit(w[1 + 2 * pairs][0]))
		pairs++;
	set = rr_set_new(RR_MX, pairs);
	for (size_t i = 0; i < pairs; i++) {
		const char *host = w[2 + 2 * i];

		set->u.mx[i].pref = (uint16_t)scn_int(p, w[1 + 2 * i]);
		snprintf(set->u.mx[i].host, DOMAIN_MAX, "%s",
		    strcmp(host, ".") == 0 ? "" : host);
	}
	put(p, w, n, w[0], RR_MX, set);
}

static struct rr_set *
addr_set(struct play *p, char **w, size_t n, enum rr_type type)
{
	struct rr_addr v[16];
	size_t found = 0;
	struct rr_set *set;

	for (size_t i = 1; i < n && found < 16; i++) {
		bool is6 = strchr(w[i], ':') != NULL;

		if (strchr(w[i], '=') || strcmp(w[i], "insecure") == 0 ||
		    is6 != (type == RR_AAAA))
			continue;
		if (rr_addr_parse(str_of(w[i]), &v[found]))
			scn_fail(p, "\"%s\" is no address", w[i]);
		else
			found++;
	}
	if (found == 0)
		return rr_set_empty(type, RR_NODATA, RR_WHY_NONE);
	set = rr_set_new(type, found);
	memcpy(set->u.addr, v, found * sizeof(*v));
	return set;
}

/* addr HOST IP... [insecure] [ttl=N] */
static void
cmd_addr(struct play *p, char **w, size_t n)
{
	put(p, w, n, w[0], RR_A, addr_set(p, w, n, RR_A));
	put(p, w, n, w[0], RR_AAAA, addr_set(p, w, n, RR_AAAA));
}

/* cname NAME TARGET TYPE...: answers of these types for NAME lead through an
 * alias to those of TARGET, secure when both zones are. */
static void
cmd_cname(struct play *p, char **w, size_t n)
{
	struct rr_set *alias = rr_set_new(RR_CNAME, 1);

	snprintf(alias->u.cname[0], DOMAIN_MAX, "%s", w[1]);
	put(p, w, n, w[0], RR_CNAME, alias);
	for (size_t i = 2; i < n; i++) {
		enum rr_type type = strcmp(w[i], "a") == 0 ? RR_A
		    : strcmp(w[i], "aaaa") == 0            ? RR_AAAA
		    : strcmp(w[i], "tlsa") == 0            ? RR_TLSA
		    : strcmp(w[i], "txt") == 0             ? RR_TXT
							   : RR_MX;
		const struct rr_set *to = fake_dns_get(w[1], type);
		struct rr_set *set;

		if (to)
			set = rr_set_dup(to);
		else
			set = rr_set_empty(type, RR_NODATA, RR_WHY_NONE);
		set->has_cname = true;
		snprintf(set->final_name, DOMAIN_MAX, "%s",
		    to && to->has_cname ? to->final_name : w[1]);
		set->secure = (!to || to->secure) && fake_dns_is_secure(w[0]) &&
		    fake_dns_is_secure(w[1]);
		fake_dns_put(w[0], type, set);
	}
	if (n < 3)
		scn_fail(p, "which types?");
}

/* tlsa NAME USAGE SELECTOR MTYPE KEY [USAGE SELECTOR MTYPE KEY]... */
static void
cmd_tlsa(struct play *p, char **w, size_t n)
{
	size_t records = 0;
	struct rr_set *set;

	while (1 + 4 * records + 3 < n && str_is_digit(w[1 + 4 * records][0]))
		records++;
	set = rr_set_new(RR_TLSA, records);
	for (size_t i = 0; i < records; i++) {
		char **r = w + 1 + 4 * i, data[64];
		unsigned sel = (unsigned)scn_int(p, r[1]);
		unsigned mtype = (unsigned)scn_int(p, r[2]);
		size_t len = fake_tlsa_data(r[3], sel, mtype, data);

		rr_set_tlsa(set, i, (uint8_t)scn_int(p, r[0]), (uint8_t)sel,
		    (uint8_t)mtype, str_n(data, len));
	}
	put(p, w, n, w[0], RR_TLSA, set);
}

/* txt NAME TEXT [TEXT...]: a record each */
static void
cmd_txt(struct play *p, char **w, size_t n)
{
	struct rr_set *set = rr_set_new(RR_TXT, n - 1);

	for (size_t i = 1; i < n; i++)
		rr_set_txt(set, i - 1, str_of(w[i]));
	put(p, w, 0, w[0], RR_TXT, set);
}

static enum rr_type
type_of(struct play *p, const char *text)
{
	static const enum rr_type types[] = {
	    RR_A, RR_AAAA, RR_MX, RR_TXT, RR_TLSA, RR_CNAME};
	static const char *const names[] = {
	    "a", "aaaa", "mx", "txt", "tlsa", "cname"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], text) == 0)
			return types[i];
	}
	scn_fail(p, "there is no type \"%s\"", text);
	return RR_A;
}

/* dns NAME TYPE nxdomain|nodata|servfail|bogus|refused|silent|gone */
static void
cmd_dns(struct play *p, char **w, size_t n)
{
	static const struct {
		const char *name;
		enum rr_status status;
		enum rr_why why;
	} kinds[] = {{"nxdomain", RR_NXDOMAIN, RR_WHY_NONE},
	    {"nodata", RR_NODATA, RR_WHY_NONE},
	    {"servfail", RR_FAIL, RR_WHY_SERVFAIL},
	    {"bogus", RR_FAIL, RR_WHY_BOGUS},
	    {"refused", RR_FAIL, RR_WHY_REFUSED}};
	enum rr_type type = type_of(p, w[1]);

	if (strcmp(w[2], "silent") == 0) {
		fake_dns_put(w[0], type, NULL);
		return;
	}
	if (strcmp(w[2], "gone") == 0) {
		fake_dns_remove(w[0], type);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, w[2]) != 0)
			continue;
		put(p, w, n, w[0], type,
		    rr_set_empty(type, kinds[i].status, kinds[i].why));
		return;
	}
	scn_fail(p, "there is no answer \"%s\"", w[2]);
}

/* ttl NAME TYPE SECONDS: of the answer that is there */
static void
cmd_ttl(struct play *p, char **w, size_t n)
{
	struct rr_set *set = fake_dns_get(w[0], type_of(p, w[1]));

	(void)n;
	if (set)
		set->ttl = (uint32_t)scn_int(p, w[2]);
	else
		scn_fail(p, "%s has no %s", w[0], w[1]);
}

/* resolver ok|untrusted|boasting|dead|mute */
static void
cmd_resolver(struct play *p, char **w, size_t n)
{
	static const char *const names[] = {
	    "ok", "untrusted", "boasting", "dead", "mute"};

	(void)n;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], w[0]) == 0) {
			fake_dns_resolver((enum fake_resolver)i);
			return;
		}
	}
	scn_fail(p, "there is no resolver \"%s\"", w[0]);
}

/* sts DOMAIN MODE MAX_AGE ID MX...: record, host and policy */
static void
cmd_sts(struct play *p, char **w, size_t n)
{
	char name[DOMAIN_MAX + 16], record[80];
	struct rr_set *set = rr_set_new(RR_TXT, 1);
	struct rr_set *addr = rr_set_new(RR_A, 1);
	struct buf body;

	snprintf(record, sizeof(record), "v=STSv1; id=%s;", w[3]);
	rr_set_txt(set, 0, str_of(record));
	snprintf(name, sizeof(name), "_mta-sts.%s", w[0]);
	put(p, NULL, 0, name, RR_TXT, set);
	snprintf(name, sizeof(name), "mta-sts.%s", w[0]);
	addr->u.addr[0] = (struct rr_addr){.family = 4, .ip = {11, 9, 9, 9}};
	put(p, NULL, 0, name, RR_A, addr);
	put(p, NULL, 0, name, RR_AAAA,
	    rr_set_empty(RR_AAAA, RR_NODATA, RR_WHY_NONE));
	buf_init(&body, 1u << 16);
	buf_addf(&body, "version: STSv1\nmode: %s\nmax_age: %s\n", w[1], w[2]);
	for (size_t i = 4; i < n; i++)
		buf_addf(&body, "mx: %s\n", w[i]);
	fake_http_put(name, 0, TLS_OK, 200, "text/plain", body.p);
	buf_clear(&body);
}

/* https HOST down|timeout|tls|STATUS [type=T] [body=B] [pad=N]; pad: bytes of
 * blank lines behind the body */
static void
cmd_https(struct play *p, char **w, size_t n)
{
	const char *type = scn_arg(w, n, "type");
	const char *body = scn_arg(w, n, "body");
	const char *pad = scn_arg(w, n, "pad");
	int err = 0, status = 0, tls = TLS_OK;
	struct buf text;

	if (strcmp(w[1], "down") == 0) {
		err = ERR_UNREACH;
	} else if (strcmp(w[1], "timeout") == 0) {
		err = ERR_TIMEOUT;
	} else if (strcmp(w[1], "tls") == 0) {
		err = ERR_TLS;
		tls = TLS_HOST_MISMATCH;
	} else {
		status = (int)scn_int(p, w[1]);
	}
	buf_init(&text, 1u << 20);
	buf_add_cstr(&text, body ? body : "");
	for (int64_t i = pad ? scn_int(p, pad) : 0; i > 0; i--)
		buf_add_char(&text, '\n');
	fake_http_put(
	    w[0], err, tls, status, type ? type : "text/plain", text.p);
	buf_clear(&text);
}

/* store ok|broken|busy|full */
static void
cmd_store(struct play *p, char **w, size_t n)
{
	(void)n;
	fake_store_low_disk(strcmp(w[0], "full") == 0);
	if (strcmp(w[0], "ok") == 0 || strcmp(w[0], "full") == 0)
		fake_store_error(0);
	else if (strcmp(w[0], "broken") == 0)
		fake_store_error(ERR_IO);
	else if (strcmp(w[0], "busy") == 0)
		fake_store_error(ERR_BUSY);
	else
		scn_fail(p, "a store is ok, broken, busy or full");
}

const struct scn_command scn_world_commands[] = {
    {"set", 2, cmd_set},
    {"zone", 2, cmd_zone},
    {"mx", 3, cmd_mx},
    {"addr", 2, cmd_addr},
    {"cname", 3, cmd_cname},
    {"tlsa", 5, cmd_tlsa},
    {"txt", 2, cmd_txt},
    {"dns", 3, cmd_dns},
    {"ttl", 3, cmd_ttl},
    {"resolver", 1, cmd_resolver},
    {"sts", 4, cmd_sts},
    {"https", 2, cmd_https},
    {"store", 1, cmd_store},
    {NULL, 0, NULL},
};
