/* Pseudo-terminals: how one is made and named, who may open it, what goes through it in both directions, when reads and writes
 * wait, and what each side sees when the other has gone. */
#include "../pty.h"
#include <sys/epoll.h>
#include <sys/sysmacros.h>

static void names_and_nodes(void)
{
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(master >= 0);
	CHECK(isatty(master));
	unsigned number = ~0u;
	CHECK_EQUAL(ioctl(master, TIOCGPTN, &number), 0);
	CHECK_EQUAL(ptsname_r(master, name, sizeof name), 0);
	char expected[64];
	snprintf(expected, sizeof expected, "/dev/pts/%u", number);
	CHECK_EQUAL(strcmp(name, expected), 0);
	struct stat status, opened;
	CHECK_EQUAL(stat(name, &status), 0);
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQUAL(major(status.st_rdev), 136);
	CHECK_EQUAL(minor(status.st_rdev), number);
	CHECK_EQUAL(status.st_uid, geteuid());
	CHECK_EQUAL(status.st_mode & 0707, 0600);

	/* It is locked at first. */
	int locked = -1;
	CHECK_EQUAL(ioctl(master, TIOCGPTLCK, &locked), 0);
	CHECK_EQUAL(locked, 1);
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EIO);
	CHECK_EQUAL(grantpt(master), 0);
	CHECK_EQUAL(unlockpt(master), 0);
	CHECK_EQUAL(ioctl(master, TIOCGPTLCK, &locked), 0);
	CHECK_EQUAL(locked, 0);
	int slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	CHECK_EQUAL(fstat(slave, &opened), 0);
	CHECK_EQUAL(opened.st_ino, status.st_ino);
	CHECK_EQUAL(opened.st_dev, status.st_dev);
	CHECK_EQUAL(ttyname_r(slave, expected, sizeof expected), 0);
	CHECK_EQUAL(strcmp(name, expected), 0);
	CHECK_ERRNO(ioctl(slave, TIOCGPTN, &number), ENOTTY);
	CHECK_ERRNO(ioctl(slave, TIOCSPTLCK, &locked), ENOTTY);
	unsigned device = 0;
	CHECK_EQUAL(ioctl(slave, TIOCGDEV, &device), 0);
	CHECK_EQUAL(device, (unsigned)status.st_rdev);
	CHECK_ERRNO(lseek(slave, 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(ioctl(slave, 0x5499, 0), ENOTTY);

	/* The slave by way of the master. */
	int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(peer >= 0);
	CHECK_EQUAL(fcntl(peer, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fstat(peer, &opened), 0);
	CHECK_EQUAL(opened.st_rdev, status.st_rdev);
	CHECK_EQUAL(opened.st_ino, status.st_ino);
	CHECK_EQUAL(close(peer), 0);

	/* A second one has another number; the number of one that is gone is used again. */
	int other = posix_openpt(O_RDWR | O_NOCTTY);
	unsigned other_number = number;
	CHECK_EQUAL(ioctl(other, TIOCGPTN, &other_number), 0);
	CHECK(other_number != number);
	close(slave);
	close(master);
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), ENOENT);
	CHECK_ERRNO(stat(name, &status), ENOENT);
	close(other);
}

