/*
 * What only shows when all is there: two listeners on one socket, two rules
 * for one domain, rules that have ended, and settings that are allowed but
 * that somebody should know of.
 */
#include "config.h"

#include "relay/config/conf_check.h"

#include <string.h>

#include "relay/base/date.h"
#include "relay/base/str.h"

static bool
same_socket(const struct opt_listen *a, const struct opt_listen *b)
{
	if (a->unix_path || b->unix_path)
		return a->unix_path && b->unix_path &&
		    strcmp(a->unix_path, b->unix_path) == 0;
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static void
check_listens(const struct options *o, struct buf *errors)
{
	for (size_t i = 0; i < o->n_listens; i++) {
		const struct opt_listen *l = &o->listens[i];

		for (size_t k = 0; k < i; k++) {
			if (!same_socket(l, &o->listens[k]))
				continue;
			buf_addf(errors,
			    "%s: listen: \"%s\" is the socket of %s too; "
			    "remove one\n",
			    l->where, l->text, o->listens[k].where);
			break;
		}
	}
}

/* Nobody's own clients are a 128th of the internet. */
static void
check_networks(const struct opt_listen *l, struct buf *warnings)
{
	for (size_t i = 0; i < l->n_nets; i++) {
		const struct opt_net *net = &l->nets[i];
		char text[RR_ADDR_TEXT];

		if (net->bits >= (net->addr.family == 4 ? 8 : 16))
			continue;
		rr_addr_str(&net->addr, text);
		buf_addf(warnings,
		    "%s: listen.networks: %s/%u lets a large part of the "
		    "internet relay; name the networks of your own clients\n",
		    l->where, text, net->bits);
	}
}

static void
check_sites(const struct options *o, int64_t now, struct buf *errors,
    struct buf *warnings)
{
	for (size_t i = 0; i < o->n_sites; i++) {
		const struct opt_site *s = &o->sites[i];
		char day[DATE_MAX];

		for (size_t k = 0; k < i; k++) {
			if (strcmp(s->domain, o->sites[k].domain) != 0)
				continue;
			buf_addf(errors,
			    "%s: site: \"%s\" has a rule in %s too; put both "
			    "into one\n",
			    s->where, s->domain, o->sites[k].where);
			break;
		}
		if (!options_site_ended(s, now))
			continue;
		date_rfc3339(s->expires_s, day);
		buf_addf(warnings,
		    "%s: site.expires: the rule for \"%s\" ended on %.10s and "
		    "has no effect; remove it\n",
		    s->where, s->domain, day);
	}
}

static void
check_users(const struct options *o, struct buf *warnings)
{
	if (o->resolver.managed && strcmp(o->user, o->resolver.user) == 0)
		buf_addf(warnings,
		    "resolver.user: \"%s\" is the relay's user too; give "
		    "unbound one of its own\n",
		    o->user);
}

static void
check_rest(const struct options *o, struct buf *warnings)
{
	int64_t last;

	if (strcmp(o->hostname, "localhost.localdomain") == 0)
		buf_addf(warnings,
		    "hostname: this machine has no full name, so others see "
		    "\"%s\"; set hostname\n",
		    o->hostname);
	if (!o->dane.on)
		buf_addf(warnings,
		    "dane.mode: off: TLSA records are not looked at\n");
	if (!o->sts.on)
		buf_addf(warnings, "sts.mode: off: MTA-STS is not looked at\n");
	last = o->queue.n_retry > 0 ? o->queue.retry_s[0] : 0;
	if (last >= o->queue.lifetime_s)
		buf_addf(warnings,
		    "queue.retry: the first try again comes after the "
		    "lifetime; each message has one try\n");
}

int
conf_check(const struct options *o, int64_t now, struct buf *errors,
    struct buf *warnings)
{
	size_t before = errors->n;

	check_listens(o, errors);
	for (size_t i = 0; i < o->n_listens; i++)
		check_networks(&o->listens[i], warnings);
	check_sites(o, now, errors, warnings);
	check_users(o, warnings);
	check_rest(o, warnings);
	return errors->n > before || errors->full ? ERR_CONFIG : 0;
}
