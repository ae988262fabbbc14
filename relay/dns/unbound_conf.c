/*
 * unbound.conf for a resolver that validates and nothing else: loopback only,
 * one thread, no remote control, never a stale answer. Values come from the
 * administrator's configuration; what could break out of its line (quotes,
 * line ends) is refused, because it is no name or address in the first place.
 */
#include "config.h"

#include "relay/dns/unbound_conf.h"

#include <stdio.h>
#include <string.h>

#include "relay/base/codec.h"
#include "relay/base/domain.h"

/* https://www.iana.org/dnssec/files, tags 20326 and 38696. One string a line,
 * so that the keys can be searched for. */
#define KSK_2017 \
	"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7Hrx" \
	"RixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyW" \
	"bRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b5" \
	"8Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmS" \
	"VIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1Ak" \
	"UTV74bU="
#define KSK_2024 \
	"AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJN" \
	"nOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6" \
	"irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5o" \
	"UKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX" \
	"2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayff" \
	"KC73PYc="

static const char fixed[] =
    "	# nothing of the system's own set-up\n"
    "	directory: \"\"\n"
    "	chroot: \"\"\n"
    "	username: \"\"\n"
    "	pidfile: \"\"\n"
    "	logfile: \"\"\n"
    "	use-syslog: no\n"
    "	do-daemonize: no\n"
    "	verbosity: 1\n"
    "	# loopback only; so-reuseport fits the port's reservation\n"
    "	access-control: 0.0.0.0/0 refuse\n"
    "	access-control: ::0/0 refuse\n"
    "	access-control: 127.0.0.0/8 allow\n"
    "	so-reuseport: yes\n"
    "	so-rcvbuf: 4m\n"
    "	num-threads: 1\n"
    "	outgoing-range: 4096\n"
    "	outgoing-num-tcp: 64\n"
    "	edns-buffer-size: 1232\n"
    "	msg-cache-size: 16m\n"
    "	rrset-cache-size: 32m\n"
    "	key-cache-size: 8m\n"
    "	neg-cache-size: 4m\n"
    "	infra-keep-probing: yes\n"
    "	# validation\n"
    "	module-config: \"validator iterator\"\n"
    "	auto-trust-anchor-file: \"" UNBOUND_CONF_ANCHOR "\"\n"
    "	serve-expired: no\n"
    "	val-permissive-mode: no\n"
    "	val-clean-additional: yes\n"
    "	aggressive-nsec: yes\n"
    "	harden-glue: yes\n"
    "	harden-dnssec-stripped: yes\n"
    "	harden-below-nxdomain: yes\n"
    "	harden-large-queries: yes\n"
    "	harden-short-bufsize: yes\n"
    "	hide-identity: yes\n"
    "	hide-version: yes\n";

bool
unbound_conf_is_forward(struct str s)
{
	struct rr_addr addr;
	size_t at = str_find(s, '@');
	uint64_t port;

	if (at < s.n &&
	    (codec_u64(str_skip(s, at + 1), UINT16_MAX, &port) != 0 ||
		port == 0))
		return false;
	return rr_addr_parse(str_n(s.p, at), &addr) == 0;
}

/* name: canonical, or "." */
static int
forward_zone(struct buf *b, const char *name, char *const *forward, size_t n,
    char text[160])
{
	size_t i;

	if (n == 0)
		return 0;
	buf_addf(b, "forward-zone:\n\tname: \"%s\"\n", name);
	for (i = 0; i < n; i++) {
		if (!unbound_conf_is_forward(str_of(forward[i]))) {
			(void)snprintf(text, 160,
			    "forward: \"%.60s\" is not \"ip\" or \"ip@port\"",
			    forward[i]);
			return ERR_CONFIG;
		}
		buf_addf(b, "\tforward-addr: %s\n", forward[i]);
	}
	return 0;
}

static int
zone_name(const struct opt_zone *z, char name[DOMAIN_MAX], char text[160])
{
	if (domain_canon(str_of(z->name), name) == 0)
		return 0;
	(void)snprintf(text, 160, "zone \"%.60s\" is no domain name",
	    z->name ? z->name : "");
	return ERR_CONFIG;
}

/* Lines of the server block. */
static int
zone_options(struct buf *b, const struct opt_resolver *r, char text[160])
{
	char name[DOMAIN_MAX];
	size_t i;
	int err;

	for (i = 0; i < r->n_zones; i++) {
		const struct opt_zone *z = &r->zones[i];

		err = zone_name(z, name, text);
		if (err)
			return err;
		/* Lifts unbound's built-in empty zones ("test", RFC 1918
		 * reverse names, ...) off this one. */
		buf_addf(b, "\tlocal-zone: \"%s.\" transparent\n", name);
		if (z->insecure)
			buf_addf(b, "\tdomain-insecure: \"%s.\"\n", name);
	}
	return 0;
}

static int
forward_zones(struct buf *b, const struct opt_resolver *r, char text[160])
{
	char name[DOMAIN_MAX + 1];
	size_t i;
	int err;

	for (i = 0; i < r->n_zones; i++) {
		const struct opt_zone *z = &r->zones[i];

		err = zone_name(z, name, text);
		if (err)
			return err;
		name[strlen(name) + 1] = '\0';
		name[strlen(name)] = '.';
		err = forward_zone(b, name, z->forward, z->n_forward, text);
		if (err)
			return err;
	}
	return forward_zone(b, ".", r->forward, r->n_forward, text);
}

int
unbound_conf_write(struct buf *b, const struct opt_resolver *r, uint16_t port,
    unsigned shards, char text[160])
{
	/* Up to 256 questions in flight a shard, and some to spare. */
	unsigned queries = shards > 4 ? 256 * shards : 1024;
	unsigned tcp = shards > 8 ? 2 * shards : 16;
	int err;

	buf_add_cstr(b,
	    "# Written by waxseald at each start; changes are "
	    "lost.\nserver:\n");
	buf_addf(b, "\tinterface: 127.0.0.1@%u\n", port);
	buf_addf(b, "\tnum-queries-per-thread: %u\n", queries);
	buf_addf(b, "\tincoming-num-tcp: %u\n", tcp);
	buf_add_cstr(b, fixed);
	if (r->root_hints)
		buf_add_cstr(b, "\troot-hints: \"" UNBOUND_CONF_HINTS "\"\n");
	if (r->query_localhost)
		buf_add_cstr(b, "\tdo-not-query-localhost: no\n");
	err = zone_options(b, r, text);
	if (err)
		return err;
	buf_add_cstr(b, "remote-control:\n\tcontrol-enable: no\n");
	err = forward_zones(b, r, text);
	if (err)
		return err;
	if (b->full) {
		(void)snprintf(text, 160, "too many zones and forwarders");
		return ERR_CONFIG;
	}
	return 0;
}

struct str
unbound_conf_builtin_anchor(void)
{
	return STR(". IN DNSKEY 257 3 8 " KSK_2017 "\n"
		   ". IN DNSKEY 257 3 8 " KSK_2024 "\n");
}

static bool
has(struct str text, struct str part)
{
	for (; text.n >= part.n; text = str_skip(text, 1))
		if (memcmp(text.p, part.p, part.n) == 0)
			return true;
	return false;
}

bool
unbound_conf_anchor_covers(struct str text)
{
	return has(text, STR(KSK_2017)) && has(text, STR(KSK_2024));
}
