/* Commands that do something: mail, time, stopping and starting. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/fake/fake_book.h"
#include "tests/fake/fake_client.h"
#include "tests/fake/fake_store.h"
#include "tests/replay/scn.h"

/* What a client says of a message, line by line. */
static void
make_lines(struct buf *b, char **w, size_t n)
{
	const char *notify = scn_arg(w, n, "notify");
	const char *param = scn_arg(w, n, "mail-param");
	struct str rest = str_of(scn_arg(w, n, "to")), addr;

	buf_addf(b, "EHLO client.example\nMAIL FROM:<%s>%s%s\n",
	    scn_arg(w, n, "from"), param ? " " : "", param ? param : "");
	while (str_cut(&rest, ',', &addr))
		buf_addf(b, "RCPT TO:<%.*s>%s%s\n", STR_FMT(addr),
		    notify ? " NOTIFY=" : "", notify ? notify : "");
	buf_add_cstr(b, "DATA\nQUIT\n");
}

static void
make_mail(struct play *p, struct buf *b, char **w, size_t n)
{
	const char *size = scn_arg(w, n, "size");
	const char *header = scn_arg(w, n, "header");
	const char *body = scn_arg(w, n, "body");

	buf_addf(b, "X-Token: %s\r\n", w[0]);
	if (header)
		buf_addf(b, "%s\r\n", header);
	buf_addf(b, "From: <%s>\r\nSubject: %s\r\n\r\n", scn_arg(w, n, "from"),
	    w[0]);
	buf_addf(b, "%s\r\n", body ? body : "SECRET of the message");
	for (int64_t i = size ? scn_int(p, size) : 0; i > 0; i -= 72)
		buf_add_cstr(b,
		    "......................................................"
		    "................\r\n");
	buf_add_cstr(b, ".\r\n");
}

/*
 * send NAME from=ADDR to=ADDR[,ADDR]... [size=N] [notify=WORDS] [ret=HDRS]
 *	[header=LINE] [body=TEXT] [mail-param=TEXT] [shard=N] [burst] [vanish=N]
 * from= alone is the null sender. The token of the message is NAME. burst: the
 * client pipelines. vanish=N: it is gone after N bytes of the message.
 */
static void
cmd_send(struct play *p, char **w, size_t n)
{
	const char *shard = scn_arg(w, n, "shard");
	const char *vanish = scn_arg(w, n, "vanish");
	struct relay *r = scn_relay(p);
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
	make_lines(&lines, w, n);
	make_mail(p, &mail, w, n);
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
	if (p->o->random)
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

const struct scn_command scn_act_commands[] = {
    {"send", 3, cmd_send},
    {"raw", 2, cmd_raw},
    {"run", 1, cmd_run},
    {"settle", 0, cmd_settle},
    {"start", 0, cmd_start},
    {"stop", 0, cmd_stop},
    {"crash", 0, cmd_crash},
    {NULL, 0, NULL},
};
