/*
 * TLS on connections, over loopback, against a server side of OpenSSL that is
 * fed from a connection in clear. So raw holds each byte that left the client.
 */
#include "config.h"

#include <errno.h>

#include "relay/tls/tls_ctx.h"
#include "tests/adapt/conn_world.h"
#include "tests/adapt/tls_world.h"
#include "tests/unit/t.h"

struct tls_net {
	struct net n;
	struct pki_server s;
	struct buf text; /* decrypted by the server */
	size_t fed; /* bytes of server.in given to s */
};

static const struct tcase good = {
    .name = "good", TLS_DANE, {GOOD}, {{3, 1, 1, GOOD}}};
static const struct tcase mismatch = {
    .name = "mismatch", TLS_DANE, {GOOD}, {{3, 1, 1, SELF}}};

/* Moves bytes between the server's connection and its TLS. */
static void
serve(struct tls_net *t)
{
	char p[16384];
	size_t n;

	pki_server_feed(
	    &t->s, t->n.server.in.p + t->fed, t->n.server.in.n - t->fed);
	t->fed = t->n.server.in.n;
	while ((n = pki_server_read(&t->s, p, sizeof(p))) > 0)
		buf_add(&t->text, p, n);
	while ((n = pki_server_output(&t->s, p, sizeof(p))) > 0)
		if (t->n.server.c)
			end_write(&t->n.server, p, n);
}

static void
serve_data(struct end *e, const struct conn_event *ev)
{
	if (ev->kind == CONN_DATA)
		serve(e->arg);
}

static void
tls_net_init(struct tls_net *t, struct world *w, const struct tcase *c)
{
	memset(t, 0, sizeof(*t));
	buf_init(&t->text, 64u << 20);
	start_server(w, c->chain, 0, &t->s);
	assert_true(net_init(&t->n, "127.0.0.1"));
	net_connect(&t->n);
	t->n.server.hook = serve_data;
	t->n.server.arg = t;
}

static void
start_tls(struct tls_net *t, struct world *w, const struct tcase *c)
{
	struct tls_plan p;

	make_plan(w, c, &p);
	t_bool(
	    "nothing yet", conn_tls_result(t->n.client.c)->established, false);
	t->n.client.banned++;
	conn_start_tls(t->n.client.c, w->ctx, &p);
	t->n.client.banned--;
	tls_plan_clear(&p);
}

static void
tls_net_clear(struct tls_net *t)
{
	net_clear(&t->n);
	pki_server_stop(&t->s);
	buf_clear(&t->text);
}

/* Each byte that the client sent is a TLS record: type, version, length. */
static void
check_all_tls(const struct tls_net *t)
{
	const unsigned char *p = (const unsigned char *)t->n.server.in.p;
	size_t n = t->n.server.in.n;

	while (n > 0) {
		size_t len;

		assert_true(n >= 5);
		t_bool("record type", p[0] >= 20 && p[0] <= 23, true);
		t_int("record version", p[1], 3);
		len = 5 + ((size_t)p[3] << 8 | p[4]);
		assert_true(n >= len);
		p += len;
		n -= len;
	}
}

static void
test_good(void **state)
{
	struct world *w = world_of(state);
	const struct tls_result *r;
	struct tls_net t;

	tls_net_init(&t, w, &good);
	start_tls(&t, w, &good);
	net_until(&t.n, &t.n.client.tls_done);
	r = conn_tls_result(t.n.client.c);
	t_bool("established", r->established, true);
	t_bool("verified", r->verified, true);
	t_cstr("proof", tls_proof_str(r->proof), "dane-ee");
	t_cstr("failure", tls_failure_str(r->failure), "ok");
	end_write(&t.n.client, "EHLO x\r\n", 8);
	while (t.text.n < 8)
		loop_run_once(t.n.loop);
	t_is("server", buf_str(&t.text), "EHLO x\r\n");
	net_until(&t.n, &t.n.client.drained);
	SSL_write(t.s.ssl, "250 y\r\n", 7);
	serve(&t);
	net_until_bytes(&t.n, &t.n.client, 7);
	t_is("client", buf_str(&t.n.client.in), "250 y\r\n");
	check_all_tls(&t);

	end_close(&t.n.client, 1);
	net_until(&t.n, &t.n.server.eof);
	t_int("close_notify", SSL_get_shutdown(t.s.ssl), SSL_RECEIVED_SHUTDOWN);
	check_all_tls(&t);
	end_close(&t.n.server, 1);
	net_until(&t.n, &t.n.client.closed);
	t_is("events", buf_str(&t.n.client.trace),
	    "connected tls drained data closed");
	tls_net_clear(&t);
}

