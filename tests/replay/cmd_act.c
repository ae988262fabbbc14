/* Commands that do something: mail, time, stopping and starting. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/fake/fake_book.h"
#include "tests/fake/fake_client.h"
#include "tests/fake/fake_store.h"
#include "tests/replay/scn.h"

/* One address, or n of them by its "%". */
static void
add_rcpts(struct buf *lines, struct str addr, int64_t n, const char *notify)
{
	size_t at = str_find(addr, '%');
	struct str rest = str_skip(addr, at + 1);

	for (int64_t i = 1; i <= (at < addr.n ? n : 1); i++) {
		buf_addf(lines, "RCPT TO:<%.*s", (int)at, addr.p);
		if (at < addr.n)
			buf_addf(
			    lines, "%lld%.*s", (long long)i, STR_FMT(rest));
		buf_addf(lines, ">%s%s\n", notify ? " NOTIFY=" : "",
		    notify ? notify : "");
	}
}

/* The message itself, with its dot. */
static void
add_mail(struct play *p, struct buf *mail, char **w, size_t n)
{
	const char *from = scn_arg(w + 1, n - 1, "from");
	const char *size = scn_arg(w + 1, n - 1, "size");
	const char *header = scn_arg(w + 1, n - 1, "header");
	const char *hops = scn_arg(w + 1, n - 1, "hops");
	const char *body = scn_arg(w + 1, n - 1, "body");

	buf_addf(mail, "X-Token: %s\r\n", w[0]);
	if (header)
		buf_addf(mail, "%s\r\n", header);
	for (int64_t i = hops ? scn_int(p, hops) : 0; i > 0; i--)
		buf_add_cstr(mail, "Received: from x by y; today\r\n");
	buf_addf(mail, "From: <%s>\r\nSubject: %s\r\n\r\n", from, w[0]);
	buf_addf(mail, "%s\r\n", body ? body : "SECRET of the message");
	for (int64_t i = size ? scn_int(p, size) : 0; i > 0; i -= 72)
		buf_add_cstr(mail,
		    "......................................................"
		    "................\r\n");
	buf_add_cstr(mail, ".\r\n");
}

/*
 * send NAME from=ADDR to=ADDR[,ADDR]... [size=N] [notify=WORDS] [ret=HDRS]
 *	[header=LINE] [hops=N] [body=TEXT] [mail-param=TEXT] [shard=N]
 *	[rcpts=N] [burst] [vanish=N]
 * from= alone is the null sender. The token of the message is NAME. rcpts=N:
 * each "%" address stands for N, with 1 to N in place of the "%".
 * burst: the client pipelines. vanish=N: it is gone after N bytes of the
 * message.
 */
static void
cmd_send(struct play *p, char **w, size_t n)
{
	const char *from = scn_arg(w + 1, n - 1, "from");
	const char *to = scn_arg(w + 1, n - 1, "to");
	const char *notify = scn_arg(w + 1, n - 1, "notify");
	const char *param = scn_arg(w + 1, n - 1, "mail-param");
	const char *shard = scn_arg(w + 1, n - 1, "shard");
	const char *rcpts = scn_arg(w + 1, n - 1, "rcpts");
	const char *vanish = scn_arg(w, n, "vanish");
	struct relay *r = scn_relay(p);
	struct str rest = str_of(to), addr;
	struct fake_client *c;
	struct buf lines, mail;

	if (!scn_arg(w, n, "from") || !scn_arg(w, n, "to")) {
		scn_fail(p, "send wants from= and to=");
		return;
	}
	if (!r || !relay_is_up(r))
		return; /* nobody listens: the client keeps it */
	buf_init(&lines, 1u << 20);
	buf_init(&mail, 64u << 20);
	buf_addf(&lines, "EHLO client.example\nMAIL FROM:<%s>%s%s\n", from,
	    param ? " " : "", param ? param : "");
	while (str_cut(&rest, ',', &addr))
		add_rcpts(&lines, addr, rcpts ? scn_int(p, rcpts) : 1, notify);
	buf_add_cstr(&lines, "DATA\nQUIT\n");
	add_mail(p, &mail, w, n);
	c = fake_client_new(w[0], w[0], lines.p, mail.p);
	if (scn_has(w, n, "burst"))
		fake_client_burst(c);
	if (vanish)
		fake_client_vanish(c, (size_t)scn_int(p, vanish));
	relay_client(r, shard ? (unsigned)scn_int(p, shard) : p->clients++,
	    fake_client_fd(c));
	buf_clear(&lines);
	buf_clear(&mail);
}

/* raw NAME TEXT...: these bytes, all at once, behind the greeting. */
static void
cmd_raw(struct play *p, char **w, size_t n)
{
	struct relay *r = scn_relay(p);
	struct buf text;

	if (!r || !relay_is_up(r))
		return;
	buf_init(&text, 64u << 20);
	for (size_t i = 1; i < n; i++)
		buf_add_cstr(&text, w[i]);
	relay_client(r, p->clients++,
	    fake_client_fd(fake_client_new_raw(w[0], buf_str(&text))));
	buf_clear(&text);
}

/* run DURATION */
static void
cmd_run(struct play *p, char **w, size_t n)
{
	(void)n;
	if (scn_relay(p))
		fake_run(scn_ms(p, w[0]));
}

/* settle [MAX]: until the queue is empty, in steps of ten seconds. */
static void
cmd_settle(struct play *p, char **w, size_t n)
{
	int64_t max = scn_ms(p, n > 0 ? w[0] : "24h");

	if (!scn_relay(p))
		return;
	for (int64_t t = 0; t == 0 || (t < max && fake_store_rows() > 0);
	     t += 10000) {
		if (!fake_run(10000))
			return;
	}
}

static void
cmd_start(struct play *p, char **w, size_t n)
{
	(void)w;
	(void)n;
	if (scn_relay(p))
		relay_start(p->relay);
}

static void
cmd_stop(struct play *p, char **w, size_t n)
{
	(void)w;
	(void)n;
	if (!scn_relay(p))
		return;
	/* Who stops while the store hangs waits for no line. */
	if (p->o->fault == FAKE_SILENCE || p->o->random)
		book_lines_may_lack();
	relay_stop(p->relay);
}

static void
cmd_crash(struct play *p, char **w, size_t n)
{
	(void)w;
	(void)n;
	if (scn_relay(p))
		relay_crash(p->relay);
}

/* forget DOMAIN: the operator's word that it will not come back */
static void
cmd_forget(struct play *p, char **w, size_t n)
{
	(void)n;
	if (scn_relay(p))
		relay_forget(p->relay, w[0]);
}

const struct scn_command scn_act_commands[] = {
    {"send", 3, cmd_send},
    {"raw", 2, cmd_raw},
    {"run", 1, cmd_run},
    {"settle", 0, cmd_settle},
    {"start", 0, cmd_start},
    {"stop", 0, cmd_stop},
    {"crash", 0, cmd_crash},
    {"forget", 1, cmd_forget},
    {NULL, 0, NULL},
};
