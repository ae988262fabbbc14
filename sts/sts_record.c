/*
 * The TXT record at _mta-sts. The list of fields and the choice among several
 * records are relay/base/kvlist; here is what RFC 8461 adds: the version comes
 * first, an id must be there.
 */
#include "config.h"

#include "sts/sts_record.h"

#include <string.h>

#include "relay/base/kvlist.h"

#define VERSION "v=STSv1"

static NODISCARD int
take_id(struct str value, char id[STS_ID_MAX], struct diags *d)
{
	/* RFC 8461 3.1: sts-id = %s"id=" 1*32(ALPHA / DIGIT) */
	for (size_t i = 0; i < value.n; i++) {
		if (str_is_alnum(value.p[i]))
			continue;
		diag_add(d, value.p + i, "STS-06",
		    "the id has a character that is no letter or digit");
		return ERR_SYNTAX;
	}
	if (value.n < 1 || value.n >= STS_ID_MAX) {
		diag_add(
		    d, value.p, "STS-06", "the id has more than 32 characters");
		return ERR_SYNTAX;
	}
	memcpy(id, value.p, value.n);
	id[value.n] = '\0';
	return 0;
}

/* All fields behind the version. */
static NODISCARD int
read_fields(struct str rest, char id[STS_ID_MAX], struct diags *d)
{
	struct kvlist_fault fault = {NULL, NULL};
	struct str key, value;
	int err = 0;

	while (!err) {
		err = kvlist_next(&rest, &key, &value, &fault);
		if (err == ERR_SYNTAX)
			diag_add(d, fault.at, "STS-06", fault.text);
		/* RFC 8461 3.2: of repeated fields the first counts, unknown
		 * ones are ignored. */
		if (!err && str_eq(key, STR("id")) && !id[0])
			err = take_id(value, id, d);
	}
	if (err != ERR_NOTFOUND)
		return err;
	if (id[0])
		return 0;
	diag_add(d, rest.p, "STS-06", "the id is missing");
	return ERR_SYNTAX;
}

int
sts_record_lint(struct str txt, char id[STS_ID_MAX], struct diags *d)
{
	struct str key, value, rest = txt;
	char found[STS_ID_MAX] = "";
	int err;

	if (!kvlist_is(txt, STR(VERSION))) {
		diag_add(d, txt.p, "STS-02",
		    "this does not begin with \"" VERSION ";\"");
		return ERR_NOTFOUND;
	}
	err = kvlist_next(&rest, &key, &value, NULL); /* the version */
	if (!err)
		err = read_fields(rest, found, d);
	if (err)
		return ERR_SYNTAX;
	memcpy(id, found, sizeof(found));
	return 0;
}

int
sts_record_parse(struct str txt, char id[STS_ID_MAX])
{
	return sts_record_lint(txt, id, NULL);
}

void
sts_record_pick(struct kvlist_pick *p)
{
	memset(p, 0, sizeof(*p));
	p->version = STR(VERSION);
}

int
sts_record_select(const struct rr_set *txt, char id[STS_ID_MAX])
{
	struct kvlist_pick pick;
	struct str one;
	int err;

	if (txt->status != RR_OK || txt->n == 0)
		return ERR_NOTFOUND;
	sts_record_pick(&pick);
	for (size_t i = 0; i < txt->n; i++)
		kvlist_pick_add(&pick, txt->u.txt[i]);
	err = kvlist_pick_one(&pick, &one);
	if (err)
		return err == ERR_EXISTS ? ERR_SYNTAX : err;
	return sts_record_parse(one, id);
}
