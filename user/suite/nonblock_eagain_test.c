/* recvfrom on a socket that does not wait, with nothing there, answers EAGAIN at once; so do recvmsg and read, by either flag. */
#include "internet.h"

int main(void)
{
	uint16_t port;
	char byte;
	int fd = bound_socket(SOCK_DGRAM, &port);
	struct sockaddr_in name = loopback(port);
	CHECK_ERRNO(recvfrom(fd, &byte, 1, MSG_DONTWAIT, NULL, NULL), EAGAIN);
	CHECK_EQUAL(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (int turn = 0; turn < 100; turn++) {
		struct iovec part = { &byte, 1 };
		struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
		CHECK_ERRNO(recvfrom(fd, &byte, 1, 0, NULL, NULL), EAGAIN);
		CHECK_ERRNO(recvmsg(fd, &message, 0), EAGAIN);
		CHECK_ERRNO(read(fd, &byte, 1), EAGAIN);
	}
	CHECK_EQUAL(sendto(fd, "n", 1, 0, ADDRESS(name), sizeof name), 1);
	CHECK_EQUAL(recvfrom(fd, &byte, 1, 0, NULL, NULL), 1);
	CHECK_EQUAL(byte, 'n');
	CHECK_ERRNO(recvfrom(fd, &byte, 1, 0, NULL, NULL), EAGAIN);
	return 0;
}
