/* RFC 5321 5.1, RFC 7505, RFC 7672 2.1.2. */
#include "config.h"

#include "relay/decide/route_mx.h"

static void
end_with(struct outcome *out, enum outcome_class cls, const char *dsn,
    const char *rule, const char *domain, const char *text)
{
	outcome_init(out, cls);
	outcome_set(out, cls, dsn, rule, "%s: %s", domain, text);
	out->host_fault = true;
}

bool
route_mx_end(const struct mx_set *mx, const char *domain, bool blind,
    struct outcome *out)
{
	if (blind && mx->result != MX_HOSTS && mx->result != MX_FAIL) {
		end_with(out, OUT_DEFERRED, "4.7.5", "DANE-58", domain,
		    "resolver does not validate");
		return true;
	}
	switch (mx->result) {
	case MX_HOSTS:
		return false;
	case MX_NULL: /* RFC 7505 */
		end_with(out, OUT_BOUNCED, "5.1.10", "NMX-01", domain,
		    "domain does not accept mail (null MX)");
		return true;
	case MX_NO_DOMAIN: /* RFC 5321 5.1 */
		end_with(out, OUT_BOUNCED, "5.1.2", "SMTP-14", domain,
		    "domain does not exist");
		return true;
	case MX_SELF:
		end_with(out, OUT_BOUNCED, "5.4.6", "SMTP-17", domain,
		    "this relay is the best MX host of the domain");
		return true;
	case MX_FAIL:
		break;
	}
	/* RFC 7672 2.1.2: nothing else is tried */
	outcome_init(out, OUT_DEFERRED);
	outcome_set(out, OUT_DEFERRED, "4.4.3", "DANE-05",
	    "%s: MX lookup failed: %s", domain, rr_why_str(mx->why));
	out->host_fault = true;
	return true;
}
