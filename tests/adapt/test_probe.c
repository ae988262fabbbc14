/*
 * Sessions that look and send nothing, against a server on loopback with TLS
 * of OpenSSL: what they prove, what they tell, and that no MAIL is said.
 */
#include "config.h"

#include "relay/deliver/probe.h"

#include "relay/tls/tls_chain.h"
#include "tests/adapt/conn_world.h"
#include "tests/adapt/tls_world.h"

struct peer {
	struct net n;
	struct world *w;
	struct pki_server s;
	struct options options;
	bool starttls; /* offered */
	bool garbage; /* after the 220 */
	bool secure; /* bytes are TLS from here on */
	const char *greeting;
	size_t fed; /* bytes of server.in that were looked at */
	struct buf plain; /* lines of the client, clear or decrypted */
	size_t at; /* of plain: what was taken */
	struct buf commands; /* first words */
	bool done;
	struct explain_conn res;
	struct buf pem;
};

static void
say(struct peer *p, const char *text)
{
	char out[16384];
	size_t n;

	if (!p->n.server.c)
		return;
	if (!p->secure) {
		end_write(&p->n.server, text, strlen(text));
		return;
	}
	t_int("written", SSL_write(p->s.ssl, text, (int)strlen(text)),
	    (int64_t)strlen(text));
	while ((n = pki_server_output(&p->s, out, sizeof(out))) > 0)
		end_write(&p->n.server, out, n);
}

static void
command(struct peer *p, struct str line)
{
	struct str word = str_n(line.p, str_find(line, ' '));

	buf_addf(&p->commands, "%.*s ", STR_FMT(str_trim(word)));
	if (str_starts(line, STR("EHLO"))) {
		say(p,
		    p->starttls && !p->secure ? "250-mx\r\n250 STARTTLS\r\n"
					      : "250 mx\r\n");
	} else if (str_starts(line, STR("STARTTLS"))) {
		say(p, "220 go\r\n");
		p->secure = true;
	} else {
		say(p, "221 bye\r\n");
	}
}

static void
decrypt(struct peer *p, const char *data, size_t n)
{
	char out[16384];
	size_t got;

	if (p->garbage) {
		end_write(&p->n.server, "no TLS\r\n\r\n\r\n", 12);
		return;
	}
	pki_server_feed(&p->s, data, n);
	while ((got = pki_server_read(&p->s, out, sizeof(out))) > 0)
		buf_add(&p->plain, out, got);
	while ((got = pki_server_output(&p->s, out, sizeof(out))) > 0)
		if (p->n.server.c)
			end_write(&p->n.server, out, got);
}

static void
serve(struct end *e, const struct conn_event *ev)
{
	struct peer *p = e->arg;
	struct str rest, line;

	if (ev->kind == CONN_CONNECTED || ev->kind != CONN_DATA)
		return;
	if (p->secure)
		decrypt(p, ev->data.p, ev->data.n);
	else
		buf_add_str(&p->plain, ev->data);
	rest = str_skip(buf_str(&p->plain), p->at);
	while (str_find(rest, '\n') < rest.n && str_cut(&rest, '\n', &line)) {
		p->at = p->plain.n - rest.n;
		command(p, line);
	}
}

static void
on_result(void *arg, const struct explain_conn *out, struct str pem)
{
	struct peer *p = arg;

	t_bool("once", p->done, false);
	p->done = true;
	p->res = *out;
	buf_add_str(&p->pem, pem);
}

static void
peer_init(struct peer *p, void **state, const struct tcase *c)
{
	static const struct opt_timeouts times = {.connect = 30000,
	    .greeting = 30000,
	    .ehlo = 30000,
	    .starttls = 30000,
	    .quit = 30000};

	memset(p, 0, sizeof(*p));
	p->w = world_of(state);
	p->starttls = true;
	p->greeting = "220 mx\r\n";
	p->options.timeouts = times;
	memcpy(p->options.hostname, "relay.example", 14);
	buf_init(&p->plain, 1u << 20);
	buf_init(&p->commands, 1000);
	buf_init(&p->pem, 1u << 20);
	start_server(p->w, c->chain, 0, &p->s);
	assert_true(net_init(&p->n, "127.0.0.1"));
	p->n.server.hook = serve;
	p->n.server.arg = p;
}

static void
peer_clear(struct peer *p)
{
	net_clear(&p->n);
	pki_server_stop(&p->s);
	buf_clear(&p->plain);
	buf_clear(&p->commands);
	buf_clear(&p->pem);
}

/* One session by c's plan; edit what it may do without TLS. */
static void
run(struct peer *p, const struct tcase *c, enum tls_fail on_failure)
{
	struct tls_plan plan;
	struct probe_req req = {.loop = p->n.loop,
	    .tls = p->w->ctx,
	    .options = &p->options,
	    .host = MX,
	    .port = p->n.addr.port,
	    .limit_ms = 60000};

	make_plan(p->w, c, &plan);
	plan.on_no_starttls = plan.on_tls_failure = on_failure;
	req.plan = &plan;
	req.addr.family = 4;
	memcpy(req.addr.ip, p->n.addr.ip, sizeof(req.addr.ip));
	assert_non_null(probe_start(&req, on_result, p));
	tls_plan_clear(&plan);
	while (!p->n.server.c && !p->done)
		loop_run_once(p->n.loop);
	if (p->n.server.c)
		say(p, p->greeting);
	net_until(&p->n, &p->done);
	t_bool("no MAIL",
	    strstr(p->commands.p ? p->commands.p : "", "MAIL") == NULL, true);
}

