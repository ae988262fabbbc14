/*
 * Whom the relay believes about DNS. DANE is worth what the AD bit is worth,
 * so an external resolver must be one that nobody else on the way or on this
 * machine can answer for; anything else needs trust = yes, said by a person.
 */
#include "config.h"

#include "relay/config/conf_resolver.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/domain.h"
#include "relay/base/str.h"
#include "relay/config/conf_addr.h"

#define DEFAULT_USER "waxseal-dns"

const char *
conf_resolver_doubt(const struct opt_addr_port *a)
{
	const uint8_t *ip = a->addr.ip;

	if (!conf_addr_is_loopback(&a->addr))
		return "is not on this machine: anybody on the way can forge "
		       "its answers";
	if (a->addr.family == 4 && ip[1] == 0 && ip[2] == 0) {
		if (ip[3] == 11)
			return "is the resolver of a container engine, which "
			       "does not validate";
		if (ip[3] == 53 || ip[3] == 54)
			return "is systemd-resolved, whose DNSSEC state can't "
			       "be relied on";
	}
	if (a->port >= 1024)
		return "has a port that any user of this machine may take";
	return NULL;
}

static void
read_addresses(const struct conf_sec *sec, struct opt_resolver *r)
{
	const struct conf_val *v = NULL;

	while ((v = conf_val_next(sec, "address", v))) {
		struct opt_addr_port a;
		const char *why;

		if (conf_addr_port(str_of(v->text), 53, &a)) {
			conf_problem(sec, v->key, v->line,
			    "\"%.80s\" is not an address; write ADDRESS or "
			    "ADDRESS:PORT, IPv6 in brackets",
			    v->text);
			continue;
		}
		why = conf_resolver_doubt(&a);
		if (why && !r->trust) {
			conf_problem(sec, v->key, v->line,
			    "%.60s %s; use mode = managed, or set trust = yes "
			    "if you know better",
			    v->text, why);
			continue;
		}
		r->addrs = xrealloc(
		    r->addrs, (r->n_addrs + 1) * sizeof(*r->addrs));
		r->addrs[r->n_addrs++] = a;
	}
	if (!conf_val_next(sec, "address", NULL))
		conf_problem(sec, "address", 0,
		    "is missing; mode = external needs the address of a "
		    "validating resolver");
}

/* "ip@port", as unbound writes it, or with ":", to unbound's form. NULL when
 * it is none. */
static char *
forward_text(const char *text)
{
	struct opt_addr_port a = {.port = 0};
	struct str s = str_of(text);
	size_t at = str_find(s, '@');
	char addr[RR_ADDR_TEXT], *copy = NULL;
	struct buf b;
	int err;

	if (at < s.n) {
		/* "@53" is ":53" with brackets around the address. */
		buf_init(&b, 256);
		buf_addf(&b,
		    str_find(s, ':') < s.n ? "[%.*s]:%.*s" : "%.*s:%.*s",
		    STR_FMT(str_n(s.p, at)), STR_FMT(str_skip(s, at + 1)));
		copy = buf_take(&b);
		s = str_of(copy);
	}
	err = conf_addr_port(s, 53, &a);
	free(copy);
	if (err)
		return NULL;
	rr_addr_str(&a.addr, addr);
	buf_init(&b, 256);
	buf_addf(&b, "%s", addr);
	if (a.port != 53)
		buf_addf(&b, "@%u", a.port);
	return buf_take(&b);
}

static void
read_forward(const struct conf_sec *sec, char ***list, size_t *n)
{
	const struct conf_val *v = NULL;

	while ((v = conf_val_next(sec, "forward", v))) {
		char *text = forward_text(v->text);

		if (!text) {
			conf_problem(sec, v->key, v->line,
			    "\"%.80s\" is not an address; write ADDRESS or "
			    "ADDRESS@PORT",
			    v->text);
			continue;
		}
		*list = xrealloc(*list, (*n + 1) * sizeof(**list));
		(*list)[(*n)++] = text;
	}
}

static void
read_zone(const struct conf_sec *sec, struct opt_resolver *r)
{
	char name[DOMAIN_MAX];
	struct opt_zone *z;

	if (domain_canon(str_of(sec->title), name)) {
		conf_problem(sec, NULL, 0,
		    "\"%.80s\" is not a domain; write the name of a zone",
		    sec->title);
		return;
	}
	for (size_t i = 0; i < r->n_zones; i++) {
		if (strcmp(r->zones[i].name, name) == 0)
			conf_problem(sec, NULL, 0,
			    "\"%s\" is there twice; put both into one", name);
	}
	r->zones = xrealloc(r->zones, (r->n_zones + 1) * sizeof(*r->zones));
	z = &r->zones[r->n_zones++];
	memset(z, 0, sizeof(*z));
	z->name = xstrdup(name);
	read_forward(sec, &z->forward, &z->n_forward);
	conf_get_bool(sec, "insecure", &z->insecure);
	if (!conf_val_next(sec, "forward", NULL))
		conf_problem(sec, "forward", 0,
		    "is missing; say which servers answer for \"%s\"", name);
}

/* A key of the other mode would have no effect: its author expects one. */
static void
refuse_others(const struct conf_sec *sec, bool managed)
{
	static const struct {
		const char *key;
		bool managed;
	} keys[] = {{"address", false}, {"trust", false},
	    {"trust_anchor", true}, {"root_hints", true}, {"forward", true},
	    {"query_localhost", true}, {"unbound", true}, {"user", true}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].managed == managed ||
		    !conf_val_next(sec, keys[i].key, NULL))
			continue;
		conf_problem(sec, keys[i].key, 0,
		    "has no effect with mode = %s; remove it or set mode = %s",
		    managed ? "managed" : "external",
		    managed ? "external" : "managed");
	}
}

void
conf_resolver_make(const struct conf_tree *t, struct opt_resolver *r)
{
	static const char *const modes[] = {"managed", "external"};
	const struct conf_sec *sec = conf_tree_next(t, "resolver", NULL);
	const struct conf_sec *zone = NULL;
	unsigned mode = 0;

	conf_get_word(sec, "mode", modes, 2, &mode);
	r->managed = mode == 0;
	r->user = xstrdup(DEFAULT_USER);
	if (sec)
		refuse_others(sec, r->managed);
	conf_get_bool(sec, "trust", &r->trust);
	if (!r->managed)
		read_addresses(sec, r);
	conf_get_dup(sec, "trust_anchor", &r->trust_anchor);
	conf_get_dup(sec, "root_hints", &r->root_hints);
	conf_get_bool(sec, "query_localhost", &r->query_localhost);
	conf_get_dup(sec, "unbound", &r->unbound);
	conf_get_user(sec, "user", &r->user, &r->user_line);
	read_forward(sec, &r->forward, &r->n_forward);
	while ((zone = conf_tree_next(t, "resolver.zone", zone))) {
		if (!r->managed)
			conf_problem(zone, NULL, 0,
			    "has no effect with mode = external; remove it or "
			    "set mode = managed");
		read_zone(zone, r);
	}
}

static void
free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void
conf_resolver_free(struct opt_resolver *r)
{
	for (size_t i = 0; i < r->n_zones; i++) {
		free(r->zones[i].name);
		free_list(r->zones[i].forward, r->zones[i].n_forward);
	}
	free(r->zones);
	free_list(r->forward, r->n_forward);
	free(r->addrs);
	free(r->trust_anchor);
	free(r->root_hints);
	free(r->unbound);
	free(r->user);
	memset(r, 0, sizeof(*r));
}
