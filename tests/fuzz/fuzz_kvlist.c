/*
 * "key=value; key=value" of TXT records: fields are cut off one by one, and
 * put together again they are cut into the same.
 */
#include "config.h"

#include "relay/base/kvlist.h"

#include "tests/fuzz/fuzz.h"

#define FIELDS 64

struct field {
	struct str key, value;
};

static size_t
cut(struct str s, struct field v[FIELDS], int *err)
{
	struct kvlist_fault fault;
	size_t n = 0;

	*err = 0;
	while (n < FIELDS && !*err) {
		fault.at = NULL;
		*err = kvlist_next(&s, &v[n].key, &v[n].value, &fault);
		FUZZ_CHECK((*err == ERR_SYNTAX) == (fault.at != NULL));
		FUZZ_CHECK(!fault.at ||
		    (fault.at >= s.p && fault.at <= s.p + s.n && fault.text));
		n += !*err;
	}
	return n;
}

static void
check(struct str s)
{
	struct field v[FIELDS], again[FIELDS];
	int err, other;
	size_t n = cut(s, v, &err);
	struct buf b;

	FUZZ_CHECK(err == 0 || err == ERR_NOTFOUND || err == ERR_SYNTAX);
	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(v[i].key.n >= 1 && v[i].key.n <= 32);
		FUZZ_CHECK(str_is_alnum(v[i].key.p[0]));
		FUZZ_CHECK(v[i].value.n >= 1);
		FUZZ_CHECK(fuzz_is_printable(v[i].value, ""));
		FUZZ_CHECK(str_find(v[i].value, ' ') == v[i].value.n);
		FUZZ_CHECK(str_find(v[i].value, '=') == v[i].value.n);
		buf_add_str(&b, v[i].key);
		buf_add_char(&b, '=');
		buf_add_str(&b, v[i].value);
		buf_add_cstr(&b, " ;\t");
	}
	if (n < FIELDS) {
		FUZZ_CHECK(cut(buf_str(&b), again, &other) == n);
		FUZZ_CHECK(other == ERR_NOTFOUND);
		for (size_t i = 0; i < n; i++) {
			FUZZ_CHECK(str_eq(v[i].key, again[i].key));
			FUZZ_CHECK(str_eq(v[i].value, again[i].value));
		}
	}
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(str_n((const char *)data, size));
	return 0;
}
