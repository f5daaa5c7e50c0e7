/* The resolver against a server of our own: a name, an alias, a name there is not, an empty one, one that is too long, ids that vary, an
 * answer with a foreign id before the true one, and a server that is not there. */
#include "resolver.h"

int main(void)
{
	uint16_t port, id, seen[8];
	struct in_addr address;
	int server = bound_socket(SOCK_DGRAM, &port);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		dns_serve(server);
	close(server);
	CHECK_EQUAL(dns_resolve(port, "host.suite.test", &address, &id), DNS_OK);
	CHECK_EQUAL(ntohl(address.s_addr), 0x7f000001);
	CHECK_EQUAL(dns_resolve(port, "host.suite.test.", &address, &id), DNS_OK);
	CHECK_EQUAL(dns_resolve(port, "alias.suite.test", &address, &id), DNS_OK);
	CHECK_EQUAL(ntohl(address.s_addr), 0x7f000002);
	CHECK_EQUAL(dns_resolve(port, "missing.suite.test", &address, &id), DNS_NO_NAME);
	CHECK_EQUAL(dns_resolve(port, "", &address, &id), DNS_BAD_NAME);
	CHECK_EQUAL(dns_resolve(port, "a..b", &address, &id), DNS_BAD_NAME);
	char lengthy[300];
	memset(lengthy, 'x', sizeof lengthy - 1);
	lengthy[sizeof lengthy - 1] = 0;
	CHECK_EQUAL(dns_resolve(port, lengthy, &address, &id), DNS_BAD_NAME);
	lengthy[64] = 0;
	CHECK_EQUAL(dns_resolve(port, lengthy, &address, &id), DNS_BAD_NAME);
	int different = 0;
	for (int i = 0; i < 8; i++) {
		CHECK_EQUAL(dns_resolve(port, "host.suite.test", &address, &seen[i]), DNS_OK);
		different += i > 0 && seen[i] != seen[i - 1];
	}
	CHECK(different >= 6);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	CHECK_EQUAL(dns_resolve(port, "host.suite.test", &address, &id), DNS_NO_ANSWER);
	return 0;
}
