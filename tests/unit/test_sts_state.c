/*
 * Which policy is in force: named rows for each rule, then the whole product
 * of inputs against what may never happen.
 */
#include "config.h"

#include "tests/unit/t.h"

#include "sts/sts_state.h"

#define NOW 1000000

enum cache { C_NONE, C_SAME, C_OTHER, C_EXPIRED, C_BROKEN, C_CORRUPT };
enum txt { T_OK, T_NODATA, T_FAIL, T_SYNTAX, T_OTHER };
enum mem { M_FREE, M_HELD };

struct world {
	struct sts_inputs in;
	struct sts_entry entry;
};

static void
build_cache(struct world *w, enum cache c)
{
	static const int errs[] = {[C_NONE] = ERR_NOTFOUND,
	    [C_BROKEN] = ERR_IO,
	    [C_CORRUPT] = ERR_CORRUPT};

	memcpy(w->entry.id, c == C_OTHER ? "1" : "2", 2);
	w->entry.expires = c == C_EXPIRED ? NOW : NOW + 1;
	w->in.store_err = errs[c];
	w->in.entry = errs[c] ? NULL : &w->entry;
}

static void
build(struct world *w, enum cache c, enum txt t, enum mem m)
{
	static const enum rr_status statuses[] = {
	    RR_OK, RR_NODATA, RR_FAIL, RR_OK, RR_OK};
	static const int record_errs[] = {
	    0, ERR_NOTFOUND, ERR_NOTFOUND, ERR_SYNTAX, ERR_NOTFOUND};

	memset(w, 0, sizeof(*w));
	w->in.now = NOW;
	w->in.id = "2";
	build_cache(w, c);
	w->in.txt_status = statuses[t];
	w->in.record_err = record_errs[t];
	w->in.held_back = m == M_HELD;
}

static const struct {
	const char *name;
	enum cache c;
	enum txt t;
	enum mem m;
	const char *want, *failed;
} rows[] = {
    {"same id", C_SAME, T_OK, M_FREE, "fresh", "cached"},
    {"first sight", C_NONE, T_OK, M_FREE, "fetch", "fetch-failed"},
    {"new id", C_OTHER, T_OK, M_FREE, "fetch", "cached"},
    {"expired", C_EXPIRED, T_OK, M_FREE, "fetch", "fetch-failed"},
    {"no record", C_NONE, T_NODATA, M_FREE, "no-policy", "fetch-failed"},
    {"STS-40 TXT fails", C_NONE, T_FAIL, M_FREE, "no-policy", "fetch-failed"},
    {"STS-03 invalid record", C_NONE, T_SYNTAX, M_FREE, "no-policy",
	"fetch-failed"},
    {"STS-24 record gone", C_SAME, T_NODATA, M_FREE, "cached", "cached"},
    {"STS-24 TXT fails", C_OTHER, T_FAIL, M_FREE, "cached", "cached"},
    {"STS-24 invalid record", C_SAME, T_SYNTAX, M_FREE, "cached", "cached"},
    {"expired, record gone", C_EXPIRED, T_NODATA, M_FREE, "no-policy",
	"fetch-failed"},
    {"STS-21 held back", C_NONE, T_OK, M_HELD, "fetch-failed", "fetch-failed"},
    {"STS-21 ... with another cached", C_OTHER, T_OK, M_HELD, "cached",
	"cached"},
    {"STS-41 store error", C_BROKEN, T_OK, M_FREE, "store-error",
	"store-error"},
    {"STS-41 ... without record", C_BROKEN, T_NODATA, M_FREE, "store-error",
	"store-error"},
    {"corrupt row is fetched anew", C_CORRUPT, T_OK, M_FREE, "fetch",
	"store-error"},
    {"corrupt row, no record", C_CORRUPT, T_NODATA, M_FREE, "store-error",
	"store-error"},
    {"corrupt row, held back", C_CORRUPT, T_OK, M_HELD, "store-error",
	"store-error"},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		enum sts_source source = STS_NO_POLICY;
		struct world w;
		enum sts_action act;

		build(&w, rows[i].c, rows[i].t, rows[i].m);
		act = sts_state_decide(&w.in, &source);
		t_cstr(rows[i].name,
		    act == STS_ACT_FETCH ? "fetch" : sts_source_str(source),
		    rows[i].want);
		t_cstr(rows[i].name,
		    sts_source_str(sts_state_after_failure(&w.in)),
		    rows[i].failed);
	}
}

