/* TCP on loopback, step by step: listen, connect, accept, data both ways, shutdown, ends of file, errors of every misuse, options, backlog,
 * much data, many connections one after the other. */
#include "internet.h"

int main(void)
{
	uint16_t port, client_port;
	char text[64];
	signal(SIGPIPE, SIG_IGN);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(server >= 0);
	CHECK_ERRNO(accept(server, NULL, NULL), EINVAL);
	CHECK_ERRNO(send(server, "x", 1, 0), EPIPE);
	CHECK_ERRNO(recv(server, text, 1, 0), ENOTCONN);
	CHECK_ERRNO(shutdown(server, SHUT_RDWR), ENOTCONN);
	close(server);
	server = listener(&port, 8);
	struct sockaddr_in name = loopback(port), from;
	socklen_t bytes = sizeof from;
	int second = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(bind(second, ADDRESS(name), sizeof name), EADDRINUSE);
	CHECK_ERRNO(bind(server, ADDRESS(name), sizeof name), EINVAL);
	int datagram = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_ERRNO(listen(datagram, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(datagram, NULL, NULL), EOPNOTSUPP);
	/* A connection is there before it is accepted. */
	int client = connected(port);
	CHECK_EQUAL(write(client, "early", 5), 5);
	int end = accept4(server, ADDRESS(from), &bytes, SOCK_CLOEXEC);
	CHECK(end >= 0);
	CHECK_EQUAL(fcntl(end, F_GETFD), FD_CLOEXEC);
	client_port = ntohs(from.sin_port);
	bytes = sizeof from;
	CHECK_EQUAL(getsockname(client, ADDRESS(from), &bytes), 0);
	CHECK_EQUAL(ntohs(from.sin_port), client_port);
	CHECK_EQUAL(getpeername(client, ADDRESS(from), &bytes), 0);
	CHECK_EQUAL(ntohs(from.sin_port), port);
	CHECK_ERRNO(getpeername(server, ADDRESS(from), &bytes), ENOTCONN);
	read_exactly(end, text, 5);
	CHECK(memcmp(text, "early", 5) == 0);
	CHECK_EQUAL(write(end, "answer", 6), 6);
	read_exactly(client, text, 6);
	CHECK_ERRNO(connect(client, ADDRESS(name), sizeof name), EISCONN);
	CHECK_ERRNO(recv(client, text, 1, MSG_DONTWAIT), EAGAIN);
	/* Half closed: the other direction goes on. */
	CHECK_EQUAL(shutdown(client, SHUT_WR), 0);
	CHECK_EQUAL(read(end, text, 1), 0);
	CHECK_ERRNO(write(client, "x", 1), EPIPE);
	CHECK_EQUAL(write(end, "late", 4), 4);
	read_exactly(client, text, 4);
	CHECK_EQUAL(close(end), 0);
	CHECK_EQUAL(read(client, text, 1), 0);
	CHECK_EQUAL(close(client), 0);
	/* Nobody listens. */
	uint16_t free_port;
	int lone = bound_socket(SOCK_STREAM, &free_port);
	struct sockaddr_in nobody = loopback(free_port);
	CHECK_ERRNO(connect(second, ADDRESS(nobody), sizeof nobody), ECONNREFUSED);
	close(lone);
	/* Options. */
	client = connected(port);
	end = accept(server, NULL, NULL);
	int value = 0;
	bytes = sizeof value;
	CHECK_EQUAL(getsockopt(client, IPPROTO_TCP, TCP_MAXSEG, &value, &bytes), 0);
	CHECK(value >= 500 && value <= 65536);
	value = 1;
	CHECK_EQUAL(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value), 0);
	CHECK_EQUAL(setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value), 0);
	CHECK_EQUAL(getsockopt(client, SOL_SOCKET, SO_TYPE, &value, &bytes), 0);
	CHECK_EQUAL(value, SOCK_STREAM);
	/* Much data, more than buffers hold, with a sum. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		static unsigned char block[100000];
		close(end);
		for (int i = 0; i < 30; i++) {
			memset(block, i, sizeof block);
			for (size_t at = 0; at < sizeof block;) {
				ssize_t put = write(client, block + at, sizeof block - at);
				CHECK(put > 0);
				at += (size_t)put;
			}
		}
		_exit(0);
	}
	close(client);
	static unsigned char block[100000];
	for (int i = 0; i < 30; i++) {
		read_exactly(end, block, sizeof block);
		for (size_t at = 0; at < sizeof block; at++)
			CHECK_EQUAL(block[at], i);
	}
	CHECK_EQUAL(read(end, block, 1), 0);
	CHECK_EXITS(child, 0);
	close(end);
	/* Several wait in the backlog. */
	int waiting[5];
	for (int i = 0; i < 5; i++) {
		waiting[i] = connected(port);
		CHECK_EQUAL(write(waiting[i], &i, sizeof i), (ssize_t)sizeof i);
	}
	for (int i = 0; i < 5; i++) {
		int number = -1;
		end = accept(server, NULL, NULL);
		read_exactly(end, &number, sizeof number);
		CHECK_EQUAL(number, i);
		close(end);
		CHECK_EQUAL(read(waiting[i], text, 1), 0);
		close(waiting[i]);
	}
	for (int i = 0; i < 200; i++) {
		client = connected(port);
		end = accept(server, NULL, NULL);
		CHECK_EQUAL(write(end, "c", 1), 1);
		read_exactly(client, text, 1);
		close(i % 2 ? end : client);
		CHECK_EQUAL(read(i % 2 ? client : end, text, 1), 0);
		close(i % 2 ? client : end);
	}
	return 0;
}
