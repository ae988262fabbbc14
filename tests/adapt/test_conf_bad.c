/*
 * A wrong configuration file: for every mistake the exact message with file,
 * line and key.
 */
#include "config.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/config/conf.h"
#include "tests/unit/t.h"

#define NAME "hostname = \"relay.example.net\"\n"
#define MAX 65536

static int
set_up(void **state)
{
	(void)state;
	/* Whether unbound is installed is not what is tested. */
	return setenv("WAXSEAL_UNBOUND", "/bin/sh", 1);
}

struct bad {
	const char *name, *text, *want;
};

/* Text behind NAME begins in line 2. */
static const struct bad bad_cases[] = {
    {"unknown key", NAME "colour = red\n",
	"f.conf:2: colour: unknown key; see waxseal.conf(5)\n"},
    {"unknown key in section", NAME "listen \"127.0.0.1:25\" {\n\n cert = x\n}",
	"f.conf:4: listen.cert: unknown key; see waxseal.conf(5)\n"},
    {"unknown key in zone", NAME "resolver {\n zone \"a\" {\n  x = 1\n } }\n",
	"f.conf:4: resolver.zone.x: unknown key; see waxseal.conf(5)\n"},
    {"later section", NAME "http { listen = x }\n",
	"f.conf:2: http: unknown key; see waxseal.conf(5)\n"},
    {"include", NAME "include(\"x\")\n",
	"f.conf:2: include: unknown key; see waxseal.conf(5)\n"},
    {"no equal sign", NAME "\nworkers 4\n",
	"f.conf:3: syntax: missing equal sign after option 'workers'; see "
	"waxseal.conf(5)\n"},
    {"no end of section", NAME "dane {\n mode = on\n",
	"f.conf:2: syntax: the { in this line is never closed; see "
	"waxseal.conf(5)\n"},
    {"no end of list", NAME "dane { }\nqueue {\n retry = {1s\n}\n",
	"f.conf:3: syntax: the { in this line is never closed; see "
	"waxseal.conf(5)\n"},
    {"stray quote", NAME "dane {\n mode = on }\n\"\nuser = x\n",
	"f.conf:4: syntax: the \" in this line is never closed; see "
	"waxseal.conf(5)\n"},
    {"no end of comment", NAME "\n/* x\ndane {\n mode = off }\n",
	"f.conf:3: syntax: the /* in this line is never closed; see "
	"waxseal.conf(5)\n"},
    {"no end of variable", NAME "user = \"${X\n",
	"f.conf:2: syntax: the \" in this line is never closed; see "
	"waxseal.conf(5)\n"},
    {"no end of string", NAME "user = \"x\n\n",
	"f.conf:2: syntax: the \" in this line is never closed; see "
	"waxseal.conf(5)\n"},
    {"no title", NAME "listen {\n}\n",
	"f.conf:2: syntax: missing title for section 'listen'; see "
	"waxseal.conf(5)\n"},
    {"brace", NAME "}\n",
	"f.conf:2: syntax: unexpected closing brace; see waxseal.conf(5)\n"},
    {"list for one", NAME "user = {a, b}\n",
	"f.conf:2: syntax: unexpected token '{'; see waxseal.conf(5)\n"},
    {"hidden key 1", NAME "\" begin\" = {x}\n",
	"f.conf:2: syntax: not understood; see waxseal.conf(5)\n"},
    {"hidden key 2", NAME "dane { \" context\" = x }\n",
	"f.conf:2: syntax: not understood; see waxseal.conf(5)\n"},
    {"key twice", NAME "user = a\n\nuser = b\n",
	"f.conf:4: user: is set twice, first in line 2; remove one\n"},
    {"list twice", NAME "queue {\n retry = {1s, 2s}\n retry = {3s}\n}\n",
	"f.conf:4: queue.retry: is set twice, first in line 3; remove one\n"},
    {"section twice", NAME "dane { }\ndane { }\n",
	"f.conf:3: dane: is there twice, first in line 2; put both into "
	"one\n"},
    {"title twice",
	NAME "site \"a.example\" { require = dane }\n"
	     "site \"a.example\" { require = sts }\n",
	"f.conf:3: site: \"a.example\" is there twice, first in line 2; put "
	"both into one\n"},
    {"empty list", NAME "queue {\n retry = {}\n}\n",
	"f.conf:2: queue.retry: is an empty list; give it a value or remove "
	"it\n"},
    {"empty networks", NAME "listen \"127.0.0.1:25\" { networks = {} }\n",
	"f.conf:2: listen.networks: is an empty list; give it a value or "
	"remove it\n"},
    {"empty value", NAME "state_dir = \"${NOT_SET_AT_ALL}\"\n",
	"f.conf:2: state_dir: is empty; give it a value or remove it\n"},
    {"control character", NAME "workers = \"1\n2\"\n",
	"f.conf:3: workers: \"1?2\" is not a number; use 0 to 1024\n"},
    {"lines behind comments",
	NAME "/* a\n b */ # c\n// d\nqueue { retry = {1s, # e\n 2x} }\n",
	"f.conf:6: queue.retry: \"2x\" is not a time; use 1s to 7d, with ms, "
	"s, m, h, d or w\n"},

    {"hostname", "hostname = relay\n",
	"f.conf:1: hostname: \"relay\" is not a full name; write one with a "
	"dot, such as relay.example.net\n"},
    {"hostname address", "hostname = \"192.0.2.1\"\n",
	"f.conf:1: hostname: \"192.0.2.1\" is not a full name; write one with "
	"a dot, such as relay.example.net\n"},
    {"hostname letters", "\nhostname = \"a_b.example\"\n",
	"f.conf:2: hostname: \"a_b.example\" is not a full name; write one "
	"with a dot, such as relay.example.net\n"},
    {"workers", NAME "workers = many\n",
	"f.conf:2: workers: \"many\" is not a number; use 0 to 1024\n"},
    {"workers negative", NAME "workers = -1\n",
	"f.conf:2: workers: \"-1\" is not a number; use 0 to 1024\n"},
    {"workers many", NAME "workers = 1025\n",
	"f.conf:2: workers: 1025 is out of range; use 0 to 1024\n"},
    {"root", NAME "user = root\nresolver {\n user = \"0\"\n}\n",
	"f.conf:2: user: is root; name a user that has nothing else to do\n"
	"f.conf:4: resolver.user: is root; name a user that has nothing else "
	"to do\n"},

    {"listen name", NAME "listen \"localhost:25\" { }\n",
	"f.conf:2: listen: \"localhost:25\" is not an address; write "
	"ADDRESS:PORT, [IPV6]:PORT or unix:/PATH\n"},
    {"listen no port", NAME "listen \"127.0.0.1\" { }\n",
	"f.conf:2: listen: \"127.0.0.1\" is not an address; write "
	"ADDRESS:PORT, [IPV6]:PORT or unix:/PATH\n"},
    {"listen port", NAME "listen \"127.0.0.1:65536\" { }\n",
	"f.conf:2: listen: \"127.0.0.1:65536\" has no such port; use 1 to "
	"65535\n"},
    {"listen socket", NAME "listen \"unix:run/x\" { }\n",
	"f.conf:2: listen: \"unix:run/x\" is not a socket; write unix:/PATH, "
	"at most 107 bytes\n"},
    {"listen role", NAME "listen \"127.0.0.1:25\" {\n role = submission\n}\n",
	"f.conf:3: listen.role: \"submission\" is not known; use smarthost, "
	"intercept or policy\n"},
    {"intercept", NAME "listen \"127.0.0.1:25\" {\n role = intercept\n}\n",
	"f.conf:3: listen.role: intercept is not supported by this version; "
	"use smarthost\n"},
    {"policy", NAME "listen \"127.0.0.1:25\" {\n role = policy\n}\n",
	"f.conf:3: listen.role: policy is not supported by this version; use "
	"smarthost\n"},
    {"live", NAME "listen \"127.0.0.1:25\" {\n handoff = live\n}\n",
	"f.conf:3: listen.handoff: live is not supported by this version; use "
	"queue\n"},
    {"peers", NAME "listen \"unix:/x\" {\n peers = {milter}\n}\n",
	"f.conf:3: listen.peers: is not supported by this version; who may "
	"connect is said by mode\n"},
    {"mode of TCP", NAME "listen \"127.0.0.1:25\" { mode = 0660 }\n",
	"f.conf:2: listen.mode: is for unix sockets only; remove it\n"},
    {"mode", NAME "listen \"unix:/x\" { mode = 0890 }\n",
	"f.conf:2: listen.mode: \"0890\" is not what a socket may have; use "
	"0600 to 0777\n"},
    {"networks of a socket", NAME "listen \"unix:/x\" { networks = {\"::1\"} }",
	"f.conf:2: listen.networks: a unix socket has no networks; set its "
	"mode\n"},
    {"open relay",
	NAME "listen \"0.0.0.0:25\" {\n networks = {\"10.0.0.0/8\",\n"
	     " \"0.0.0.0/0\", \"::/0\"}\n}\n",
	"f.conf:4: listen.networks: 0.0.0.0/0 lets everybody relay (an open "
	"relay); name the networks of your own clients\n"
	"f.conf:4: listen.networks: ::/0 lets everybody relay (an open relay); "
	"name the networks of your own clients\n"},
    {"no network", NAME "listen \"127.0.0.1:25\" { networks = {local} }\n",
	"f.conf:2: listen.networks: \"local\" is not a network; write "
	"ADDRESS/BITS or ADDRESS\n"},
    {"long prefix", NAME "listen \"127.0.0.1:25\" { networks = {10.0.0.0/33} }",
	"f.conf:2: listen.networks: \"10.0.0.0/33\" has a prefix longer than "
	"the address\n"},
    {"bits behind", NAME "listen \"127.0.0.1:25\" { networks = {10.1.0.0/8} }",
	"f.conf:2: listen.networks: 10.1.0.0/8 has bits behind its prefix; "
	"write 10.0.0.0/8 or one address\n"},
    {"mapped",
	NAME "listen \"[::]:25\" { networks = {\"::ffff:10.0.0.0/104\"} }\n",
	"f.conf:2: listen.networks: ::ffff:10.0.0.0/104 matches nobody; write "
	"it as an IPv4 network\n"},

    {"resolver mode", NAME "resolver {\n mode = own\n}\n",
	"f.conf:3: resolver.mode: \"own\" is not known; use managed or "
	"external\n"},
    {"external without", NAME "resolver { mode = external }\n",
	"f.conf:2: resolver.address: is missing; mode = external needs the "
	"address of a validating resolver\n"},
    {"external far",
	NAME "resolver { mode = external\n address = {\"192.0.2.53\"} }\n",
	"f.conf:3: resolver.address: 192.0.2.53 is not on this machine: "
	"anybody on the way can forge its answers; use mode = managed, or set "
	"trust = yes if you know better\n"},
    {"external container",
	NAME "resolver { mode = external\n address = {127.0.0.11} }\n",
	"f.conf:3: resolver.address: 127.0.0.11 is the resolver of a container "
	"engine, which does not validate; use mode = managed, or set trust = "
	"yes if you know better\n"},
    {"external systemd",
	NAME "resolver { mode = external\n address = {127.0.0.53,\n"
	     " 127.0.0.54:53} }\n",
	"f.conf:3: resolver.address: 127.0.0.53 is systemd-resolved, whose "
	"DNSSEC state can't be relied on; use mode = managed, or set trust = "
	"yes if you know better\n"
	"f.conf:4: resolver.address: 127.0.0.54:53 is systemd-resolved, whose "
	"DNSSEC state can't be relied on; use mode = managed, or set trust = "
	"yes if you know better\n"},
    {"external port",
	NAME "resolver { mode = external\n address = {\"[::1]:1053\"} }\n",
	"f.conf:3: resolver.address: [::1]:1053 has a port that any user of "
	"this machine may take; use mode = managed, or set trust = yes if you "
	"know better\n"},
    {"external name",
	NAME "resolver { mode = external\n address = {dns.example} }\n",
	"f.conf:3: resolver.address: \"dns.example\" is not an address; write "
	"ADDRESS or ADDRESS:PORT, IPv6 in brackets\n"},
    {"managed with address",
	NAME "resolver {\n address = {\"127.0.0.1\"}\n trust = yes\n}\n",
	"f.conf:3: resolver.address: has no effect with mode = managed; remove "
	"it or set mode = external\n"
	"f.conf:4: resolver.trust: has no effect with mode = managed; remove "
	"it or set mode = external\n"},
    {"external with unbound",
	NAME "resolver {\n mode = external\n address = {\"::1\"}\n"
	     " unbound = x\n}\n",
	"f.conf:5: resolver.unbound: has no effect with mode = external; "
	"remove it or set mode = managed\n"},
    {"forward", NAME "resolver { forward = {\"192.0.2.1@0\"} }\n",
	"f.conf:2: resolver.forward: \"192.0.2.1@0\" is not an address; write "
	"ADDRESS or ADDRESS@PORT\n"},
    {"zone", NAME "resolver {\n zone \"a..b\" { forward = {\"::1\"} }\n}\n",
	"f.conf:3: resolver.zone: \"a..b\" is not a domain; write the name of "
	"a zone\n"},
    {"zone without", NAME "resolver {\n zone \"corp\" { }\n}\n",
	"f.conf:3: resolver.zone.forward: is missing; say which servers answer "
	"for \"corp\"\n"},
    {"zone twice",
	NAME "resolver {\n zone \"a\" { forward = {\"::1\"} }\n"
	     " zone \"A.\" { forward = {\"::1\"} } }\n",
	"f.conf:4: resolver.zone: \"a\" is there twice; put both into one\n"},
    {"zone of external",
	NAME "resolver {\n mode = external\n address = {\"::1\"}\n"
	     " zone \"a\" { forward = {\"::1\"} }\n}\n",
	"f.conf:5: resolver.zone: has no effect with mode = external; remove "
	"it or set mode = managed\n"},
    {"query_localhost", NAME "resolver { query_localhost = maybe }\n",
	"f.conf:2: resolver.query_localhost: \"maybe\" is not known; use yes "
	"or no\n"},
    {"no unbound", NAME "resolver {\n unbound = \"/no/unbound\"\n}\n",
	"f.conf:3: resolver.unbound: can't run /no/unbound: No such file or "
	"directory; install unbound or name its program here or in "
	"$WAXSEAL_UNBOUND\n"},
    {"unbound folder", NAME "resolver {\n unbound = \"/usr\"\n}\n",
	"f.conf:3: resolver.unbound: can't run /usr: not a file; install "
	"unbound or name its program here or in $WAXSEAL_UNBOUND\n"},
    {"unbound no program", NAME "resolver {\n unbound = \"/etc/passwd\"\n}\n",
	"f.conf:3: resolver.unbound: can't run /etc/passwd: Permission denied; "
	"install unbound or name its program here or in $WAXSEAL_UNBOUND\n"},
    {"no anchor, no hints",
	NAME "resolver {\n trust_anchor = /no/a\n root_hints = /no/b\n}\n",
	"f.conf:3: resolver.trust_anchor: can't read /no/a: No such file or "
	"directory; correct the path or its permissions\n"
	"f.conf:4: resolver.root_hints: can't read /no/b: No such file or "
	"directory; correct the path or its permissions\n"},

    {"dane", NAME "dane {\n mode = yes\n}\n",
	"f.conf:3: dane.mode: \"yes\" is not known; use off or on\n"},
    {"dane.insecure_mx", NAME "dane {\n insecure_mx = 2\n}\n",
	"f.conf:3: dane.insecure_mx: \"2\" is not known; use yes or no\n"},
    {"sts", NAME "sts {\n mode = testing\n}\n",
	"f.conf:3: sts.mode: \"testing\" is not known; use off or on\n"},
    {"sts.ca_file", NAME "sts {\n\n ca_file = /no/ca\n}\n",
	"f.conf:4: sts.ca_file: can't read /no/ca: No such file or directory; "
	"correct the path or its permissions\n"},
    {"tls.ca_file", NAME "tls {\n ca_file = /usr\n}\n",
	"f.conf:3: tls.ca_file: can't read /usr: not a file; correct the path "
	"or its permissions\n"},
    {"tls.min", NAME "tls {\n min = \"1.1\"\n}\n",
	"f.conf:3: tls.min: \"1.1\" is not known; use 1.2 or 1.3\n"},
    {"tls.opportunistic_min", NAME "tls { opportunistic_min = \"3.0\" }\n",
	"f.conf:2: tls.opportunistic_min: \"3.0\" is not known; use 1.0, 1.1, "
	"1.2 or 1.3\n"},
    {"deliver.port", NAME "deliver { port = 0 }\n",
	"f.conf:2: deliver.port: 0 is out of range; use 1 to 65535\n"},
    {"deliver.max_recipients", NAME "deliver { max_recipients = 101 }\n",
	"f.conf:2: deliver.max_recipients: 101 is out of range; use 1 to "
	"100\n"},
    {"more than all",
	NAME "deliver {\n max_connections = 5\n max_per_destination = 6\n}\n",
	"f.conf:4: deliver.max_per_destination: 6 is more than "
	"max_connections, 5; lower it\n"},
    {"timeouts", NAME "timeouts {\n mail = 5\n rcpt = 10ms\n data = soon\n}\n",
	"f.conf:4: timeouts.rcpt: 10ms is out of range; use 1s to 1d\n"
	"f.conf:5: timeouts.data: \"soon\" is not a time; use 1s to 1d, with "
	"ms, s, m, h, d or w\n"},
    {"lifetime", NAME "queue { lifetime = 2y }\n",
	"f.conf:2: queue.lifetime: \"2y\" is not a time; use 1s to 365d, with "
	"ms, s, m, h, d or w\n"},
    {"commit_delay", NAME "queue { commit_delay = 11ms }\n",
	"f.conf:2: queue.commit_delay: 11ms is out of range; use 0ms to "
	"10ms\n"},
    {"max_message_size", NAME "queue { max_message_size = 10k }\n",
	"f.conf:2: queue.max_message_size: 10k is out of range; use 64k to "
	"1G\n"},
    {"size", NAME "queue { min_free = 64MB }\n",
	"f.conf:2: queue.min_free: \"64MB\" is not a size; use 0 to 1024G, "
	"with k, M or G\n"},
    {"memory", NAME "queue { memory = 20M }\n",
	"f.conf:2: queue.memory: 20M is less than max_message_size, 50M; raise "
	"it, or no such message could be delivered\n"},
    {"memory too", NAME "queue { max_message_size = 300M }\n",
	"f.conf:2: queue.max_message_size: 300M is more than memory, 256M; "
	"raise memory too, or no such message could be delivered\n"},
    {"limits", NAME "limits {\n max_recipients = 99\n max_hops = 5\n}\n",
	"f.conf:3: limits.max_recipients: 99 is out of range; use 100 to "
	"100000\n"
	"f.conf:4: limits.max_hops: 5 is out of range; use 10 to 1000\n"},

    {"site", NAME "site \"a_b\" { require = dane }\n",
	"f.conf:2: site: \"a_b\" is not a mail domain; write example.com, or "
	".example.com for it and all below\n"},
    {"site.require", NAME "site \"a.example\" { require = tls }\n",
	"f.conf:2: site.require: \"tls\" is not known; use opportunistic, "
	"audit, encrypted, verified, sts or dane\n"},
    {"looser", NAME "site \"a.example\" {\n require = opportunistic\n}\n",
	"f.conf:2: site.reason: is missing; require = opportunistic is looser "
	"than the default and needs a reason and the day it expires\n"
	"f.conf:2: site.expires: is missing; require = opportunistic is looser "
	"than the default and needs a reason and the day it expires\n"},
    {"audit without day",
	NAME "site \"a.example\" {\n require = audit\n reason = x\n}\n",
	"f.conf:2: site.expires: is missing; require = audit is looser than "
	"the default and needs a reason and the day it expires\n"},
    {"continuity without reason",
	NAME "site \"a.example\" {\n require = dane\n continuity = log\n"
	     " expires = \"2030-01-01\"\n}\n",
	"f.conf:2: site.reason: is missing; continuity = log is looser than "
	"the default and needs a reason and the day it expires\n"},
    {"day", NAME "site \"a.example\" { require = dane\n expires = soon }\n",
	"f.conf:3: site.expires: \"soon\" is not a day; write YEAR-MONTH-DAY, "
	"such as 2027-01-31\n"},
    {"nexthop", NAME "site \"a.example\" {\n nexthop = \"192.0.2.1:25\"\n}\n",
	"f.conf:3: site.nexthop: \"192.0.2.1:25\" is not a host; write HOST, "
	"HOST:PORT or [ADDRESS]:PORT\n"},
    {"nothing said", NAME "site \"a.example\" { author = x }\n",
	"f.conf:2: site: \"a.example\" says nothing; set require, nexthop or "
	"continuity, or remove it\n"},
    {"control", NAME "control { socket = \"\" }\n",
	"f.conf:2: control.socket: is empty; give it a value or remove it\n"},
    {"log", NAME "log {\n format = xml\n level = loud\n}\n",
	"f.conf:3: log.format: \"xml\" is not known; use logfmt or json\n"
	"f.conf:4: log.level: \"loud\" is not known; use debug, info, warn or "
	"error\n"},
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(bad_cases); i++) {
		const struct bad *c = &bad_cases[i];
		struct options *o = NULL;
		struct buf errors;

		buf_init(&errors, MAX);
		t_err(c->name, conf_parse("f.conf", c->text, &o, &errors),
		    ERR_CONFIG);
		t_is(c->name, buf_str(&errors), c->want);
		t_bool(c->name, o == NULL, true);
		buf_clear(&errors);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