static void bytes_both_ways(void)
{
	int slave, master = open_pair(&slave);
	struct termios settings;
	SEND(master, "typed\n");
	EXPECT(slave, "typed\n");
	EXPECT(master, "typed\r\n");
	SEND(slave, "shown\n");
	EXPECT(master, "shown\r\n");
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	CHECK_EQUAL(settings.c_iflag, ICRNL | IXON);
	CHECK_EQUAL(settings.c_oflag, OPOST | ONLCR);
	CHECK_EQUAL(settings.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	CHECK_EQUAL(settings.c_cc[VINTR], 3);
	CHECK_EQUAL(settings.c_cc[VERASE], 0x7f);
	CHECK_EQUAL(cfgetospeed(&settings), B38400);

	/* The settings are one, from whichever side. */
	cfmakeraw(&settings);
	CHECK_EQUAL(cfsetspeed(&settings, B115200), 0);
	CHECK_EQUAL(tcsetattr(master, TCSANOW, &settings), 0);
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	CHECK_EQUAL(settings.c_lflag & (ICANON | ECHO), 0);
	CHECK_EQUAL(cfgetispeed(&settings), B115200);
	SEND(master, "raw\r\003");
	EXPECT(slave, "raw\r\003");
	SEND(slave, "a\nb");
	EXPECT(master, "a\nb");
	EXPECT_NOTHING(master);

	/* How much there is to read. */
	int count = -1;
	SEND(slave, "12345");
	CHECK(is_readable(master, 10000));
	sleep_ms(20);
	CHECK_EQUAL(ioctl(master, FIONREAD, &count), 0);
	CHECK_EQUAL(count, 5);
	CHECK_EQUAL(ioctl(slave, TIOCOUTQ, &count), 0);
	CHECK_EQUAL(count, 0);
	SEND(master, "123");
	CHECK(is_readable(slave, 10000));
	CHECK_EQUAL(ioctl(slave, FIONREAD, &count), 0);
	CHECK_EQUAL(count, 3);

	/* Flushes. */
	CHECK_EQUAL(tcflush(slave, TCIFLUSH), 0);
	CHECK_EQUAL(ioctl(slave, FIONREAD, &count), 0);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(tcflush(master, TCIFLUSH), 0);
	EXPECT_NOTHING(master);
	CHECK_ERRNO(tcflush(slave, 9), EINVAL);
	CHECK_EQUAL(tcdrain(slave), 0);
	CHECK_EQUAL(tcsendbreak(slave, 0), 0);
	close(slave);
	close(master);
}

static void without_waiting(void)
{
	int slave, master = open_pair(&slave);
	struct termios settings;
	char block[4096];
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	cfmakeraw(&settings);
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	CHECK_EQUAL(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_ERRNO(read(master, block, 1), EAGAIN);
	CHECK_ERRNO(read(slave, block, 1), EAGAIN);

	struct pollfd both[2] = { { master, POLLIN | POLLOUT, 0 }, { slave, POLLIN | POLLOUT, 0 } };
	CHECK_EQUAL(poll(both, 2, 0), 2);
	CHECK_EQUAL(both[0].revents, POLLOUT);
	CHECK_EQUAL(both[1].revents, POLLOUT);

	/* Each direction takes thousands of bytes and then no more, and all of them arrive in order. */
	for (int way = 0; way < 2; way++) {
		int from = way ? slave : master, to = way ? master : slave;
		long sent = 0, received = 0;
		for (;;) {
			for (size_t i = 0; i < sizeof block; i++)
				block[i] = (sent + i) * 7 % 251;
			ssize_t count = write(from, block, 1000);
			if (count < 0)
				break;
			sent += count;
			CHECK(sent < 1000000);
			/* On Linux what was written moves on behind the writer's back. */
			sleep_ms(1);
		}
		CHECK_EQUAL(errno, EAGAIN);
		CHECK(sent >= 4096);
		both[0] = (struct pollfd){ from, POLLOUT, 0 };
		CHECK_EQUAL(poll(both, 1, 0), 0);
		while (received < sent) {
			CHECK(is_readable(to, 10000));
			ssize_t count = read(to, block, sizeof block);
			CHECK(count > 0);
			for (ssize_t i = 0; i < count; i++)
				CHECK_EQUAL((unsigned char)block[i], (received + i) * 7 % 251);
			received += count;
		}
		CHECK_EQUAL(poll(both, 1, 10000), 1);
		CHECK_EQUAL(both[0].revents, POLLOUT);
	}

	/* A set that watches both sides, edge by edge. */
	int set = epoll_create1(0);
	struct epoll_event event = { EPOLLIN | EPOLLET, { .fd = master } };
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, master, &event), 0);
	event.data.fd = slave;
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, slave, &event), 0);
	CHECK_EQUAL(epoll_wait(set, &event, 1, 0), 0);
	SEND(master, "x");
	CHECK_EQUAL(epoll_wait(set, &event, 1, 10000), 1);
	CHECK_EQUAL(event.data.fd, slave);
	SEND(slave, "y");
	CHECK_EQUAL(epoll_wait(set, &event, 1, 10000), 1);
	CHECK_EQUAL(event.data.fd, master);
	close(set);
	close(slave);
	close(master);
}

