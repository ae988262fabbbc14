/*
 * TXT records at _mta-sts: a whole answer, its records divided by NUL. What
 * is accepted was there as RFC 8461 3.1 writes it, and the order and number
 * of foreign records do not matter.
 */
#include "config.h"

#include "sts/sts_record.h"

#include "relay/base/kvlist.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS 8

static bool
is_id(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++) {
		if (!str_is_alnum(id[i]))
			return false;
	}
	return n >= 1 && n <= 32;
}

static int
select_of(const struct str *v, size_t n, bool backwards, char id[STS_ID_MAX])
{
	struct rr_set *s = rr_set_new(RR_TXT, n);
	int err;

	for (size_t i = 0; i < n; i++)
		rr_set_txt(s, i, v[backwards ? n - 1 - i : i]);
	err = sts_record_select(s, id);
	rr_set_unref(s);
	return err;
}

/* One record, and the canonical one with its id. */
static void
check_record(struct str txt)
{
	char id[STS_ID_MAX] = "untouched", again[STS_ID_MAX];
	char *exact = fuzz_exact(txt);
	int err = sts_record_parse(str_n(exact, txt.n), id);
	struct buf b;

	free(exact);
	if (err) {
		FUZZ_CHECK(err == ERR_NOTFOUND || err == ERR_SYNTAX);
		FUZZ_CHECK((err == ERR_NOTFOUND) ==
		    (sts_record_parse(txt, again) == ERR_NOTFOUND));
		FUZZ_CHECK(strcmp(id, "untouched") == 0);
		return;
	}
	FUZZ_CHECK(is_id(id));
	FUZZ_CHECK(str_starts(txt, STR("v=STSv1")));
	FUZZ_CHECK(fuzz_holds(txt, id));
	FUZZ_CHECK(fuzz_is_printable(txt, "\t"));
	buf_init(&b, 100);
	buf_addf(&b, "v=STSv1; id=%s;", id);
	FUZZ_CHECK(sts_record_parse(buf_str(&b), again) == 0);
	FUZZ_CHECK(strcmp(id, again) == 0);
	buf_clear(&b);
}

/* With a list of faults the verdict is the same; a fault lies in the text. */
static void
check_diag(struct str txt)
{
	char id[STS_ID_MAX], again[STS_ID_MAX];
	struct diags d;
	int err;

	diag_init(&d, txt);
	err = sts_record_lint(txt, id, &d);
	FUZZ_CHECK(err == sts_record_parse(txt, again));
	FUZZ_CHECK(d.n == (err ? 1 : 0) && !d.more);
	if (!err)
		return;
	FUZZ_CHECK(d.v[0].line >= 1 && d.v[0].column >= 1);
	FUZZ_CHECK(d.v[0].line + d.v[0].column <= txt.n + 2);
	FUZZ_CHECK(d.v[0].rule && d.v[0].text);
}

/* Field by field, the whole is the sum. */
static void
check_fields(struct str txt)
{
	struct str rest = txt, key, value;
	size_t before = rest.n + 1;

	while (kvlist_next(&rest, &key, &value, NULL) == 0) {
		FUZZ_CHECK(rest.n < before);
		before = rest.n;
		FUZZ_CHECK(key.n >= 1 && key.n <= 32 && value.n >= 1);
		FUZZ_CHECK(value.p == key.p + key.n + 1);
		FUZZ_CHECK(fuzz_is_printable(value, ""));
		FUZZ_CHECK(str_find(value, ';') == value.n);
		FUZZ_CHECK(str_find(value, '=') == value.n);
		FUZZ_CHECK(value.p + value.n <= rest.p ||
		    (rest.n == 0 && value.p + value.n <= txt.p + txt.n));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str v[RECORDS + 1];
	char id[STS_ID_MAX] = "", other[STS_ID_MAX] = "";
	size_t n = 0;
	int err, again;

	while (n < RECORDS && in.n > 0)
		v[n++] = fuzz_take_until(&in, '\0');
	for (size_t i = 0; i < n; i++) {
		check_record(v[i]);
		check_diag(v[i]);
		check_fields(v[i]);
	}
	err = select_of(v, n, false, id);
	again = select_of(v, n, true, other);
	FUZZ_CHECK(err == again && strcmp(id, other) == 0);
	FUZZ_CHECK(err == 0 || err == ERR_NOTFOUND || err == ERR_SYNTAX);
	FUZZ_CHECK(err != 0 || is_id(id));
	/* STS-02: foreign records are passed over. */
	if (n > 1) {
		v[n] = STR("v=spf1 -all");
		FUZZ_CHECK(select_of(v, n + 1, false, other) == err);
		FUZZ_CHECK(err != 0 || strcmp(id, other) == 0);
	}
	return 0;
}
