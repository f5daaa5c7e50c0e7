/* What the network programs share: sockets of the loopback address, bound where the kernel likes. */
#ifndef INTERNET_H
#define INTERNET_H

#include "suite.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

/* The loopback address with a port. */
static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

#define ADDRESS(variable) ((struct sockaddr *)&(variable))

/* A socket bound to a port of the kernel's choice; answers it and tells the port. */
static inline int bound_socket(int kind, uint16_t *port)
{
	struct sockaddr_in name = loopback(0);
	socklen_t bytes = sizeof name;
	int fd = socket(AF_INET, kind, 0);
	CHECK(fd >= 0);
	CHECK_EQUAL(bind(fd, ADDRESS(name), sizeof name), 0);
	CHECK_EQUAL(getsockname(fd, ADDRESS(name), &bytes), 0);
	CHECK_EQUAL(bytes, sizeof name);
	CHECK_EQUAL(name.sin_family, AF_INET);
	CHECK(name.sin_port != 0);
	*port = ntohs(name.sin_port);
	return fd;
}

/* A listener on a port of the kernel's choice. */
static inline int listener(uint16_t *port, int backlog)
{
	int fd = bound_socket(SOCK_STREAM, port);
	CHECK_EQUAL(listen(fd, backlog), 0);
	return fd;
}

/* A connection to a port of the loopback address. */
static inline int connected(uint16_t port)
{
	struct sockaddr_in name = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	CHECK_EQUAL(connect(fd, ADDRESS(name), sizeof name), 0);
	return fd;
}

/* Reads exactly so many bytes. */
static inline void read_exactly(int fd, void *into, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t got = read(fd, (char *)into + at, bytes - at);
		CHECK(got > 0);
		at += (size_t)got;
	}
}

#endif
