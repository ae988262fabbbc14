/* Commands about MX hosts: "peer IP WHAT ...". */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/fake/fake_peer.h"
#include "tests/fake/fake_store.h"
#include "tests/replay/scn.h"

static struct fake_peer *
peer_of(struct play *p, const char *text)
{
	struct rr_addr a;

	if (rr_addr_parse(str_of(text), &a)) {
		scn_fail(p, "\"%s\" is no address", text);
		a = (struct rr_addr){.family = 4};
	}
	return fake_peer_get(&a);
}

static bool
set_state(struct fake_peer *peer, const char *word)
{
	static const char *const names[] = {
	    "up", "refusing", "unreachable", "silent"};

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(names[i], word) == 0) {
			peer->state = (enum fake_peer_state)i;
			return true;
		}
	}
	return false;
}

/* cert [key=K] [ta=T] [names=A,B] [trusted] [expired] [broken] [tls=1.2] */
static void
set_cert(struct play *p, struct fake_peer *peer, char **w, size_t n)
{
	struct fake_cert *c = &peer->cert;
	const char *key = scn_arg(w, n, "key"), *ta = scn_arg(w, n, "ta");
	const char *names = scn_arg(w, n, "names");
	const char *tls = scn_arg(w, n, "tls");
	struct str rest = str_of(names), name;

	memset(c, 0, sizeof(*c));
	snprintf(c->key, sizeof(c->key), "%s", key ? key : "");
	snprintf(c->ta, sizeof(c->ta), "%s", ta ? ta : "");
	while (c->n_names < FAKE_NAMES && str_cut(&rest, ',', &name))
		snprintf(
		    c->names[c->n_names++], DOMAIN_MAX, "%.*s", STR_FMT(name));
	c->trusted = scn_has(w, n, "trusted");
	c->expired = scn_has(w, n, "expired");
	c->broken = scn_has(w, n, "broken");
	c->version = TLS_V1_3;
	if (tls)
		c->version = (enum tls_version)(
		    TLS_V1_0 + (int)scn_int(p, tls[0] == '1' ? tls + 2 : tls));
}

/*
 * STAGE reply TEXT | drop | reset | stall | reply-drop TEXT | flood TEXT |
 *	drip TEXT | usual [about=PART] [times=N] [after=DURATION]
 * stages: connect ehlo helo starttls mail rcpt data eod quit
 */
static void
set_rule(struct play *p, struct fake_peer *peer, char **w, size_t n)
{
	static const char *const names[] = {
	    "reply", "drop", "reset", "stall", "reply-drop", "flood", "drip"};
	const char *about = scn_arg(w, n, "about");
	const char *times = scn_arg(w, n, "times");
	const char *after = scn_arg(w, n, "after");
	struct fake_rule *r;

	if (n < 2) {
		scn_fail(p, "what at %s?", w[0]);
		return;
	}
	if (strcmp(w[1], "usual") == 0) {
		fake_peer_unrule(peer, w[0]);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], w[1]) != 0)
			continue;
		r = fake_peer_rule(peer, w[0], about ? about : "",
		    (enum fake_act)i, n > 2 ? w[2] : NULL,
		    times ? (int)scn_int(p, times) : -1);
		r->after_ms = after ? scn_ms(p, after) : 0;
		return;
	}
	scn_fail(p, "a host can't do \"%s\" at %s", w[1], w[0]);
}

static void
cmd_peer(struct play *p, char **w, size_t n)
{
	static const char *const stages[] = {"connect", "ehlo", "helo",
	    "starttls", "mail", "rcpt", "data", "eod", "quit"};
	struct fake_peer *peer = peer_of(p, w[0]);

	if (set_state(peer, w[1]))
		return;
	if (strcmp(w[1], "cert") == 0) {
		set_cert(p, peer, w + 2, n - 2);
		return;
	}
	if (strcmp(w[1], "no-starttls") == 0) {
		peer->starttls = false;
		return;
	}
	if (strcmp(w[1], "with-starttls") == 0) {
		peer->starttls = true;
		return;
	}
	if (strcmp(w[1], "caps") == 0 && n > 2) {
		snprintf(peer->caps, sizeof(peer->caps), "%s", w[2]);
		return;
	}
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (strcmp(stages[i], w[1]) == 0) {
			set_rule(p, peer, w + 1, n - 1);
			return;
		}
	}
	scn_fail(p, "\"%s\" says nothing of a host", w[1]);
}

/*
 * forbid clear|mail IP... [policy=DOMAIN] [had-dane=DOMAIN]: what these must
 * never get, fault or not. With a condition: if the store has a policy of
 * MTA-STS for the domain by now, or knows that it used DANE; for a fault may
 * have kept the relay from learning it.
 */
static void
cmd_forbid(struct play *p, char **w, size_t n)
{
	const char *policy = scn_arg(w, n, "policy");
	const char *had_dane = scn_arg(w, n, "had-dane");

	if ((policy && !fake_store_sts(policy)) ||
	    (had_dane && !fake_store_dane(had_dane)))
		return;
	for (size_t i = 1; i < n; i++) {
		struct fake_peer *peer;

		if (strchr(w[i], '='))
			continue;
		peer = peer_of(p, w[i]);
		if (strcmp(w[0], "clear") == 0)
			peer->forbid_clear = true;
		else if (strcmp(w[0], "mail") == 0)
			peer->forbid_mail = true;
		else
			scn_fail(p, "clear or mail");
	}
}

/* allow IP...: the opposite, from now on. */
static void
cmd_allow(struct play *p, char **w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct fake_peer *peer = peer_of(p, w[i]);

		peer->forbid_clear = peer->forbid_mail = false;
	}
}

const struct scn_command scn_peer_commands[] = {
    {"peer", 2, cmd_peer},
    {"forbid", 2, cmd_forbid},
    {"allow", 1, cmd_allow},
    {NULL, 0, NULL},
};