static void waiting(void)
{
	int slave, master = open_pair(&slave);
	char byte;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		/* Each waits for the other. */
		for (int i = 0; i < 200; i++) {
			CHECK_EQUAL(read(slave, &byte, 1), 1);
			CHECK_EQUAL(read(slave, &byte, 1), 1);
			CHECK_EQUAL(byte, '\n');
			CHECK_EQUAL(write(slave, "z", 1), 1);
		}
		exit(0);
	}
	for (int i = 0; i < 200; i++) {
		SEND(master, "a\n");
		EXPECT(master, "a\r\nz");
	}
	CHECK_EXITS(child, 0);

	/* More than both buffers hold, with a reader that is late. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char lines[2000];
		memset(lines, '\n', sizeof lines);
		for (int i = 0; i < 50; i++)
			CHECK_EQUAL(write(slave, lines, sizeof lines), sizeof lines);
		exit(0);
	}
	sleep_ms(50);
	for (int i = 0; i < 100000; i++)
		EXPECT(master, "\r\n");
	CHECK_EXITS(child, 0);
	close(slave);
	close(master);
}

static void gone_sides(void)
{
	char name[64], byte;
	int master = open_master(name, sizeof name);
	struct pollfd poller = { master, POLLIN | POLLOUT, 0 };

	/* Before the first one has opened it there is nothing to hear, and it may be typed ahead. */
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLOUT);
	SEND(master, "ahead\n");
	int slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	EXPECT(slave, "ahead\n");
	EXPECT(master, "ahead\r\n");

	/* The last one has closed it: what it wrote is still there, then EIO, until it is opened again. */
	SEND(slave, "bye");
	close(slave);
	CHECK_EQUAL(poll(&poller, 1, 10000), 1);
	CHECK(poller.revents & POLLHUP);
	EXPECT(master, "bye");
	CHECK_ERRNO(read(master, &byte, 1), EIO);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLHUP | POLLOUT);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLOUT);
	SEND(slave, "again");
	EXPECT(master, "again");

	/* A reader of the master that sleeps is woken by the last close. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(slave);
		CHECK_ERRNO(read(master, &byte, 1), EIO);
		exit(0);
	}
	sleep_ms(30);
	close(slave);
	CHECK_EXITS(child, 0);

	/* The master has gone: EIO for who is reading, then the end of file, and nothing else works. */
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	SEND(master, "never read\n");
	int ready[2];
	CHECK_EQUAL(pipe(ready), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char line[64];
		close(master);
		CHECK_EQUAL(read(slave, line, sizeof line), 11);
		SEND(ready[1], "x");
		CHECK_ERRNO(read(slave, line, sizeof line), EIO);
		CHECK_EQUAL(read(slave, line, sizeof line), 0);
		exit(0);
	}
	EXPECT(ready[0], "x");
	sleep_ms(30);
	SEND(master, "lost");
	close(master);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(read(slave, &byte, 1), 0);
	CHECK_ERRNO(write(slave, "x", 1), EIO);
	struct winsize size;
	CHECK_ERRNO(ioctl(slave, TIOCGWINSZ, &size), EIO);
	pid_t group = getpgrp();
	CHECK_ERRNO(ioctl(slave, TIOCSPGRP, &group), ENOTTY);
	CHECK(!isatty(slave));
	poller = (struct pollfd){ slave, POLLIN | POLLOUT, 0 };
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), ENOENT);
	close(slave);
}

static void sizes(void)
{
	int slave, master = open_pair(&slave);
	struct winsize size = { 1, 2, 3, 4 };
	CHECK_EQUAL(ioctl(slave, TIOCGWINSZ, &size), 0);
	CHECK_EQUAL(size.ws_row | size.ws_col | size.ws_xpixel | size.ws_ypixel, 0);
	size = (struct winsize){ 24, 80, 640, 480 };
	CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
	memset(&size, 0, sizeof size);
	CHECK_EQUAL(ioctl(slave, TIOCGWINSZ, &size), 0);
	CHECK(size.ws_row == 24 && size.ws_col == 80 && size.ws_xpixel == 640 && size.ws_ypixel == 480);
	CHECK_ERRNO(ioctl(slave, TIOCGWINSZ, (void *)8), EFAULT);
	int pipes[2];
	CHECK_EQUAL(pipe(pipes), 0);
	CHECK_ERRNO(ioctl(pipes[0], TIOCGWINSZ, &size), ENOTTY);
	int file = open("/tmp", O_RDONLY);
	CHECK_ERRNO(ioctl(file, TIOCGWINSZ, &size), ENOTTY);
	close(file);
	close(slave);
	close(master);
}

static void many(void)
{
	int masters[64];
	unsigned number;
	for (int i = 0; i < 64; i++) {
		masters[i] = open_master(NULL, 0);
		CHECK_EQUAL(ioctl(masters[i], TIOCGPTN, &number), 0);
		for (int j = 0; j < i; j++) {
			unsigned other;
			CHECK_EQUAL(ioctl(masters[j], TIOCGPTN, &other), 0);
			CHECK(other != number);
		}
	}
	for (int i = 0; i < 64; i++)
		close(masters[i]);
	for (int i = 0; i < 2000; i++)
		close(open_master(NULL, 0));
}

int main(void)
{
	signal(SIGHUP, SIG_IGN);
	names_and_nodes();
	bytes_both_ways();
	without_waiting();
	waiting();
	gone_sides();
	sizes();
	many();
	return 0;
}
