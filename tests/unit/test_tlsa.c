/* TLSA records: which are usable, digest agility, names to ask for. */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>

#include "dane/tlsa.h"

static uint8_t bytes[300];

static struct rr_tlsa
record(unsigned usage, unsigned selector, unsigned mtype, size_t len, int fill)
{
	struct rr_tlsa t = {.usage = (uint8_t)usage,
	    .selector = (uint8_t)selector,
	    .mtype = (uint8_t)mtype,
	    .len = (uint16_t)len};

	t.data = malloc(len + 1);
	assert_non_null(t.data);
	memset(t.data, fill, len);
	return t;
}

static void
test_usable(void **state)
{
	static const struct {
		const char *name;
		unsigned usage, selector, mtype;
		size_t len;
		bool want;
	} cases[] = {
	    {"DANE-11 3 1 1", 3, 1, 1, 32, true},
	    {"DANE-48 SHA2-256", 3, 0, 1, 32, true},
	    {"2 0 1", 2, 0, 1, 32, true},
	    {"DANE-48 SHA2-512", 2, 1, 2, 64, true},
	    {"DANE-38 PKIX-TA", 0, 0, 1, 32, false},
	    {"DANE-38 PKIX-EE", 1, 1, 1, 32, false},
	    {"DANE-39 usage 4", 4, 1, 1, 32, false},
	    {"DANE-39 PrivCert", 255, 1, 1, 32, false},
	    {"DANE-39 selector 2", 3, 2, 1, 32, false},
	    {"DANE-39 matching 3", 3, 1, 3, 32, false},
	    {"DANE-39 short digest", 3, 1, 1, 31, false},
	    {"DANE-39 long digest", 3, 1, 1, 33, false},
	    {"DANE-39 no digest", 3, 1, 1, 0, false},
	    {"DANE-39 2-512 with 32", 3, 1, 2, 32, false},
	    {"DANE-39 full, empty", 3, 1, 0, 0, false},
	    {"DANE-39 full, no DER", 3, 1, 0, 40, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct rr_tlsa t = record(cases[i].usage, cases[i].selector,
		    cases[i].mtype, cases[i].len, 0xab);

		t_bool(cases[i].name, tlsa_usable(&t), cases[i].want);
		free(t.data);
	}
}

static void
test_full_data(void **state)
{
	static const struct {
		const char *name;
		uint8_t head[4];
		size_t n, len;
		bool want;
	} cases[] = {
	    {"short form", {0x30, 0x05}, 2, 7, true},
	    {"one length byte", {0x30, 0x81, 0x80}, 3, 131, true},
	    {"two length bytes", {0x30, 0x82, 0x01, 0x00}, 4, 260, true},
	    {"too short", {0x30, 0x82, 0x01, 0x00}, 4, 259, false},
	    {"bytes after it", {0x30, 0x82, 0x01, 0x00}, 4, 261, false},
	    {"empty sequence", {0x30, 0x00}, 2, 2, false},
	    {"not a sequence", {0x04, 0x05}, 2, 7, false},
	    {"three length bytes", {0x30, 0x83, 0x00, 0x01}, 4, 9, false},
	    {"indefinite", {0x30, 0x80}, 2, 7, false},
	    {"tag alone", {0x30}, 1, 1, false},
	    {"length cut off", {0x30, 0x81}, 2, 2, false},
	    {"second length byte cut off", {0x30, 0x82, 0x01}, 3, 3, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct rr_tlsa t = {.usage = 3, .selector = 1, .mtype = 0};

		memcpy(bytes, cases[i].head, cases[i].n);
		t.data = bytes;
		t.len = (uint16_t)cases[i].len;
		t_bool(cases[i].name, tlsa_usable(&t), cases[i].want);
	}
}

/* DANE-47: only the strongest digest of a usage and selector counts. */
static void
test_select(void **state)
{
	struct rr_tlsa in[] = {
	    record(3, 1, 1, 32, 1), /* outdone by the next */
	    record(3, 1, 2, 64, 2),
	    record(3, 1, 2, 64, 2), /* the same again */
	    record(3, 0, 1, 32, 3), /* another selector */
	    record(2, 1, 1, 32, 4), /* another usage */
	    record(2, 1, 2, 63, 5), /* unusable: outdoes nothing */
	    record(1, 1, 1, 32, 6),
	    record(3, 1, 0, 7, 0),
	};
	static const int want[] = {2, 3, 4, 0x30};
	struct rr_tlsa *out;
	size_t n;

	(void)state;
	memcpy(in[7].data, "\x30\x05", 2);
	tlsa_select(in, T_COUNT(in), &out, &n);
	t_int("DANE-47 records", (int64_t)n, T_COUNT(want));
	for (size_t i = 0; i < n; i++) {
		t_int("first byte", out[i].data[0], want[i]);
		for (size_t j = 0; j < T_COUNT(in); j++)
			assert_ptr_not_equal(out[i].data, in[j].data);
	}
	rr_tlsa_free(out, n);

	tlsa_select(&in[6], 1, &out, &n);
	t_int("none usable", (int64_t)n, 0);
	assert_null(out);
	tlsa_select(NULL, 0, &out, &n);
	t_int("no records", (int64_t)n, 0);
	assert_null(out);
	for (size_t i = 0; i < T_COUNT(in); i++)
		free(in[i].data);
}

/* DANE-48: both digests are taken, SHA2-512 is the stronger one, whatever the
 * order in which they come; Full(0) is no digest, and counts beside them. */
static void
test_strength(void **state)
{
	static const struct {
		const char *name;
		unsigned mtypes[3];
		size_t n;
		unsigned want[3];
		size_t n_want;
	} rows[] = {
	    {"DANE-48 SHA2-256", {1}, 1, {1}, 1},
	    {"DANE-48 SHA2-512", {2}, 1, {2}, 1},
	    {"DANE-48 both", {1, 2}, 2, {2}, 1},
	    {"DANE-48 both, turned", {2, 1}, 2, {2}, 1},
	    {"DANE-48 Full and both", {0, 1, 2}, 3, {0, 2}, 2},
	    {"DANE-48 Full and one", {1, 0}, 2, {1, 0}, 2},
	    {"DANE-48 an unknown digest is not stronger", {1, 3}, 2, {1}, 1},
	};
	static const size_t lens[] = {7, 32, 64, 64};

	(void)state;
	for (size_t i = 0; i < T_COUNT(rows) * 4; i++) {
		size_t row = i / 4, n = 0;
		struct rr_tlsa in[3], *out = NULL;

		for (size_t k = 0; k < rows[row].n; k++) {
			unsigned m = rows[row].mtypes[k];

			in[k] = record((unsigned)(2 + i % 2),
			    (unsigned)(i / 2 % 2), m, lens[m], 9);
			if (m == 0)
				memcpy(in[k].data, "\x30\x05", 2);
		}
		tlsa_select(in, rows[row].n, &out, &n);
		t_int(rows[row].name, (int64_t)n, (int64_t)rows[row].n_want);
		for (size_t k = 0; k < n; k++)
			t_int(rows[row].name, out[k].mtype, rows[row].want[k]);
		rr_tlsa_free(out, n);
		for (size_t k = 0; k < rows[row].n; k++)
			free(in[k].data);
	}
}

/* Only a record that is the same in every field is dropped as a repetition. */
static void
test_repeated(void **state)
{
	struct rr_tlsa in[] = {
	    record(3, 1, 2, 64, 1),
	    record(3, 1, 2, 64, 2), /* another key */
	    record(3, 1, 2, 64, 1),
	    record(3, 1, 0, 7, 0),
	    record(3, 1, 0, 8, 0), /* a longer one */
	    record(3, 1, 0, 7, 0),
	};
	static const int want[] = {1, 2, 0x05, 0x06};
	struct rr_tlsa *out;
	size_t n;

	(void)state;
	memcpy(in[3].data, "\x30\x05", 2);
	memcpy(in[4].data, "\x30\x06", 2);
	memcpy(in[5].data, "\x30\x05", 2);
	tlsa_select(in, T_COUNT(in), &out, &n);
	t_int("DANE-47 records", (int64_t)n, T_COUNT(want));
	for (size_t i = 0; i < n; i++)
		t_int("second byte", out[i].data[1], want[i]);
	rr_tlsa_free(out, n);
	for (size_t i = 0; i < T_COUNT(in); i++)
		free(in[i].data);
}

static void
test_name(void **state)
{
	char out[DOMAIN_MAX], lots[DOMAIN_MAX];

	(void)state;
	t_err("DANE-28", tlsa_name(25, "mx.example", out), 0);
	t_cstr("DANE-28", out, "_25._tcp.mx.example");
	t_err("other port", tlsa_name(2525, "mx.example", out), 0);
	t_cstr("other port", out, "_2525._tcp.mx.example");
	memset(lots, 'a', sizeof(lots));
	lots[253] = '\0';
	t_err("too long", tlsa_name(25, lots, out), ERR_TOOBIG);
	lots[253 - 9] = '\0';
	t_err("just fits", tlsa_name(25, lots, out), 0);
	t_int("just fits", (int64_t)strlen(out), 253);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usable),
	    cmocka_unit_test(test_full_data),
	    cmocka_unit_test(test_select),
	    cmocka_unit_test(test_strength),
	    cmocka_unit_test(test_repeated),
	    cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