static void
check_world(const struct world *w, enum cache c, enum txt t, enum mem m)
{
	enum sts_source s = STS_NO_POLICY;
	bool fetch = sts_state_decide(&w->in, &s) == STS_ACT_FETCH;
	bool live = c == C_SAME || c == C_OTHER;
	bool unread = c == C_BROKEN || c == C_CORRUPT;
	char name[60];

	snprintf(name, sizeof(name), "cache %d txt %d held %d", (int)c, (int)t,
	    (int)m);
	if (fetch) {
		t_bool(name, t == T_OK && m != M_HELD, true);
		t_bool(name, c != C_SAME && c != C_BROKEN, true);
		s = sts_state_after_failure(&w->in);
	}
	/* What is cached and alive is never lost, whatever fails. */
	t_bool(name, s == STS_FRESH || s == STS_CACHED, live);
	t_bool(name, s == STS_FRESH, c == C_SAME && t == T_OK);
	/* "No policy" needs a cache that was read. */
	t_bool(name, s == STS_STORE_ERROR, unread);
	if (s == STS_NO_POLICY)
		t_bool(name, t != T_OK && !live && !unread, true);
}

static void
test_product(void **state)
{
	(void)state;
	for (int c = C_NONE; c <= C_CORRUPT; c++) {
		for (int t = T_OK; t <= T_OTHER; t++) {
			for (int m = M_FREE; m <= M_HELD; m++) {
				struct world w;

				build(&w, (enum cache)c, (enum txt)t,
				    (enum mem)m);
				check_world(&w, (enum cache)c, (enum txt)t,
				    (enum mem)m);
			}
		}
	}
}

/* STS-25: what a refresh does, and what the operator's does. */
static const struct {
	const char *name;
	enum cache c;
	enum txt t;
	bool secure, held;
	const char *refresh, *forced;
} again[] = {
    {"STS-25 same id", C_SAME, T_OK, false, false, "fetch", "fetch"},
    {"STS-25 another id", C_OTHER, T_OK, false, false, "fetch", "fetch"},
    {"STS-25 held back", C_SAME, T_OK, false, true, "fresh", "fetch"},
    {"STS-25 no record", C_SAME, T_NODATA, false, false, "fetch", "fetch"},
    {"STS-25 record gone for sure", C_SAME, T_NODATA, true, false, "cached",
	"cached"},
    {"STS-25 other TXT for sure", C_SAME, T_OTHER, true, false, "cached",
	"cached"},
    {"STS-25 TXT fails", C_SAME, T_FAIL, false, false, "fetch", "fetch"},
    {"STS-25 TXT invalid", C_SAME, T_SYNTAX, true, false, "fetch", "fetch"},
    {"nothing cached", C_NONE, T_OK, false, false, "fetch-failed", "fetch"},
    {"nothing at all", C_NONE, T_NODATA, false, false, "no-policy",
	"no-policy"},
    {"expired", C_EXPIRED, T_OK, false, false, "fetch-failed", "fetch"},
    {"expired, no record", C_EXPIRED, T_FAIL, false, false, "no-policy",
	"no-policy"},
    {"STS-41 store error", C_BROKEN, T_OK, false, false, "store-error",
	"store-error"},
    {"corrupt row", C_CORRUPT, T_OK, false, false, "store-error", "fetch"},
};

static void
test_refresh(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(again); i++) {
		for (int forced = 0; forced < 2; forced++) {
			enum sts_source source = STS_NO_POLICY;
			struct world w;
			enum sts_action act;

			build(&w, again[i].c, again[i].t,
			    again[i].held ? M_HELD : M_FREE);
			w.in.txt_secure = again[i].secure;
			act = sts_state_refresh(&w.in, forced == 1, &source);
			t_cstr(again[i].name,
			    act == STS_ACT_FETCH ? "fetch"
						 : sts_source_str(source),
			    forced ? again[i].forced : again[i].refresh);
		}
	}
}

