/* A TCP client against a server outside: SUITE_TCP_SERVER says where (ADDRESS:PORT); the server must send back what it gets. Without it
 * another process of this machine is the server. */
#include "internet.h"

int main(void)
{
	const char *where = getenv("SUITE_TCP_SERVER");
	struct sockaddr_in name;
	pid_t child = 0;
	if (where) {
		char address[64];
		int port;
		CHECK_EQUAL(sscanf(where, "%63[^:]:%d", address, &port), 2);
		name = loopback((uint16_t)port);
		CHECK_EQUAL(inet_pton(AF_INET, address, &name.sin_addr), 1);
	} else {
		uint16_t port;
		int server = listener(&port, 1);
		name = loopback(port);
		child = fork();
		if (child == 0) {
			char block[4096];
			int end = accept(server, NULL, NULL);
			for (ssize_t got; (got = read(end, block, sizeof block)) > 0;)
				CHECK_EQUAL(write(end, block, (size_t)got), got);
			_exit(0);
		}
		close(server);
	}
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQUAL(connect(fd, ADDRESS(name), sizeof name), 0);
	uint64_t seed = 4711;
	for (int turn = 0; turn < 50; turn++) {
		unsigned char sent[2000], back[2000];
		for (size_t i = 0; i < sizeof sent; i++)
			sent[i] = (unsigned char)next_random(&seed);
		CHECK_EQUAL(write(fd, sent, sizeof sent), (ssize_t)sizeof sent);
		read_exactly(fd, back, sizeof back);
		CHECK_EQUAL(memcmp(sent, back, sizeof sent), 0);
	}
	CHECK_EQUAL(shutdown(fd, SHUT_WR), 0);
	char byte;
	CHECK_EQUAL(read(fd, &byte, 1), 0);
	if (child)
		CHECK_EXITS(child, 0);
	return 0;
}
