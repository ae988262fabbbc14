/* The story: mail, time, and what goes wrong with the world. */
#include "config.h"

#include "tests/replay/gen.h"

#include <stdio.h>
#include <string.h>

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

unsigned
gen_below(struct gen *g, unsigned n)
{
	return rng_below(&g->rng, n);
}

bool
gen_chance(struct gen *g, unsigned percent)
{
	return gen_below(g, 100) < percent;
}

static const char *
one_of(struct gen *g, const char *const *v, size_t n)
{
	return v[gen_below(g, (unsigned)n)];
}

static void
run(struct gen *g, unsigned seconds)
{
	buf_addf(g->out, "run %us\n", seconds);
	g->now_s += seconds;
}

/* Seconds, hours or anything between. */
static void
run_some(struct gen *g)
{
	static const unsigned scale[] = {1, 1, 10, 60, 300, 1800};

	run(g, scale[gen_below(g, COUNT(scale))] * (1 + gen_below(g, 4)));
}

/* ---- settings ---- */

static void
write_settings(struct gen *g)
{
	static const unsigned hours[] = {1, 4, 4, 4, 6, 6, 48};

	g->workers = 1 + gen_below(g, 4);
	g->lifetime_s = 3600 * hours[gen_below(g, COUNT(hours))];
	buf_addf(g->out, "set workers %u\nset queue.lifetime %llds\n",
	    g->workers, (long long)g->lifetime_s);
	if (g->crowd ? gen_chance(g, 75) : gen_chance(g, 20))
		buf_addf(g->out, "set queue.max_in_memory %u\n",
		    100 + gen_below(g, 50));
	if (gen_chance(g, 20))
		buf_addf(g->out, "set deliver.max_per_destination %u\n",
		    1 + gen_below(g, 3));
	if (gen_chance(g, 10))
		buf_addf(g->out, "set deliver.max_connections %u\n",
		    10 + gen_below(g, 3));
	if (gen_chance(g, 30))
		buf_addf(g->out, "set deliver.max_recipients %u\n",
		    1 + gen_below(g, 5));
	if (g->big || gen_chance(g, 20))
		buf_add_cstr(g->out,
		    "set queue.max_message_size 1M\n"
		    "set queue.memory 1M\n");
	if (gen_chance(g, 15))
		buf_addf(g->out, "set limits.max_sessions %u\n",
		    1 + gen_below(g, 3));
	g->insecure_mx = !gen_chance(g, 15);
	if (!g->insecure_mx)
		buf_add_cstr(g->out, "set dane.insecure_mx no\n");
	if (gen_chance(g, 20))
		buf_addf(g->out, "set queue.retry %um %um\n",
		    1 + gen_below(g, 9), 10 + gen_below(g, 60));
}

/* ---- mail ---- */

/* What becomes of it for certain, when it is queued now. */
static void
write_end(struct gen *g, const char *who, const struct gen_domain *d, bool late)
{
	if (gen_never(d))
		buf_addf(g->out, "finally rcpt %s never sent\n", who);
	else if (late && gen_well(d) && !d->may_bounce)
		buf_addf(g->out, "finally rcpt %s sent\n", who);
	else
		buf_addf(g->out, "finally rcpt %s sent|bounced|expired\n", who);
}

static void
write_size(struct gen *g)
{
	static const unsigned sizes[] = {100, 4000, 70000, 300000, 500000};
	static const char *const notify[] = {
	    "NEVER", "FAILURE", "SUCCESS,FAILURE", "DELAY", "SUCCESS"};

	if (g->big && gen_chance(g, 60))
		buf_addf(g->out, " size=%u", 150000 + gen_below(g, 600000));
	else if (gen_chance(g, 30))
		buf_addf(g->out, " size=%u",
		    sizes[gen_below(g, gen_chance(g, 15) ? 5 : 2)]);
	/* Not offered: such mail stays with the client. */
	if (gen_chance(g, 2))
		buf_addf(
		    g->out, " notify=%s", one_of(g, notify, COUNT(notify)));
	if (gen_chance(g, 30))
		buf_add_cstr(g->out, " burst");
}

/* A message to n recipients of the domains, all the same or mixed. */
static void
send_mail(struct gen *g, size_t n, const struct gen_domain *to, bool vanish)
{
	unsigned m = ++g->messages;

	buf_addf(g->out, "send m%u from=", m);
	if (!gen_chance(g, 15))
		buf_addf(g->out, "s@%s", g->domains[0].name);
	buf_add_cstr(g->out, " to=");
	for (size_t i = 0; i < n; i++) {
		const struct gen_domain *d = to
		    ? to
		    : &g->domains[1 + gen_below(g, (unsigned)g->n_domains - 1)];

		buf_addf(g->out, "%sr%u-%zu@%s", i ? "," : "", m, i, d->name);
	}
	write_size(g);
	if (vanish)
		buf_addf(g->out, " vanish=%u", 1 + gen_below(g, 50));
	buf_add_cstr(g->out, "\n");
	if (vanish)
		for (size_t i = 0; i < g->n_domains; i++)
			buf_addf(g->out, "finally rcpt r%u-0@%s none\n", m,
			    g->domains[i].name);
}

