/*
 * Listeners: where clients come in, and which of them may relay. The one
 * thing that must not happen here is an open relay by mistake, so a network
 * that holds everybody is refused, and an empty list is not the default list.
 */
#include "config.h"

#include "relay/config/conf_listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/str.h"
#include "relay/config/conf_addr.h"

#define UNIX_PATH_MAX 107 /* bytes, what sockaddr_un holds */
#define DEFAULT_TITLE "127.0.0.1:2525"

static void
add_net(struct opt_listen *l, const struct opt_net *net)
{
	l->nets = xrealloc(l->nets, (l->n_nets + 1) * sizeof(*l->nets));
	l->nets[l->n_nets++] = *net;
}

static void
default_nets(struct opt_listen *l)
{
	static const struct opt_net nets[] = {
	    {.addr = {.family = 4, .ip = {127}}, .bits = 8},
	    {.addr = {.family = 6, .ip = {[15] = 1}}, .bits = 128},
	};

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		add_net(l, &nets[i]);
}

/* ::ffff:192.0.2.0/120: clients are always seen as 192.0.2.x. */
static bool
is_mapped(const struct opt_net *net)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return net->addr.family == 6 &&
	    memcmp(net->addr.ip, prefix, sizeof(prefix)) == 0;
}

static void
read_net(
    const struct conf_sec *sec, const struct conf_val *v, struct opt_listen *l)
{
	struct opt_net net;
	char text[RR_ADDR_TEXT];
	int err = conf_net(str_of(v->text), &net);

	if (err == ERR_RANGE)
		conf_problem(sec, v->key, v->line,
		    "\"%.80s\" has a prefix longer than the address", v->text);
	else if (err)
		conf_problem(sec, v->key, v->line,
		    "\"%.80s\" is not a network; write ADDRESS/BITS or ADDRESS",
		    v->text);
	if (err)
		return;
	if (net.bits == 0) {
		conf_problem(sec, v->key, v->line,
		    "%.80s lets everybody relay (an open relay); name the "
		    "networks of your own clients",
		    v->text);
		return;
	}
	if (is_mapped(&net)) {
		conf_problem(sec, v->key, v->line,
		    "%.80s matches nobody; write it as an IPv4 network",
		    v->text);
		return;
	}
	if (conf_net_mask(&net)) {
		rr_addr_str(&net.addr, text);
		conf_problem(sec, v->key, v->line,
		    "%.80s has bits behind its prefix; write %s/%u or one "
		    "address",
		    v->text, text, net.bits);
		return;
	}
	add_net(l, &net);
}

static void
read_nets(const struct conf_sec *sec, struct opt_listen *l)
{
	const struct conf_val *v = conf_val_next(sec, "networks", NULL);

	if (l->unix_path) {
		if (v)
			conf_problem(sec, "networks", 0,
			    "a unix socket has no networks; set its mode");
		return;
	}
	if (!v)
		default_nets(l);
	for (; v; v = conf_val_next(sec, "networks", v))
		read_net(sec, v, l);
}

static void
read_mode(const struct conf_sec *sec, struct opt_listen *l)
{
	const char *text = conf_get_text(sec, "mode");
	unsigned mode = 0;
	size_t n = 0;

	if (!text)
		return;
	if (!l->unix_path) {
		conf_problem(
		    sec, "mode", 0, "is for unix sockets only; remove it");
		return;
	}
	while (n < 5 && text[n] >= '0' && text[n] <= '7')
		mode = mode * 8 + (unsigned)(text[n++] - '0');
	if (text[n] || n < 3 || n > 4 || mode > 0777 || (mode & 0600) != 0600)
		conf_problem(sec, "mode", 0,
		    "\"%.80s\" is not what a socket may have; use 0600 to 0777",
		    text);
	else
		l->mode = mode;
}

static void
read_role(const struct conf_sec *sec, struct opt_listen *l)
{
	static const char *const roles[] = {"smarthost", "intercept", "policy"};
	static const char *const handoffs[] = {"queue", "live"};
	unsigned role = LISTEN_SMARTHOST, handoff = 0;

	conf_get_word(sec, "role", roles, 3, &role);
	if (role != LISTEN_SMARTHOST)
		conf_problem(sec, "role", 0,
		    "%s is not supported by this version; use smarthost",
		    roles[role]);
	conf_get_word(sec, "handoff", handoffs, 2, &handoff);
	if (handoff != 0)
		conf_problem(sec, "handoff", 0,
		    "live is not supported by this version; use queue");
	if (conf_val_next(sec, "peers", NULL))
		conf_problem(sec, "peers", 0,
		    "is not supported by this version; who may connect is "
		    "said by mode");
	l->role = LISTEN_SMARTHOST;
}

static void
read_title(const struct conf_sec *sec, struct opt_listen *l)
{
	struct str s = str_of(sec->title);
	struct opt_addr_port a;
	int err;

	if (str_starts(s, STR("unix:"))) {
		s = str_skip(s, 5);
		if (s.n == 0 || s.p[0] != '/' || s.n > UNIX_PATH_MAX)
			conf_problem(sec, NULL, 0,
			    "\"%.120s\" is not a socket; write unix:/PATH, at "
			    "most %d bytes",
			    sec->title, UNIX_PATH_MAX);
		l->unix_path = str_dup(s);
		l->mode = 0660;
		return;
	}
	err = conf_addr_port(s, 0, &a);
	if (err == ERR_RANGE)
		conf_problem(sec, NULL, 0,
		    "\"%.80s\" has no such port; use 1 to 65535", sec->title);
	else if (err)
		conf_problem(sec, NULL, 0,
		    "\"%.80s\" is not an address; write ADDRESS:PORT, "
		    "[IPV6]:PORT or unix:/PATH",
		    sec->title);
	if (err)
		return;
	rr_addr_str(&a.addr, l->host);
	l->port = a.port;
}

static struct opt_listen *
add_listen(struct options *o, const char *text)
{
	struct opt_listen *l;

	o->listens = xrealloc(
	    o->listens, (o->n_listens + 1) * sizeof(*o->listens));
	l = &o->listens[o->n_listens++];
	memset(l, 0, sizeof(*l));
	l->text = xstrdup(text);
	return l;
}

static char *
where(const struct conf_tree *t, int line)
{
	struct buf b;

	buf_init(&b, strlen(t->name) + 16);
	buf_addf(&b, "%s:%d", t->name, line);
	return buf_take(&b);
}

void
conf_listens_make(const struct conf_tree *t, struct options *o)
{
	const struct conf_sec *sec = NULL;
	struct opt_listen *l;

	while ((sec = conf_tree_next(t, "listen", sec))) {
		l = add_listen(o, sec->title);
		l->where = where(t, sec->line);
		read_title(sec, l);
		read_role(sec, l);
		read_mode(sec, l);
		read_nets(sec, l);
	}
	if (o->n_listens > 0)
		return;
	l = add_listen(o, DEFAULT_TITLE);
	l->where = where(t, 1);
	(void)snprintf(l->host, sizeof(l->host), "127.0.0.1");
	l->port = 2525;
	default_nets(l);
}

void
conf_listens_free(struct options *o)
{
	for (size_t i = 0; i < o->n_listens; i++) {
		struct opt_listen *l = &o->listens[i];

		free(l->text);
		free(l->unix_path);
		free(l->nets);
		free(l->where);
	}
	free(o->listens);
	o->listens = NULL;
	o->n_listens = 0;
}
