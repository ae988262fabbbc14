/*
 * waxseald: command line of the daemon. Without --relay it is the parent; with
 * it, the relay that the parent started (see supervisor.c and fds.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/clock.h"
#include "relay/base/codec.h"
#include "relay/base/err.h"
#include "relay/config/conf.h"
#include "relay/config/conf_check.h"
#include "relay/main/app.h"
#include "relay/main/fds.h"
#include "relay/main/supervisor.h"
#include "relay/main/uid.h"
#include "relay/tls/tls_ctx.h"

#define CONF_MAX (4u * 1024u * 1024u) /* bytes of a configuration */
#define MESSAGES_MAX (64u * 1024u)

static const char usage[] =
    "usage: waxseald [-c FILE] [-t] [-V]\n"
    "  -c FILE  configuration (without it: a smarthost on 127.0.0.1:2525\n"
    "           that keeps its queue in ./var)\n"
    "  -t       check the configuration and exit\n"
    "  -V       print the version and exit\n";

/* Whole of fd into b; ERR_TOOBIG, ERR_IO. */
static int
read_all(int fd, struct buf *b)
{
	char chunk[8192];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		if (buf_add(b, chunk, (size_t)n))
			return ERR_TOOBIG;
	return n < 0 ? ERR_IO : 0;
}

static void
read_conf(const char *file, struct buf *b)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(2, "%s: %s", file, strerror(errno));
	if (read_all(fd, b))
		die(2, "%s: can't be read, or is larger than 4 MB", file);
	/* What stands behind it would be ignored. */
	if (b->n && memchr(b->p, '\0', b->n))
		die(2, "%s: holds a zero byte; is this a text?", file);
	close(fd);
}

/* Prints what is wrong, a line each, and ends with 2; or returns options.
 * relay: the parent has said all that is worth a warning. */
static struct options *
parse_conf(const char *name, const char *text, bool relay)
{
	struct clock clock = clock_system();
	struct options *o = NULL;
	struct buf errors, warnings;
	int err;

	buf_init(&errors, MESSAGES_MAX);
	buf_init(&warnings, MESSAGES_MAX);
	err = relay ? conf_parse_relay(name, text, &o, &errors)
		    : conf_parse(name, text, &o, &errors);
	if (!err)
		err = conf_check(o, clock_real_s(&clock), &errors, &warnings);
	if (!relay && warnings.n)
		fprintf(stderr, "%s", warnings.p);
	if (err) {
		fprintf(stderr, "%s", errors.n ? errors.p : err_str(err));
		exit(2);
	}
	buf_clear(&errors);
	buf_clear(&warnings);
	return o;
}

/* As many descriptors as we may have: sessions, lookups, spool files. */
static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* What we open must not become standard output or error, where logs go; and
 * what we were started with is none of our children's. */
static void
tidy_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* --relay NAME UID GID PORT CRASHED: descriptors as in fds.h. */
static int
relay_main(char **argv)
{
	struct app_args args = {0};
	struct options *o;
	struct uid uid;
	struct buf text;
	int64_t n[4];
	int i, rc;

	for (i = 0; i < 4; i++)
		if (codec_i64(str_of(argv[1 + i]), -1, INT32_MAX, &n[i]))
			die(2, "--relay is for waxseald itself");
	uid.uid = (long)n[0];
	uid.gid = (long)n[1];
	args.resolver_port = (uint16_t)n[2];
	args.crashed = n[3] == 1;
	(void)prctl(PR_SET_NAME, "waxseal-relay", 0, 0, 0);
	tls_ctx_init_library();
	(void)signal(SIGHUP, SIG_IGN); /* the parent's matter */
	(void)umask(077);
	raise_limits();
	if (uid_drop(&uid))
		die(3, "can't become uid %ld", uid.uid);
	buf_init(&text, CONF_MAX);
	if (lseek(FD_CONFIG, 0, SEEK_SET) < 0 || read_all(FD_CONFIG, &text))
		die(3, "the configuration can't be read again");
	close(FD_CONFIG);
	o = parse_conf(argv[0], text.p ? text.p : "", true);
	buf_clear(&text);
	args.options = o;
	rc = app_run(&args);
	conf_free(o);
	return rc;
}

/*
 * What the relay is started from: this very file, though a newer one may have
 * taken its name. Below an emulator, as valgrind is one, the link leads to the
 * emulator instead, but is read as it should be; then it is the name.
 */
static const char *
own_program(char path[4096])
{
	static const char link[] = "/proc/self/exe";
	struct stat by_link, by_name;
	ssize_t n = readlink(link, path, 4095);

	if (n <= 0)
		return link;
	path[n] = '\0';
	if (stat(link, &by_link) != 0 || stat(path, &by_name) != 0 ||
	    (by_link.st_dev == by_name.st_dev &&
		by_link.st_ino == by_name.st_ino))
		return link;
	return path;
}

int
main(int argc, char **argv)
{
	struct supervisor_args a = {
	    .conf_name = "built-in configuration", .embedded = true};
	struct options *o;
	struct buf text;
	bool test = false;
	char path[4096];
	int c, rc;

	if (argc == 7 && strcmp(argv[1], "--relay") == 0)
		return relay_main(argv + 2);
	tidy_descriptors();
	buf_init(&text, CONF_MAX);
	while ((c = getopt(argc, argv, "c:tVh")) != -1) {
		switch (c) {
		case 'c':
			a.conf_name = optarg;
			a.embedded = false;
			break;
		case 't':
			test = true;
			break;
		case 'V':
			printf("waxseald %s\n", PACKAGE_VERSION);
			return 0;
		case 'h':
			printf("%s", usage);
			return 0;
		default:
			fprintf(stderr, "%s", usage);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s", usage);
		return 2;
	}
	if (a.embedded)
		(void)buf_add_cstr(&text, conf_defaults());
	else
		read_conf(a.conf_name, &text);
	o = parse_conf(a.conf_name, text.p ? text.p : "", false);
	if (test) {
		printf("%s: fine\n", a.conf_name);
		rc = 0;
	} else {
		a.options = o;
		a.conf_text = buf_str(&text);
		a.program = own_program(path);
		a.argv0 = argv[0];
		raise_limits();
		rc = supervisor_run(&a);
	}
	conf_free(o);
	buf_clear(&text);
	return rc;
}
