/*
 * Reply to EHLO: one keyword a line with parameters behind spaces, RFC 5321
 * 4.1.1.1. Nothing is remembered from before: a reply after STARTTLS stands
 * for itself (RFC 3207 4.2, SMTP-22).
 */
#include "config.h"

#include "relay/smtp/caps.h"

#include <stddef.h>

#include "relay/base/codec.h"

static const struct {
	const char *keyword;
	size_t flag; /* offset in struct caps */
} keywords[] = {
    {"PIPELINING", offsetof(struct caps, pipelining)},
    {"SIZE", offsetof(struct caps, size)},
    {"8BITMIME", offsetof(struct caps, eightbit)},
    {"STARTTLS", offsetof(struct caps, starttls)},
    {"ENHANCEDSTATUSCODES", offsetof(struct caps, enhanced)},
    {"CHUNKING", offsetof(struct caps, chunking)},
    {"DSN", offsetof(struct caps, dsn)},
    {"SMTPUTF8", offsetof(struct caps, smtputf8)},
    {"REQUIRETLS", offsetof(struct caps, requiretls)},
};

void
caps_init(struct caps *c)
{
	*c = (struct caps){0};
}

static void
parse_line(struct str line, struct caps *c)
{
	struct str keyword, rest = str_trim(line), value;

	if (!str_cut(&rest, ' ', &keyword))
		return;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (!str_eq_ci(keyword, str_of(keywords[i].keyword)))
			continue;
		*(bool *)((char *)c + keywords[i].flag) = true;
	}
	if (!str_eq_ci(keyword, STR("SIZE")))
		return;
	/* RFC 1870 4: 0 or no number means that there is no fixed limit. */
	c->size_max = 0;
	rest = str_trim(rest);
	if (str_cut(&rest, ' ', &value) &&
	    codec_u64(value, UINT64_MAX, &c->size_max))
		c->size_max = 0;
}

void
caps_parse(const struct reply *ehlo, struct caps *out)
{
	struct str rest = buf_str(&ehlo->text), line;

	caps_init(out);
	if (!str_cut(&rest, '\n', &line))
		return;
	while (rest.n > 0 && str_cut(&rest, '\n', &line))
		parse_line(line, out);
}
