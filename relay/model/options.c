/*
 * Finding a site rule. The rule for the domain itself is the most special;
 * behind it come the rules with a leading dot, longest first. One that has
 * ended is passed over, so that an exception from a wider rule does not leave
 * a hole behind.
 */
#include "config.h"

#include "relay/model/options.h"

#include "relay/base/str.h"

bool
options_site_ended(const struct opt_site *s, int64_t now)
{
	return s->expires_s != 0 && now >= s->expires_s;
}

const struct opt_site *
options_site_at(const struct options *o, const char *domain, int64_t now)
{
	const struct opt_site *best = NULL;
	struct str name = str_of(domain);
	size_t best_len = 0;

	for (size_t i = 0; i < o->n_sites; i++) {
		const struct opt_site *s = &o->sites[i];
		struct str rule = str_of(s->domain);

		if (rule.n == 0 || options_site_ended(s, now))
			continue;
		if (rule.p[0] != '.') {
			if (domain_eq(rule, name))
				return s;
			continue;
		}
		if ((domain_eq(str_skip(rule, 1), name) ||
			str_ends_ci(name, rule)) &&
		    rule.n > best_len) {
			best = s;
			best_len = rule.n;
		}
	}
	return best;
}