static void
test_peer_ends(void **state)
{
	struct world *w = world_of(state);

	for (int notify = 0; notify < 2; notify++) {
		struct tls_net t;

		tls_net_init(&t, w, &good);
		start_tls(&t, w, &good);
		net_until(&t.n, &t.n.client.tls_done);
		net_until(&t.n, &t.s.done); /* TLS 1.3: the client is first */
		SSL_write(t.s.ssl, "221 y\r\n", 7);
		if (notify)
			SSL_shutdown(t.s.ssl);
		serve(&t);
		end_close(&t.n.server, 1);
		net_until(&t.n, &t.n.client.eof);
		t_is("data first", buf_str(&t.n.client.in), "221 y\r\n");
		t_cstr("how it ended", t.n.client.text,
		    notify ? "" : "no close_notify");
		for (int i = 0; i < 5; i++)
			loop_run_once(t.n.loop);
		t_is("once", buf_str(&t.n.client.trace),
		    "connected tls data eof");
		tls_net_clear(&t);
	}
}

static void
pause_after_data(struct end *e, const struct conn_event *ev)
{
	if (ev->kind == CONN_DATA) {
		conn_pause(e->c);
		t_bool("one piece, then none", *(bool *)e->arg, false);
		*(bool *)e->arg = true;
	}
}

#define BIG (600u * 1024)

/* Both ways, and the reader may stop at each piece. */
static void
test_much(void **state)
{
	struct world *w = world_of(state);
	char *big = xmalloc(BIG);
	struct tls_net t;
	bool paused = false;

	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)('a' + i % 23);
	tls_net_init(&t, w, &good);
	t.n.client.hook = pause_after_data;
	t.n.client.arg = &paused;
	conn_pause(t.n.client.c); /* no matter for the handshake */
	start_tls(&t, w, &good);
	net_until(&t.n, &t.n.client.tls_done);
	end_write(&t.n.client, big, BIG);
	while (t.text.n < BIG)
		loop_run_once(t.n.loop);
	t_bool("up", memcmp(t.text.p, big, BIG) == 0, true);

	assert_int_equal(SSL_write(t.s.ssl, big, BIG), BIG);
	serve(&t);
	for (int i = 0; i < 5; i++)
		loop_run_once(t.n.loop);
	t_int("paused before", (int64_t)t.n.client.in.n, 0);
	while (t.n.client.in.n < BIG) {
		size_t before = t.n.client.in.n;

		conn_resume(t.n.client.c);
		net_until(&t.n, &paused);
		paused = false;
		t_bool("in pieces", t.n.client.in.n - before <= 65536, true);
		before = t.n.client.in.n;
		for (int i = 0; i < 3; i++)
			loop_run_once(t.n.loop);
		t_int("paused", (int64_t)t.n.client.in.n, (int64_t)before);
	}
	t_bool("down", memcmp(t.n.client.in.p, big, BIG) == 0, true);
	free(big);
	tls_net_clear(&t);
}

/* DANE-40: what fails verification gets nothing but TLS records, whatever the
 * owner writes. */
