/* waxseal status: how the daemon is, and what to do about problems. */
#include "config.h"

#include <unistd.h>

#include "relay/cli/cli.h"

int
cmd_status(const struct cli *c)
{
	const struct ctl_question q = {.cmd = CTL_STATUS};
	struct ctl_answer a;
	struct buf answer;
	int fd;

	if (c->n_words != 1)
		return cli_bad_usage("status takes no arguments");
	fd = cli_connect(c);
	buf_init(&answer, CTL_ANSWER_MAX);
	cli_must_ask(c, fd, &q, &answer, &a);
	cli_show(c, buf_str(&answer), ctl_status_text);
	buf_clear(&answer);
	close(fd);
	return a.problems > 0 ? EXIT_NO : EXIT_FINE;
}
