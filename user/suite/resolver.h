/* A resolver of names by DNS over UDP, as dns_test and http_test use it: one question, one answer, an id that is hard to guess. */
#ifndef RESOLVER_H
#define RESOLVER_H

#include "internet.h"
#include <sys/random.h>

enum dns_error { DNS_OK, DNS_BAD_NAME, DNS_NO_NAME, DNS_NO_ANSWER, DNS_BAD_ANSWER };

/* Writes a name as labels; answers its bytes, or 0 if it is none. */
static inline size_t dns_labels(const char *name, unsigned char *out)
{
	size_t at = 0;
	if (*name == 0 || strlen(name) > 253)
		return 0;
	for (;;) {
		size_t bytes = strcspn(name, ".");
		if (bytes == 0 || bytes > 63)
			return 0;
		out[at++] = (unsigned char)bytes;
		memcpy(out + at, name, bytes);
		at += bytes;
		if (name[bytes] == 0 || (name[bytes] == '.' && name[bytes + 1] == 0))
			break;
		name += bytes + 1;
	}
	out[at++] = 0;
	return at;
}

/* Past a name in a message, which may end in a pointer; 0 if it leaves the message. */
static inline size_t dns_skip_name(const unsigned char *message, size_t bytes, size_t at)
{
	while (at < bytes) {
		if (message[at] == 0)
			return at + 1;
		if ((message[at] & 0xc0) == 0xc0)
			return at + 2 <= bytes ? at + 2 : 0;
		at += (size_t)message[at] + 1;
	}
	return 0;
}

/* Asks the server at `port` of the loopback address for a name's IPv4 address. */
static inline enum dns_error dns_resolve(uint16_t port, const char *name, struct in_addr *answer, uint16_t *id)
{
	unsigned char message[600] = { 0 };
	size_t labels = dns_labels(name, message + 12);
	if (labels == 0)
		return DNS_BAD_NAME;
	CHECK_EQUAL(getrandom(id, 2, 0), 2);
	message[0] = (unsigned char)(*id >> 8), message[1] = (unsigned char)*id;
	message[2] = 1, message[5] = 1;
	memcpy(message + 12 + labels, "\0\1\0\1", 4);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(fd >= 0);
	struct sockaddr_in server = loopback(port);
	struct timeval patience = { 2, 0 };
	CHECK_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	CHECK_EQUAL(connect(fd, ADDRESS(server), sizeof server), 0);
	CHECK_EQUAL(send(fd, message, 16 + labels, 0), (ssize_t)(16 + labels));
	ssize_t got;
	/* Answers to other questions are not ours. */
	do {
		got = recv(fd, message, sizeof message, 0);
		if (got < 0) {
			close(fd);
			return DNS_NO_ANSWER;
		}
	} while (got < 12 || message[0] != *id >> 8 || message[1] != (*id & 0xff));
	close(fd);
	if ((message[3] & 15) == 3)
		return DNS_NO_NAME;
	size_t bytes = (size_t)got, at = dns_skip_name(message, bytes, 12);
	if ((message[3] & 15) != 0 || at == 0)
		return DNS_BAD_ANSWER;
	at += 4;
	for (int left = message[6] << 8 | message[7]; left > 0; left--) {
		at = dns_skip_name(message, bytes, at);
		if (at == 0 || at + 10 > bytes)
			return DNS_BAD_ANSWER;
		size_t length = (size_t)(message[at + 8] << 8 | message[at + 9]);
		int kind = message[at] << 8 | message[at + 1];
		at += 10;
		if (at + length > bytes)
			return DNS_BAD_ANSWER;
		if (kind == 1 && length == 4) {
			memcpy(answer, message + at, 4);
			return DNS_OK;
		}
		at += length;
	}
	return DNS_NO_NAME;
}

/* A server that knows two names, one of them by way of an alias; runs until it is ended. Before each true answer it sends one with a wrong id. */
static inline void dns_serve(int fd)
{
	for (;;) {
		unsigned char message[600], name[256];
		struct sockaddr_in from;
		socklen_t length = sizeof from;
		ssize_t got = recvfrom(fd, message, 500, 0, ADDRESS(from), &length);
		if (got < 17)
			continue;
		size_t end = dns_skip_name(message, (size_t)got, 12) + 4, at = end;
		message[2] |= 0x80;
		if (dns_labels("host.suite.test", name) == end - 16 && memcmp(message + 12, name, end - 16) == 0) {
			message[7] = 1;
			memcpy(message + at, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1", 16);
			at += 16;
		} else if (dns_labels("alias.suite.test", name) == end - 16 && memcmp(message + 12, name, end - 16) == 0) {
			message[7] = 2;
			memcpy(message + at, "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x12", 14);
			memcpy(message + at + 14, "\xc0\x12\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2", 16);
			at += 30;
		} else {
			message[3] |= 3;
		}
		message[1] ^= 1;
		sendto(fd, message, at, 0, ADDRESS(from), length);
		message[1] ^= 1;
		sendto(fd, message, at, 0, ADDRESS(from), length);
	}
}

#endif