/* More than the window holds, or than a page does. */
static void
send_crowd(struct gen *g)
{
	size_t n = 100 + gen_below(g, gen_chance(g, 20) ? 650 : 120);

	send_mail(g, n,
	    gen_chance(g, 60) ? &g->domains[g->n_domains - 1] : NULL, false);
}

static void
send_some(struct gen *g)
{
	if (gen_chance(g, 8))
		send_mail(g, 1, NULL, true);
	else if (g->crowd && gen_chance(g, 25))
		send_crowd(g);
	else if (gen_chance(g, 1))
		send_mail(g, 550 + gen_below(g, 200), NULL, false);
	else if (gen_chance(g, 4))
		send_mail(g, 60 + gen_below(g, 100), NULL, false);
	else
		send_mail(g, 1 + (gen_chance(g, 40) ? gen_below(g, 8) : 0),
		    NULL, false);
}

/* ---- what goes wrong ---- */

static struct gen_domain *
some_domain(struct gen *g)
{
	return &g->domains[gen_below(g, (unsigned)g->n_domains)];
}

static void
peer_trouble(struct gen *g)
{
	static const char *const states[] = {
	    "refusing", "unreachable", "silent", "up"};
	static const char *const stages[] = {"connect", "ehlo", "helo",
	    "starttls", "mail", "rcpt", "data", "eod", "quit"};
	static const char *const acts[] = {"drop", "reset", "stall",
	    "reply \"421 4.3.2 later\"", "reply \"450 4.2.1 busy\"",
	    "reply \"452 4.5.3 too many\"", "reply-drop \"451 4.3.0 later\"",
	    "reply-drop \"250 2.0.0 fine\"", "reply \"what?\"",
	    "reply \"250-one\\n250-two\\n250 three\"",
	    "reply \"250-one\\n451 two\"", "reply \"299 9.9.9 odd\"",
	    "reply \"550 5.1.1 nobody\"", "reply \"552 too many\"",
	    "reply-drop \"554 5.7.1 no\"", "reply \"220 2.0.0 go on\"",
	    "reply \"354 go on\""};
	struct gen_domain *d = some_domain(g);
	const struct gen_host *h;
	const char *act, *ip, *stage;

	if (d->n_hosts == 0)
		return;
	h = &d->hosts[gen_below(g, (unsigned)d->n_hosts)];
	if (h->n_addrs == 0)
		return;
	ip = h->addr[gen_below(g, (unsigned)h->n_addrs)];
	if (gen_chance(g, 35)) {
		buf_addf(g->out, "peer %s %s\n", ip,
		    one_of(g, states, COUNT(states)));
		return;
	}
	act = one_of(g, acts, COUNT(acts));
	/* A class that does not fit there may well be for good. */
	if (strstr(act, "\"55") || strstr(act, "299") || strstr(act, "what"))
		d->may_bounce = true;
	stage = one_of(g, stages, COUNT(stages));
	/* Nobody can say whether a host took it that says yes and no. */
	if (strcmp(stage, "eod") == 0 && strstr(act, "451 two"))
		stage = "data";
	buf_addf(g->out, "peer %s %s %s", ip, stage, act);
	if (gen_chance(g, 60))
		buf_addf(g->out, " times=%u", 1 + gen_below(g, 4));
	buf_add_cstr(g->out, "\n");
}

static void
dns_trouble(struct gen *g)
{
	static const char *const ways[] = {
	    "servfail", "bogus", "silent", "refused"};
	struct gen_domain *d = some_domain(g);
	const struct gen_host *h;
	const char *way = one_of(g, ways, COUNT(ways));

	if (d->n_hosts == 0 || d->kind == GEN_LITERAL)
		return;
	h = &d->hosts[gen_below(g, (unsigned)d->n_hosts)];
	switch (gen_below(g, g->calm ? 4 : 6)) {
	case 0:
		buf_addf(g->out, "dns %s mx %s\n", d->name, way);
		break;
	case 1:
		buf_addf(g->out, "dns %s a %s\n", h->name, way);
		break;
	case 2:
		buf_addf(g->out, "dns _25._tcp.%s tlsa %s\n", h->name, way);
		break;
	case 3:
		gen_mx(g, d);
		gen_addr(g, h);
		gen_tlsa(g, h);
		break;
	case 4:
		buf_addf(g->out, "dns _mta-sts.%s txt %s\n", d->name, way);
		break;
	case 5:
		buf_addf(g->out, "https mta-sts.%s %s\n", d->name,
		    gen_chance(g, 50) ? "timeout" : "down");
		break;
	}
}

