/* recvfrom without a datagram waits, and is woken by one, by its time-out, or by a signal. */
#include "internet.h"
#include <sys/time.h>

static void handler(int number) { (void)number; }

int main(void)
{
	uint16_t port;
	char byte;
	int fd = bound_socket(SOCK_DGRAM, &port);
	struct sockaddr_in name = loopback(port);
	for (int turn = 0; turn < 20; turn++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			int sender = socket(AF_INET, SOCK_DGRAM, 0);
			if (turn == 0)
				sleep_ms(50);
			CHECK_EQUAL(sendto(sender, "b", 1, 0, ADDRESS(name), sizeof name), 1);
			_exit(0);
		}
		int64_t start = now_ns();
		CHECK_EQUAL(recvfrom(fd, &byte, 1, 0, NULL, NULL), 1);
		if (turn == 0)
			CHECK(now_ns() - start >= 40000000);
		CHECK_EXITS(child, 0);
	}
	struct timeval patience = { 0, 50000 };
	CHECK_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	int64_t start = now_ns();
	CHECK_ERRNO(recv(fd, &byte, 1, 0), EAGAIN);
	CHECK(now_ns() - start >= 49000000);
	patience.tv_usec = 0;
	CHECK_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	struct sigaction action = { .sa_handler = handler };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_ERRNO(recv(fd, &byte, 1, 0), EINTR);
	return 0;
}
