/* TCP: accept and recv wait until there is something; without waiting they answer EAGAIN, and connect EINPROGRESS, then EISCONN. */
#include "internet.h"

int main(void)
{
	uint16_t port;
	char byte;
	int server = listener(&port, 4);
	struct sockaddr_in name = loopback(port);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(50);
		int client = connected(port);
		sleep_ms(50);
		CHECK_EQUAL(write(client, "w", 1), 1);
		read_exactly(client, &byte, 1);
		_exit(0);
	}
	int64_t start = now_ns();
	int end = accept(server, NULL, NULL);
	CHECK(end >= 0);
	CHECK(now_ns() - start >= 40000000);
	start = now_ns();
	CHECK_EQUAL(recv(end, &byte, 1, 0), 1);
	CHECK(now_ns() - start >= 30000000);
	CHECK_EQUAL(write(end, "a", 1), 1);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(recv(end, &byte, 1, 0), 0);
	close(end);
	/* Not waiting. */
	CHECK_EQUAL(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(accept(server, NULL, NULL), EAGAIN);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERRNO(connect(client, ADDRESS(name), sizeof name), EINPROGRESS);
	struct pollfd ready = { client, POLLOUT, 0 };
	CHECK_EQUAL(poll(&ready, 1, 10000), 1);
	int error = -1;
	socklen_t bytes = sizeof error;
	CHECK_EQUAL(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &bytes), 0);
	CHECK_EQUAL(error, 0);
	CHECK_EQUAL(connect(client, ADDRESS(name), sizeof name) == 0 || errno == EISCONN, 1);
	CHECK_ERRNO(connect(client, ADDRESS(name), sizeof name), EISCONN);
	ready = (struct pollfd){ server, POLLIN, 0 };
	CHECK_EQUAL(poll(&ready, 1, 10000), 1);
	end = accept(server, NULL, NULL);
	CHECK(end >= 0);
	CHECK_ERRNO(recv(client, &byte, 1, 0), EAGAIN);
	close(end);
	close(client);
	CHECK_ERRNO(recv(client, &byte, 1, 0), EBADF);
	CHECK_ERRNO(accept(client, NULL, NULL), EBADF);
	return 0;
}
