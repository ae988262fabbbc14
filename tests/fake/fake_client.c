/* See the header. A client lives until the end of the world. */
#include "config.h"

#include "tests/fake/fake_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "tests/fake/fake.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_net.h"

struct fake_client {
	struct list node;
	char name[64], token[128];
	struct conn *conn;
	char *lines, *mail;
	size_t at; /* of lines */
	bool raw, in_mail, over, burst, vanish;
	bool greeted; /* raw: it heard something */
	unsigned mails; /* raw: 354s that it heard */
	unsigned pending; /* replies to come for what was said */
	int code;
	struct buf in, heard, said;
};

static struct list clients = {&clients, &clients};

struct fake_client *
fake_client_new(
    const char *name, const char *token, const char *lines, const char *mail)
{
	struct fake_client *c = xcalloc(1, sizeof(*c));

	list_init(&c->node);
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->token, sizeof(c->token), "%s", token);
	c->lines = xstrdup(lines);
	c->mail = xstrdup(mail);
	buf_init(&c->in, SIZE_MAX / 2);
	buf_init(&c->heard, SIZE_MAX / 2);
	buf_init(&c->said, SIZE_MAX / 2);
	list_push_front(&clients, &c->node);
	return c;
}

struct fake_client *
fake_client_new_raw(const char *name, struct str raw)
{
	struct fake_client *c = fake_client_new(name, name, "", "");

	c->raw = true;
	buf_add_str(&c->said, raw);
	return c;
}

void
fake_client_burst(struct fake_client *c)
{
	c->burst = true;
}

void
fake_client_vanish(struct fake_client *c, size_t bytes)
{
	if (bytes < strlen(c->mail))
		c->mail[bytes] = '\0';
	c->vanish = true;
}

static void
say(struct fake_client *c, const char *text)
{
	if (c->conn)
		fake_conn_send(c->conn, str_of(text), NULL);
}

void
fake_client_say(struct fake_client *c, struct str text)
{
	buf_add_str(&c->said, text);
	if (c->conn && c->greeted && text.n > 0)
		fake_conn_send(c->conn, text, NULL);
}

void
fake_client_hang_up(struct fake_client *c, bool reset)
{
	if (c->conn && !c->over && reset)
		fake_conn_reset(c->conn);
	else if (c->conn && !c->over)
		fake_conn_eof(c->conn);
	c->over = true;
}

/* The next line, those that may go with it, or the end. */
static void
say_next(struct fake_client *c)
{
	bool more = c->pending == 0;
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	while (more) {
		struct str rest = str_of(c->lines + c->at), line;

		if (!str_cut(&rest, '\n', &line)) {
			if (c->conn && !c->over)
				fake_conn_eof(c->conn);
			c->over = true;
			break;
		}
		c->at += line.n + (c->lines[c->at + line.n] == '\n');
		buf_addf(&b, "%.*s\r\n", STR_FMT(line));
		c->pending++;
		more = c->burst && !str_starts_ci(line, STR("EHLO")) &&
		    !str_starts_ci(line, STR("DATA")) &&
		    !str_starts_ci(line, STR("QUIT"));
	}
	if (b.n > 0)
		say(c, b.p);
	buf_clear(&b);
}

/* The token of the nth message that a raw client said. */
static void
promise_nth(const struct fake_client *c, unsigned nth)
{
	struct str rest = buf_str(&c->said), line;
	char token[128];

	while (str_cut(&rest, '\n', &line)) {
		struct str field = line;

		if (!str_starts_ci(field, STR("X-Token:")) || --nth > 0)
			continue;
		book_token(field, token);
		book_promised(token);
		return;
	}
}

static void
on_raw_reply(struct fake_client *c, int code)
{
	c->code = code;
	if (!c->greeted) {
		c->greeted = true;
		if (c->said.n > 0 && c->conn)
			fake_conn_send(c->conn, buf_str(&c->said), NULL);
	} else if (code == 354) {
		c->mails++;
		c->in_mail = true;
		return;
	} else if (c->in_mail && code == 250) {
		promise_nth(c, c->mails);
	}
	c->in_mail = false;
}

static void
say_mail(struct fake_client *c)
{
	c->in_mail = true;
	say(c, c->mail);
	if (c->vanish && c->conn)
		fake_conn_reset(c->conn);
}

static void
on_reply(struct fake_client *c, struct str line)
{
	int code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	    (line.p[2] - '0');

	if (c->raw) {
		on_raw_reply(c, code);
		return;
	}
	if (c->pending > 0)
		c->pending--;
	if (c->in_mail) {
		c->in_mail = false;
		c->code = code;
		if (code == 250)
			book_promised(c->token);
		say_next(c);
	} else if (code == 354) {
		say_mail(c);
	} else {
		if (code >= 400)
			c->code = code;
		say_next(c);
	}
}

static void
client_data(void *arg, struct str bytes, bool tls)
{
	struct fake_client *c = arg;

	(void)tls;
	buf_add_str(&c->heard, bytes);
	buf_add_str(&c->in, bytes);
	for (;;) {
		struct str all = buf_str(&c->in);
		size_t n = str_find(all, '\n');

		if (n == all.n)
			break;
		if (n > 3 && all.p[3] != '-')
			on_reply(c, str_n(all.p, n));
		buf_shift(&c->in, n + 1);
	}
}

static void
client_tls(void *arg, bool ok)
{
	(void)arg;
	(void)ok;
}

static void
client_closed(void *arg)
{
	struct fake_client *c = arg;

	c->conn = NULL;
}

static const struct fake_cert *
client_cert(void *arg)
{
	(void)arg;
	return NULL;
}

static void
client_on_conn(void *arg, struct conn *conn)
{
	struct fake_client *c = arg;

	c->conn = conn;
}

int
fake_client_fd(struct fake_client *c)
{
	static const struct fake_side side = {
	    client_data, client_tls, client_closed, client_cert};

	return fake_net_client(&side, c, client_on_conn);
}

struct fake_client *
fake_client_find(const char *name)
{
	for (struct list *n = clients.next; n != &clients; n = n->next) {
		struct fake_client *c = CONTAINER_OF(
		    n, struct fake_client, node);

		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

int
fake_client_code(const struct fake_client *c)
{
	return c->code;
}

struct str
fake_client_heard(const struct fake_client *c)
{
	return buf_str(&c->heard);
}

void
fake_clients_end(void)
{
	struct list *n;

	while ((n = list_pop(&clients)) != NULL) {
		struct fake_client *c = CONTAINER_OF(
		    n, struct fake_client, node);

		free(c->lines);
		free(c->mail);
		buf_clear(&c->in);
		buf_clear(&c->heard);
		buf_clear(&c->said);
		free(c);
	}
}