static void
test_verdict(void **state)
{
	struct sts_verdict v;

	(void)state;
	sts_verdict_init(&v);
	t_cstr("source", sts_source_str(v.source), "no-policy");
	t_cstr("rule", v.rule, "STS-02");
	t_err("policy",
	    sts_policy_parse(
		STR("version: STSv1\nmode: enforce\nmax_age: 5\nmx: a.b\n"),
		&v.policy, NULL),
	    0);
	sts_verdict_clear(&v);
	assert_null(v.policy.mx);
}

static void
test_make(void **state)
{
	static const struct {
		const char *name;
		enum sts_source source;
		enum sts_mode mode;
		enum txt t;
		const char *rule;
		bool has_policy;
	} makes[] = {
	    {"enforce", STS_FRESH, STS_MODE_ENFORCE, T_OK, "STS-29", true},
	    {"testing", STS_FRESH, STS_MODE_TESTING, T_OK, "STS-32", true},
	    {"none", STS_FRESH, STS_MODE_NONE, T_OK, "STS-33", true},
	    {"cached", STS_CACHED, STS_MODE_ENFORCE, T_FAIL, "STS-24", true},
	    {"no body", STS_UNOBTAINABLE, 0, T_OK, "STS-23", false},
	    {"store", STS_STORE_ERROR, 0, T_OK, "STS-41", false},
	    {"no record", STS_NO_POLICY, 0, T_NODATA, "STS-02", false},
	    {"TXT fails", STS_NO_POLICY, 0, T_FAIL, "STS-40", false},
	    {"invalid", STS_NO_POLICY, 0, T_SYNTAX, "STS-03", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(makes); i++) {
		char mx[1][DOMAIN_MAX] = {"a.b"};
		struct sts_policy p = {
		    .mode = makes[i].mode, .mx = mx, .n_mx = 1};
		struct sts_verdict v, copy;
		struct world w;

		build(&w, C_SAME, makes[i].t, M_FREE);
		sts_verdict_make(&w.in, makes[i].source, &p, "77", "why", &v);
		sts_verdict_copy(&copy, &v);
		sts_verdict_clear(&v);
		t_cstr(makes[i].name, copy.rule, makes[i].rule);
		t_cstr(makes[i].name, copy.text, "why");
		t_cstr(makes[i].name, copy.id, makes[i].has_policy ? "77" : "");
		t_int(makes[i].name, (int64_t)copy.policy.n_mx,
		    makes[i].has_policy);
		sts_verdict_clear(&copy);
	}
}

/* What a verdict tells of the record and of the policy's age. */
static void
test_seen(void **state)
{
	char mx[1][DOMAIN_MAX] = {"a.b"};
	struct sts_policy p = {.max_age = 500, .mx = mx, .n_mx = 1};
	struct rr_set *set = rr_set_new(RR_TXT, 2);
	struct sts_seen seen = {.asked = true, .no_store = true};
	struct sts_verdict v;
	struct world w;

	(void)state;
	rr_set_txt(set, 0, STR("v=STSv1; id=a;"));
	rr_set_txt(set, 1, STR("spf"));
	set->secure = true;
	sts_seen_record(&seen, set);
	rr_set_unref(set);
	build(&w, C_SAME, T_OK, M_FREE);
	w.in.seen = &seen;
	sts_verdict_make(&w.in, STS_FRESH, &p, w.entry.id, "", &v);
	t_cstr("record", v.seen.record, "v=STSv1; id=a;");
	t_int("both count", (int64_t)v.seen.records, 2);
	t_bool("secure", v.seen.secure, true);
	t_bool("asked", v.seen.asked, true);
	t_bool("no store", v.seen.no_store, true);
	sts_verdict_clear(&v);
	set = rr_set_empty(RR_TXT, RR_FAIL, RR_WHY_BOGUS);
	sts_seen_record(&seen, set);
	rr_set_unref(set);
	t_int("STS-40", seen.why, RR_WHY_BOGUS);
	t_int("no record", (int64_t)seen.records, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_product),
	    cmocka_unit_test(test_refresh),
	    cmocka_unit_test(test_verdict),
	    cmocka_unit_test(test_make),
	    cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
