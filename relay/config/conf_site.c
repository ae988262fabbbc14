/*
 * Rules for single domains. A rule that asks for less than the default does
 * is a hole that somebody once needed: it must say why, and when it ends.
 */
#include "config.h"

#include "relay/config/conf_site.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/date.h"
#include "relay/base/domain.h"
#include "relay/base/str.h"
#include "relay/config/conf_addr.h"
#include "relay/model/rr.h"

/* The order of enum site_require behind SITE_DEFAULT; in read_site those of
 * enum site_continuity. */
static const char *const requires[] = {
    "opportunistic", "audit", "encrypted", "verified", "sts", "dane"};

static bool
read_domain(const struct conf_sec *sec, char out[DOMAIN_MAX])
{
	struct str s = str_of(sec->title);
	bool below = s.n > 0 && s.p[0] == '.';
	char name[DOMAIN_MAX];

	if (domain_canon_host(below ? str_skip(s, 1) : s, name) ||
	    strlen(name) + 1 + below > DOMAIN_MAX) {
		conf_problem(sec, NULL, 0,
		    "\"%.80s\" is not a mail domain; write example.com, or "
		    ".example.com for it and all below",
		    sec->title);
		return false;
	}
	out[0] = '.';
	memcpy(out + below, name, strlen(name) + 1);
	return true;
}

/* Appends ":port" of what stands behind the host, if anything. */
static NODISCARD int
add_port(struct buf *b, struct str tail)
{
	struct opt_addr_port a;
	char text[32];

	if (tail.n == 0)
		return 0;
	if (tail.p[0] != ':' || tail.n > 16)
		return ERR_SYNTAX;
	/* Read as if behind some address. */
	memcpy(text, "1.1.1.1", 7);
	memcpy(text + 7, tail.p, tail.n);
	if (conf_addr_port(str_n(text, 7 + tail.n), 0, &a))
		return ERR_SYNTAX;
	buf_addf(b, ":%u", a.port);
	return 0;
}

/* "host", "host:port", "[ip]" or "[ip]:port" in canonical form. NULL: it is
 * none of these. */
static char *
nexthop_text(const char *text)
{
	struct str s = str_of(text), host;
	char name[DOMAIN_MAX];
	struct rr_addr ip;
	struct buf b;
	size_t end;

	buf_init(&b, 2 * (size_t)DOMAIN_MAX);
	if (s.n > 0 && s.p[0] == '[') {
		end = str_find(s, ']');
		if (end == s.n || rr_addr_parse(str_n(s.p + 1, end - 1), &ip))
			return NULL;
		rr_addr_str(&ip, name);
		buf_addf(&b, "[%s]", name);
		end++;
	} else {
		end = str_find(s, ':');
		host = str_n(s.p, end);
		if (domain_is_ip(host) || domain_canon_host(host, name))
			return NULL;
		buf_addf(&b, "%s", name);
	}
	if (add_port(&b, str_skip(s, end))) {
		buf_clear(&b);
		return NULL;
	}
	return buf_take(&b);
}

static void
read_nexthop(const struct conf_sec *sec, struct opt_site *s)
{
	const char *text = conf_get_text(sec, "nexthop");

	if (!text)
		return;
	s->nexthop = nexthop_text(text);
	if (!s->nexthop)
		conf_problem(sec, "nexthop", 0,
		    "\"%.80s\" is not a host; write HOST, HOST:PORT or "
		    "[ADDRESS]:PORT",
		    text);
}

static void
read_expires(const struct conf_sec *sec, struct opt_site *s)
{
	const char *text = conf_get_text(sec, "expires");

	if (text && date_parse_day(str_of(text), &s->expires_s))
		conf_problem(sec, "expires", 0,
		    "\"%.80s\" is not a day; write YEAR-MONTH-DAY, such as "
		    "2027-01-31",
		    text);
}

/* Looser than what would be without the rule: say why and until when. */
static void
check_looser(const struct conf_sec *sec, const struct opt_site *s)
{
	static const char *const keys[] = {"reason", "expires"};
	const char *what = NULL;

	if (s->require == SITE_OPPORTUNISTIC)
		what = "require = opportunistic";
	else if (s->require == SITE_AUDIT)
		what = "require = audit";
	else if (s->continuity == CONTINUITY_LOG)
		what = "continuity = log";
	if (!what)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (!conf_val_next(sec, keys[i], NULL))
			conf_problem(sec, keys[i], 0,
			    "is missing; %s is looser than the default and "
			    "needs a reason and the day it expires",
			    what);
	}
}

/* A rule that lets mail go can't hold it. */
static void
check_continuity(const struct conf_sec *sec, const struct opt_site *s)
{
	bool lets_go = s->require == SITE_OPPORTUNISTIC ||
	    s->require == SITE_AUDIT;

	if (s->continuity == CONTINUITY_HOLD && lets_go)
		conf_problem(sec, "continuity", 0,
		    "hold has no effect beside require = %s; remove one",
		    requires[s->require - 1]);
}

static void
read_site(const struct conf_sec *sec, struct opt_site *s)
{
	static const char *const continuities[] = {"hold", "log"};
	unsigned word = sizeof(requires) / sizeof(requires[0]);

	conf_get_word(sec, "require", requires, word, &word);
	if (word < sizeof(requires) / sizeof(requires[0]))
		s->require = (enum site_require)(word + 1);
	word = 2;
	conf_get_word(sec, "continuity", continuities, 2, &word);
	if (word < 2)
		s->continuity = (enum site_continuity)(word + 1);
	read_nexthop(sec, s);
	conf_get_dup(sec, "reason", &s->reason);
	conf_get_dup(sec, "author", &s->author);
	read_expires(sec, s);
	check_looser(sec, s);
	check_continuity(sec, s);
	if (!conf_val_next(sec, "require", NULL) &&
	    !conf_val_next(sec, "nexthop", NULL) &&
	    !conf_val_next(sec, "continuity", NULL))
		conf_problem(sec, NULL, 0,
		    "\"%.80s\" says nothing; set require, nexthop or "
		    "continuity, or remove it",
		    sec->title);
}

void
conf_sites_make(const struct conf_tree *t, struct options *o)
{
	const struct conf_sec *sec = NULL;

	while ((sec = conf_tree_next(t, "site", sec))) {
		struct opt_site s = {.require = SITE_DEFAULT};
		struct buf b;

		if (!read_domain(sec, s.domain))
			continue;
		buf_init(&b, strlen(t->name) + 16);
		buf_addf(&b, "%s:%d", t->name, sec->line);
		s.where = buf_take(&b);
		read_site(sec, &s);
		o->sites = xrealloc(
		    o->sites, (o->n_sites + 1) * sizeof(*o->sites));
		o->sites[o->n_sites++] = s;
	}
}

void
conf_sites_free(struct options *o)
{
	for (size_t i = 0; i < o->n_sites; i++) {
		free(o->sites[i].nexthop);
		free(o->sites[i].reason);
		free(o->sites[i].author);
		free(o->sites[i].where);
	}
	free(o->sites);
	o->sites = NULL;
	o->n_sites = 0;
}