static void
test_refused(void **state)
{
	struct world *w = world_of(state);
	const struct tls_result *r;
	struct tls_net t;

	tls_net_init(&t, w, &mismatch);
	start_tls(&t, w, &mismatch);
	end_write(&t.n.client, "MAIL FROM:<a@b>\r\n", 17); /* too early */
	net_until(&t.n, &t.n.client.tls_done);
	r = conn_tls_result(t.n.client.c);
	t_bool("established", r->established, false);
	t_bool("verified", r->verified, false);
	t_cstr("failure", tls_failure_str(r->failure), "validation-failure");
	end_write(&t.n.client, "MAIL FROM:<a@b>\r\n", 17);
	end_close(&t.n.client, 1);
	end_close(&t.n.client, 1);
	net_until(&t.n, &t.n.server.eof);
	check_all_tls(&t);
	t_bool("got an alert", t.s.failed, true);
	t_int("no mail", (int64_t)t.text.n, 0);
	end_close(&t.n.server, 1);
	net_until(&t.n, &t.n.client.closed);
	t_is("events", buf_str(&t.n.client.trace), "connected tls closed");
	tls_net_clear(&t);
}

/* What is written before the handshake is over is not sent after it either. */
static void
test_too_early(void **state)
{
	struct world *w = world_of(state);
	struct tls_net t;

	tls_net_init(&t, w, &good);
	start_tls(&t, w, &good);
	end_write(&t.n.client, "early", 5);
	net_until(&t.n, &t.n.client.tls_done);
	end_write(&t.n.client, "late", 4);
	while (t.text.n < 4)
		loop_run_once(t.n.loop);
	t_is("server", buf_str(&t.text), "late");
	check_all_tls(&t);
	tls_net_clear(&t);
}

static void
test_nothing_to_verify(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {
	    .name = "no record", TLS_DANE, {GOOD}, {{1, 1, 1, GOOD}}};
	struct tls_net t;

	tls_net_init(&t, w, &c);
	start_tls(&t, w, &c);
	end_write(&t.n.client, "MAIL", 4);
	net_until(&t.n, &t.n.client.tls_done);
	t_bool(
	    "established", conn_tls_result(t.n.client.c)->established, false);
	t_cstr("failure",
	    tls_failure_str(conn_tls_result(t.n.client.c)->failure),
	    "validation-failure");
	end_write(&t.n.client, "MAIL", 4);
	end_close(&t.n.client, 1);
	net_until(&t.n, &t.n.server.eof);
	t_int("not a byte was sent", (int64_t)t.n.server.in.n, 0);
	tls_net_clear(&t);
}

struct injected {
	struct world *w;
	bool started;
};

static void
start_at_220(struct end *e, const struct conn_event *ev)
{
	struct injected *i = e->arg;
	struct tls_plan p;

	if (ev->kind != CONN_DATA || i->started)
		return;
	i->started = true;
	make_plan(i->w, &good, &p);
	conn_start_tls(e->c, i->w->ctx, &p);
	tls_plan_clear(&p);
}

/* SMTP-22: what was sent in clear behind the 220 never becomes input. */
static void
test_injection(void **state)
{
	struct injected i = {.w = world_of(state)};
	struct tls_net t;

	tls_net_init(&t, i.w, &good);
	t.n.client.hook = start_at_220;
	t.n.client.arg = &i;
	end_write(&t.n.server, "220 go\r\n", 8);
	net_until_bytes(&t.n, &t.n.client, 8);
	end_write(&t.n.server, "250 injected\r\n", 14);
	net_until(&t.n, &t.n.client.tls_done);
	t_cstr("failure",
	    tls_failure_str(conn_tls_result(t.n.client.c)->failure),
	    "handshake-failure");
	end_close(&t.n.client, 1);
	net_until(&t.n, &t.n.server.eof);
	t_is("input", buf_str(&t.n.client.in), "220 go\r\n");
	tls_net_clear(&t);
}

