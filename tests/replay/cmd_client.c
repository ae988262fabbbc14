/* Commands about clients that do not behave, and about unlucky moments. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/fake/fake_client.h"
#include "tests/fake/fake_store.h"
#include "tests/replay/scn.h"

/* client NAME [ip=IP] [shard=N]: one that says only what it is told to */
static void
cmd_client(struct play *p, char **w, size_t n)
{
	const char *ip = scn_arg(w + 1, n - 1, "ip");
	const char *shard = scn_arg(w + 1, n - 1, "shard");
	struct rr_addr addr = {.family = 4, .ip = {127, 0, 0, 1}};
	struct relay *r = scn_relay(p);

	if (ip && rr_addr_parse(str_of(ip), &addr))
		scn_fail(p, "\"%s\" is no address", ip);
	if (!r || !relay_is_up(r))
		return;
	relay_client_from(r, shard ? (unsigned)scn_int(p, shard) : p->clients++,
	    fake_client_fd(fake_client_new_raw(w[0], STR(""))), &addr);
}

/* The client, or NULL: the relay was down when it wanted to come. */
static struct fake_client *
client_of(struct play *p, const char *name)
{
	return scn_relay(p) ? fake_client_find(name) : NULL;
}

/* say NAME TEXT...: bytes as they are, at once or behind the greeting */
static void
cmd_say(struct play *p, char **w, size_t n)
{
	struct fake_client *c = client_of(p, w[0]);

	for (size_t i = 1; c && i < n; i++)
		fake_client_say(c, str_of(w[i]));
}

/* hang-up NAME [reset] */
static void
cmd_hang_up(struct play *p, char **w, size_t n)
{
	struct fake_client *c = client_of(p, w[0]);

	if (c)
		fake_client_hang_up(c, scn_has(w, n, "reset"));
}

/*
 * trap put|finish before|after crash|stop|fail [times=N]: what happens at the
 * next commit that takes new mail in, or that ends an attempt; after: when it
 * is on disk and before the relay hears of it.
 */
static void
cmd_trap(struct play *p, char **w, size_t n)
{
	const char *times = scn_arg(w, n, "times");
	enum fake_fault f = FAKE_FINE;
	bool finish = strcmp(w[0], "finish") == 0;
	bool after = strcmp(w[1], "after") == 0;

	if (strcmp(w[2], "crash") == 0)
		f = FAKE_CRASH;
	else if (strcmp(w[2], "stop") == 0)
		f = FAKE_STOP;
	else if (strcmp(w[2], "fail") == 0 && !after)
		f = FAKE_LOSS;
	if (f == FAKE_FINE || (!finish && strcmp(w[0], "put") != 0) ||
	    (!after && strcmp(w[1], "before") != 0))
		scn_fail(p, "trap put|finish before|after crash|stop|fail");
	fake_store_trap(
	    finish, after, f, times ? (unsigned)scn_int(p, times) : 1);
}

const struct scn_command scn_client_commands[] = {
    {"client", 1, cmd_client},
    {"say", 2, cmd_say},
    {"hang-up", 1, cmd_hang_up},
    {"trap", 3, cmd_trap},
    {NULL, 0, NULL},
};
