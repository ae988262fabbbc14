"""A small internet in private network namespaces, for end-to-end tests.

ns        namespaces, the re-execution into them, processes
world     what there is: domains, MX hosts, certificates, policies (no action)
certs     makes the certificates with the openssl command
dns       zone files, signing, nsd; the lab's own unbound
baddns    a name server that answers SERVFAIL, or nothing (program)
web       nginx with the MTA-STS policies
postfix   real Postfix as receiving MX
scriptmx  an MX that misbehaves as told (program)
recorder  writes down every byte between relay and MX (program)
recording reads what recorder wrote
relay     configuration, start, log of waxseald
rows      the destinations of the demo and what must become of each
judge     the verdicts, from what the receiving side saw
"""