static void
resolver_trouble(struct gen *g)
{
	static const char *const states[] = {"dead", "mute", "ok", "untrusted"};

	/* Without answers there is no policy, but no MX set either; a set
	 * may be in the cache, though. */
	if (!g->calm)
		buf_addf(g->out, "resolver %s\n",
		    states[gen_below(g, g->untrusted ? 4 : 3)]);
}

static void
relay_trouble(struct gen *g)
{
	static const char *const stores[] = {"broken", "busy", "full", "ok"};

	switch (gen_below(g, 4)) {
	case 0:
		buf_addf(g->out, "store %s\n", stores[gen_below(g, 4)]);
		return;
	case 1:
		buf_add_cstr(g->out, "crash\n");
		break;
	default:
		buf_add_cstr(g->out, "stop\n");
		break;
	}
	if (gen_chance(g, 30))
		run_some(g);
	buf_add_cstr(g->out, "start\n");
}

static void
heal(struct gen *g)
{
	static const char *const stages[] = {"connect", "ehlo", "helo",
	    "starttls", "mail", "rcpt", "data", "eod", "quit"};

	buf_add_cstr(g->out, "# heal\nstart\nresolver ok\nstore ok\n");
	for (size_t i = 0; i < g->n_domains; i++) {
		const struct gen_domain *d = &g->domains[i];

		gen_mx(g, d);
		gen_sts(g, d);
		for (size_t k = 0; k < d->n_hosts; k++) {
			const struct gen_host *h = &d->hosts[k];

			gen_addr(g, h);
			if (h->name[0] != '[')
				gen_tlsa(g, h);
			for (size_t a = 0; a < h->n_addrs; a++) {
				buf_addf(g->out, "peer %s up\n", h->addr[a]);
				for (size_t s = 0; s < COUNT(stages); s++)
					buf_addf(g->out, "peer %s %s usual\n",
					    h->addr[a], stages[s]);
			}
		}
	}
}

/* ---- the whole ---- */

static void
tell_story(struct gen *g)
{
	unsigned n = 5 + gen_below(g, gen_chance(g, 20) ? 60 : 15);

	buf_add_cstr(g->out, "# story\n");
	while (n-- > 0) {
		unsigned dice = gen_below(g, 100);

		if (dice < 40)
			send_some(g);
		else if (dice < 65)
			run_some(g);
		else if (dice < 85)
			peer_trouble(g);
		else if (dice < 91)
			dns_trouble(g);
		else if (dice < 94)
			resolver_trouble(g);
		else
			relay_trouble(g);
	}
}

/* Once all is well, what is new and what is young enough arrives. */
static void
tell_end(struct gen *g)
{
	bool young;

	heal(g);
	run(g, 900);
	for (size_t i = 1; i < g->n_domains; i++)
		send_mail(g, 1, &g->domains[i], false);
	run(g, 300);
	/* Sessions that hang when the world heals may last for a while. */
	young = g->now_s + 7200 < g->lifetime_s;
	for (size_t i = 0; i < g->n_domains; i++) {
		const struct gen_domain *d = &g->domains[i];
		char who[80];

		snprintf(who, sizeof(who), "@%s", d->name);
		write_end(g, who, d, young);
		if (young || g->lifetime_s < 4 * 3600 || i == 0)
			continue;
		snprintf(who, sizeof(who), "r%u-0@%s",
		    g->messages - (unsigned)(g->n_domains - 1 - i), d->name);
		write_end(g, who, d, true);
	}
}

void
gen_scenario(uint64_t seed, struct buf *text, struct play_opts *o)
{
	static const unsigned rates[] = {0, 0, 0, 15, 40, 100, 400, 1500};
	static const unsigned jitters[] = {0, 0, 3, 50, 1000, 5000};
	struct gen g = {.out = text};

	memset(o, 0, sizeof(*o));
	rng_init_seed(&g.rng, seed ^ UINT64_C(0x9e3779b97f4a7c15));
	o->seed = seed;
	o->random = rates[gen_below(&g, COUNT(rates))];
	o->jitter = jitters[gen_below(&g, COUNT(jitters))];
	g.calm = o->random == 0 && gen_chance(&g, 75);
	g.crowd = gen_chance(&g, 10);
	g.big = !g.crowd && gen_chance(&g, 10);
	g.untrusted = !g.calm && gen_chance(&g, 4);
	write_settings(&g);
	gen_world(&g);
	tell_story(&g);
	if (gen_chance(&g, 80)) {
		tell_end(&g);
		return;
	}
	for (size_t i = 0; i < g.n_domains; i++) {
		char who[80];

		snprintf(who, sizeof(who), "@%s", g.domains[i].name);
		write_end(&g, who, &g.domains[i], false);
	}
}