static const struct tcase good = {
    .name = "good", TLS_DANE, {GOOD, ROOT}, {{3, 1, 1, GOOD}}};
static const struct tcase mismatch = {
    .name = "mismatch", TLS_DANE, {GOOD, ROOT}, {{3, 1, 1, SELF}}};
static const struct tcase any = {
    .name = "any", TLS_OPPORTUNISTIC, {SELF}, {{0}}};

/* DANE-11: as far as EHLO in TLS, then QUIT. */
static void
test_ready(void **state)
{
	struct explain_cert cert[4];
	struct peer p;

	peer_init(&p, state, &good);
	run(&p, &good, TLS_FAIL_NEXT);
	t_cstr("commands", p.commands.p, "EHLO STARTTLS EHLO QUIT ");
	t_bool("ready", p.res.ready, true);
	t_cstr("failure", p.res.failure, "ok");
	t_bool("verified", p.res.tls.verified, true);
	t_int("by DANE", p.res.tls.proof, TLS_PROOF_DANE_EE);
	t_int("certificates", (int64_t)tls_chain_read(buf_str(&p.pem), cert, 4),
	    2);
	t_cstr("names", cert[0].names, MX);
	t_cstr("issuer", cert[0].issuer, "CN=Root");
	t_cstr("of the root", cert[1].subject, "CN=Root");
	peer_clear(&p);
}

/* DANE-11: not proven, so nothing more than the handshake; the chain is told
 * all the same. */
static void
test_mismatch(void **state)
{
	struct explain_cert cert[4];
	struct peer p;

	peer_init(&p, state, &mismatch);
	run(&p, &mismatch, TLS_FAIL_NEXT);
	t_cstr("commands", p.commands.p, "EHLO STARTTLS ");
	t_bool("not ready", p.res.ready, false);
	t_bool("nor in clear", p.res.clear, false);
	t_cstr("failure", p.res.failure, "tls");
	t_int("why", p.res.tls.failure, TLS_TLSA_MISMATCH);
	t_bool("the leaf is there",
	    tls_chain_read(buf_str(&p.pem), cert, 4) >= 1, true);
	t_cstr("names", cert[0].names, MX);
	peer_clear(&p);
}

static void
test_no_starttls(void **state)
{
	struct peer p;

	peer_init(&p, state, &good);
	p.starttls = false;
	run(&p, &good, TLS_FAIL_NEXT);
	t_cstr("commands", p.commands.p, "EHLO QUIT ");
	t_bool("not ready", p.res.ready, false);
	t_cstr("failure", p.res.failure, "no-starttls");
	t_bool("no handshake", p.res.starttls, false);
	peer_clear(&p);

	/* DANE-13: the plan itself lets it go in clear. */
	peer_init(&p, state, &any);
	p.starttls = false;
	run(&p, &any, TLS_FAIL_CLEAR);
	t_cstr("commands", p.commands.p, "EHLO QUIT ");
	t_bool("ready", p.res.ready, true);
	peer_clear(&p);
}

static void
test_broken(void **state)
{
	struct peer p;

	peer_init(&p, state, &any);
	p.garbage = true;
	run(&p, &any, TLS_FAIL_CLEAR);
	t_bool("not ready", p.res.ready, false);
	t_bool("but in clear, on a new connection", p.res.clear, true);
	peer_clear(&p);

	peer_init(&p, state, &good);
	p.garbage = true;
	run(&p, &good, TLS_FAIL_NEXT);
	t_bool("never in clear", p.res.clear, false);
	peer_clear(&p);

	peer_init(&p, state, &good);
	p.greeting = "554 5.7.1 go \x1b away\r\n";
	run(&p, &good, TLS_FAIL_NEXT);
	t_bool("not ready", p.res.ready, false);
	t_cstr("failure", p.res.failure, "greeting");
	t_cstr("its words", p.res.text, "554 5.7.1 go \x1b away");
	peer_clear(&p);
}

static void
test_unreachable(void **state)
{
	struct peer p;

	peer_init(&p, state, &good);
	listener_close(p.n.l);
	for (int i = 0; i < 10; i++)
		loop_run_once(p.n.loop);
	run(&p, &good, TLS_FAIL_NEXT);
	t_bool("not connected", p.res.connected, false);
	t_bool("not ready", p.res.ready, false);
	t_bool("why", p.res.text[0] != '\0', true);
	p.n.l = NULL;
	peer_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ready),
	    cmocka_unit_test(test_mismatch), cmocka_unit_test(test_no_starttls),
	    cmocka_unit_test(test_broken), cmocka_unit_test(test_unreachable)};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
