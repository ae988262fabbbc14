/*
 * uv_spawn with the descriptors of fds.h. FD_PARENT is a pipe whose other end
 * is ours: when we die, the relay reads its end and stops. It has a session
 * of its own, so that Ctrl-C is told to us alone.
 */
#include "config.h"

#include "relay/main/relay_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/main/fds.h"
#include "relay/net/loop.h"

struct relay_child {
	struct relay_child_opts o;
	uv_process_t process;
	uv_pipe_t pipe;
	int open; /* handles not yet closed */
	int status, signo;
};

static void
child_on_closed(uv_handle_t *h)
{
	struct relay_child *c = h->data;
	struct relay_child_opts o = c->o;
	int status = c->status, signo = c->signo;

	if (--c->open > 0)
		return;
	free(c);
	if (o.on_exit)
		o.on_exit(o.arg, status, signo);
}

static void
child_on_exit(uv_process_t *p, int64_t status, int signo)
{
	struct relay_child *c = p->data;

	c->status = (int)status;
	c->signo = signo;
	uv_close((uv_handle_t *)&c->process, child_on_closed);
	uv_close((uv_handle_t *)&c->pipe, child_on_closed);
}

static int
child_spawn(struct relay_child *c, uv_process_options_t *po)
{
	uv_stdio_container_t *io;
	size_t i;
	int rc;

	io = xcalloc(FD_CONFIG + c->o.n_fds, sizeof(*io));
	for (i = 0; i < FD_PARENT; i++) {
		io[i].flags = UV_INHERIT_FD;
		io[i].data.fd = (int)i;
	}
	io[FD_PARENT].flags = (uv_stdio_flags)(UV_CREATE_PIPE |
	    UV_READABLE_PIPE);
	io[FD_PARENT].data.stream = (uv_stream_t *)&c->pipe;
	for (i = 0; i < c->o.n_fds; i++) {
		io[FD_CONFIG + i].flags = UV_INHERIT_FD;
		io[FD_CONFIG + i].data.fd = c->o.fds[i];
	}
	po->stdio = io;
	po->stdio_count = (int)(FD_CONFIG + c->o.n_fds);
	rc = uv_spawn(loop_uv(c->o.loop), &c->process, po);
	free(io);
	return rc;
}

int
relay_child_start(
    const struct relay_child_opts *o, struct relay_child **out, char text[160])
{
	struct relay_child *c = xcalloc(1, sizeof(*c));
	char uid[24], gid[24], port[24];
	char arg0[] = "waxseald", arg1[] = "--relay";
	char crashed[] = "0";
	char *name = xstrdup(o->name);
	char *argv[] = {arg0, arg1, name, uid, gid, port, crashed, NULL};
	uv_process_options_t po = {.file = o->program,
	    .args = argv,
	    .flags = UV_PROCESS_DETACHED,
	    .exit_cb = child_on_exit};
	int rc;

	(void)snprintf(uid, sizeof(uid), "%ld", o->uid);
	(void)snprintf(gid, sizeof(gid), "%ld", o->gid);
	(void)snprintf(port, sizeof(port), "%u", o->resolver_port);
	if (o->crashed)
		crashed[0] = '1';
	c->o = *o;
	c->open = 2;
	c->process.data = c;
	uv_pipe_init(loop_uv(o->loop), &c->pipe, 0);
	c->pipe.data = c;
	rc = child_spawn(c, &po);
	free(name);
	if (!rc) {
		*out = c;
		return 0;
	}
	(void)snprintf(text, 160, "%s: %s", o->program, uv_strerror(rc));
	c->o.on_exit = NULL;
	uv_close((uv_handle_t *)&c->process, child_on_closed);
	uv_close((uv_handle_t *)&c->pipe, child_on_closed);
	return ERR_IO;
}

void
relay_child_signal(struct relay_child *c, int signo)
{
	(void)uv_process_kill(&c->process, signo);
}