static void
test_dies_in_handshake(void **state)
{
	struct world *w = world_of(state);

	for (int reset = 0; reset < 2; reset++) {
		struct tls_net t;

		tls_net_init(&t, w, &good);
		t.n.server.hook = NULL; /* answers nothing */
		start_tls(&t, w, &good);
		net_until_bytes(&t.n, &t.n.server, 100);
		if (reset) {
			conn_pause(t.n.server.c);
			end_close(&t.n.server, 0);
		} else {
			end_close(&t.n.server, 1);
		}
		net_until(&t.n, &t.n.client.closed);
		t_err("error", t.n.client.err, ERR_TLS);
		t_is("events", buf_str(&t.n.client.trace),
		    "connected error closed");
		tls_net_clear(&t);
	}
}

static void
test_hangs_in_handshake(void **state)
{
	struct world *w = world_of(state);
	struct tls_net t;

	tls_net_init(&t, w, &good);
	t.n.server.hook = NULL;
	start_tls(&t, w, &good);
	conn_deadline(t.n.client.c, 5);
	net_until(&t.n, &t.n.client.closed);
	t_err("error", t.n.client.err, ERR_TIMEOUT);
	tls_net_clear(&t);
}

/* A broken record after the handshake ends the connection. */
static void
test_broken_record(void **state)
{
	struct world *w = world_of(state);
	struct tls_net t;

	tls_net_init(&t, w, &good);
	start_tls(&t, w, &good);
	net_until(&t.n, &t.n.client.tls_done);
	end_write(&t.n.server,
	    "\x17\x03\x03\x00\x20"
	    "0123456789abcdef0123456789abcdef",
	    37);
	net_until(&t.n, &t.n.client.closed);
	t_err("error", t.n.client.err, ERR_TLS);
	t_int("no data", (int64_t)t.n.client.in.n, 0);
	tls_net_clear(&t);
}

#define FILL (16u << 20) /* more than the sockets take */

/* A peer that makes TLS itself answer and reads nothing must not fill our
 * memory: RFC 8446 4.6.3. */
static void
test_update_flood(void **state)
{
	struct world *w = world_of(state);
	char *fill = xcalloc(1, FILL);
	struct tls_net t;

	tls_net_init(&t, w, &good);
	start_tls(&t, w, &good);
	net_until(&t.n, &t.n.client.tls_done);
	net_until(&t.n, &t.s.done);
	t.n.server.hook = NULL;
	conn_pause(t.n.server.c);
	end_write(&t.n.client, fill, FILL);
	for (int i = 0; i < 10000; i++) {
		if (SSL_key_update(t.s.ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
		    SSL_do_handshake(t.s.ssl) != 1)
			fail_msg("key update");
	}
	serve(&t);
	for (int i = 0; i < 100; i++)
		loop_run_once(t.n.loop);
	t_err("error", t.n.client.err, ERR_TLS);
	t_cstr("why", t.n.client.text, "too much to answer in TLS");
	free(fill);
	tls_net_clear(&t);
}

static void
close_at_tls(struct end *e, const struct conn_event *ev)
{
	if (ev->kind == CONN_TLS_DONE)
		conn_close(e->c, 0);
}

static void
test_close_at_tls(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase *const v[] = {&good, &mismatch};

	for (size_t i = 0; i < T_COUNT(v); i++) {
		struct tls_net t;

		tls_net_init(&t, w, v[i]);
		t.n.client.hook = close_at_tls;
		start_tls(&t, w, v[i]);
		net_until(&t.n, &t.n.client.closed);
		t_is(v[i]->name, buf_str(&t.n.client.trace),
		    "connected tls closed");
		tls_net_clear(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_peer_ends),
	    cmocka_unit_test(test_much),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_too_early),
	    cmocka_unit_test(test_nothing_to_verify),
	    cmocka_unit_test(test_injection),
	    cmocka_unit_test(test_dies_in_handshake),
	    cmocka_unit_test(test_hangs_in_handshake),
	    cmocka_unit_test(test_broken_record),
	    cmocka_unit_test(test_update_flood),
	    cmocka_unit_test(test_close_at_tls),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
