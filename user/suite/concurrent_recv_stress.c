/* Many children wait in recvfrom, each on a socket of its own and then all on one; each datagram wakes one of them, and all are woken. */
#include "internet.h"

enum { CHILDREN = 16, ROUNDS = 20 };

static void answer(int fd, int code)
{
	int number;
	CHECK_EQUAL(recvfrom(fd, &number, sizeof number, 0, NULL, NULL), (ssize_t)sizeof number);
	_exit(code < 0 ? number : number == code ? 0 : 1);
}

int main(void)
{
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(sender >= 0);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t children[CHILDREN];
		uint16_t ports[CHILDREN], shared_port;
		int is_shared = round % 2, shared = bound_socket(SOCK_DGRAM, &shared_port);
		for (int i = 0; i < CHILDREN; i++) {
			int own = bound_socket(SOCK_DGRAM, &ports[i]);
			children[i] = fork();
			CHECK(children[i] >= 0);
			if (children[i] == 0)
				answer(is_shared ? shared : own, is_shared ? -1 : i);
			close(own);
		}
		if (round < 4)
			sleep_ms(10);
		for (int i = CHILDREN - 1; i >= 0; i--) {
			struct sockaddr_in name = loopback(is_shared ? shared_port : ports[i]);
			CHECK_EQUAL(sendto(sender, &i, sizeof i, 0, ADDRESS(name), sizeof name), (ssize_t)sizeof i);
		}
		int seen = 0;
		for (int i = 0; i < CHILDREN; i++) {
			int status = wait_status(children[i]);
			CHECK(WIFEXITED(status));
			seen += is_shared ? 1 << WEXITSTATUS(status) : WEXITSTATUS(status) == 0;
		}
		CHECK_EQUAL(seen, is_shared ? (1 << CHILDREN) - 1 : CHILDREN);
		close(shared);
	}
	return 0;
}
