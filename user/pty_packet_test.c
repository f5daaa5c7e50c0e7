/* Packet mode: each read of the master says whether data follows or what has changed at the slave. */
#include "pty.h"

static void expect_packet(int master, int status)
{
	unsigned char packet[16];
	struct pollfd poller = { master, POLLIN | POLLPRI, 0 };
	CHECK_EQUAL(poll(&poller, 1, 10000), 1);
	CHECK(poller.revents & POLLPRI);
	CHECK_EQUAL(read(master, packet, sizeof packet), 1);
	CHECK_EQUAL(packet[0], status);
	CHECK_EQUAL(poll(&poller, 1, 20), 0);
}

int main(void)
{
	int slave, master = open_pair(&slave), on = -1;
	struct termios settings, changed;
	CHECK_EQUAL(ioctl(master, TIOCGPKT, &on), 0);
	CHECK_EQUAL(on, 0);
	CHECK_ERRNO(ioctl(slave, TIOCPKT, &on), ENOTTY);
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	/* What changed before does not count. */
	CHECK_EQUAL(tcflush(slave, TCIFLUSH), 0);
	on = 1;
	CHECK_EQUAL(ioctl(master, TIOCPKT, &on), 0);
	on = -1;
	CHECK_EQUAL(ioctl(master, TIOCGPKT, &on), 0);
	CHECK_EQUAL(on, 1);
	EXPECT_NOTHING(master);

	SEND(slave, "data");
	EXPECT(master, "\0data");
	CHECK_EQUAL(tcflush(slave, TCIFLUSH), 0);
	expect_packet(master, TIOCPKT_FLUSHREAD);
	CHECK_EQUAL(tcflush(slave, TCOFLUSH), 0);
	expect_packet(master, TIOCPKT_FLUSHWRITE);
	SEND(master, "\023");
	expect_packet(master, TIOCPKT_STOP);
	SEND(master, "\021");
	expect_packet(master, TIOCPKT_START);
	CHECK_EQUAL(tcflow(slave, TCOOFF), 0);
	expect_packet(master, TIOCPKT_STOP);
	CHECK_EQUAL(tcflow(slave, TCOON), 0);
	expect_packet(master, TIOCPKT_START);

	changed = settings;
	changed.c_iflag &= ~IXON;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &changed), 0);
	expect_packet(master, TIOCPKT_NOSTOP);
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	expect_packet(master, TIOCPKT_DOSTOP);
	changed = settings;
	changed.c_cc[VSTOP] = 'x';
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &changed), 0);
	expect_packet(master, TIOCPKT_NOSTOP);
	changed.c_lflag |= EXTPROC;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &changed), 0);
	expect_packet(master, TIOCPKT_IOCTL);
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	expect_packet(master, TIOCPKT_DOSTOP | TIOCPKT_IOCTL);

	/* A signal flushes both ways. Statuses come before data. */
	SEND(slave, "before");
	CHECK(is_readable(master, 10000));
	sleep_ms(20);
	SEND(master, "\003");
	unsigned char packet[64];
	struct pollfd poller = { master, POLLPRI, 0 };
	CHECK_EQUAL(poll(&poller, 1, 10000), 1);
	/* On Linux both parts come from behind, one after the other. */
	sleep_ms(20);
	CHECK_EQUAL(read(master, packet, sizeof packet), 1);
	CHECK_EQUAL(packet[0], TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	EXPECT(master, "\0before^C");

	/* TIOCSIG sends what a key would. */
	CHECK_ERRNO(ioctl(master, TIOCSIG, SIGUSR1), EINVAL);
	CHECK_EQUAL(ioctl(master, TIOCSIG, SIGINT), 0);

	on = 0;
	CHECK_EQUAL(ioctl(master, TIOCPKT, &on), 0);
	SEND(slave, "plain");
	EXPECT(master, "plain");
	close(slave);
	close(master);
	return 0;
}
