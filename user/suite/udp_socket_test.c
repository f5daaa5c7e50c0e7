/* UDP: bind, port 0, EADDRINUSE, EAGAIN, datagrams over loopback with their senders, three queued in order, cut ones, connected ones. */
#include "internet.h"

int main(void)
{
	uint16_t port, other_port;
	char text[64];
	int fd = bound_socket(SOCK_DGRAM, &port), other = bound_socket(SOCK_DGRAM, &other_port);
	CHECK(port != other_port);
	int third = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = loopback(port), from;
	socklen_t bytes = sizeof from;
	CHECK_ERRNO(bind(third, ADDRESS(name), sizeof name), EADDRINUSE);
	CHECK_ERRNO(bind(fd, ADDRESS(name), sizeof name), EINVAL);
	CHECK_ERRNO(recv(fd, text, sizeof text, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(send(third, "x", 1, 0), EDESTADDRREQ);
	CHECK_EQUAL(sendto(other, "one", 3, 0, ADDRESS(name), sizeof name), 3);
	CHECK_EQUAL(sendto(other, "second", 6, 0, ADDRESS(name), sizeof name), 6);
	CHECK_EQUAL(sendto(other, "", 0, 0, ADDRESS(name), sizeof name), 0);
	CHECK_EQUAL(recvfrom(fd, text, sizeof text, 0, ADDRESS(from), &bytes), 3);
	CHECK(memcmp(text, "one", 3) == 0);
	CHECK_EQUAL(ntohs(from.sin_port), other_port);
	CHECK_EQUAL(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK);
	/* What does not fit is gone. */
	CHECK_EQUAL(recv(fd, text, 2, 0), 2);
	CHECK_EQUAL(recv(fd, text, sizeof text, 0), 0);
	CHECK_ERRNO(recv(fd, text, sizeof text, MSG_DONTWAIT), EAGAIN);
	/* Connected: only from there, and only to there. */
	struct sockaddr_in other_name = loopback(other_port);
	CHECK_EQUAL(connect(fd, ADDRESS(other_name), sizeof other_name), 0);
	CHECK_EQUAL(send(fd, "to other", 8, 0), 8);
	CHECK_EQUAL(recv(other, text, sizeof text, 0), 8);
	CHECK_EQUAL(sendto(third, "stranger", 8, 0, ADDRESS(name), sizeof name), 8);
	CHECK_EQUAL(sendto(other, "friend", 6, 0, ADDRESS(name), sizeof name), 6);
	CHECK_EQUAL(recv(fd, text, sizeof text, 0), 6);
	CHECK(memcmp(text, "friend", 6) == 0);
	/* A large one, and one that is too large. */
	static char large[70000], back[70000];
	memset(large, 'l', sizeof large);
	CHECK_EQUAL(send(fd, large, 60000, 0), 60000);
	CHECK_EQUAL(recv(other, back, sizeof back, 0), 60000);
	CHECK_EQUAL(memcmp(large, back, 60000), 0);
	CHECK_ERRNO(send(fd, large, 66000, 0), EMSGSIZE);
	struct pollfd ready = { fd, POLLIN | POLLOUT, 0 };
	CHECK_EQUAL(poll(&ready, 1, 0), 1);
	CHECK_EQUAL(ready.revents, POLLOUT);
	/* Nobody is there any more: told at the next use. */
	CHECK_EQUAL(close(other), 0);
	CHECK_EQUAL(send(fd, "x", 1, 0), 1);
	CHECK_ERRNO(recv(fd, text, sizeof text, 0), ECONNREFUSED);
	CHECK_EQUAL(close(fd), 0);
	/* Its first send gave it a port. */
	CHECK_ERRNO(bind(third, ADDRESS(name), sizeof name), EINVAL);
	return 0;
}
