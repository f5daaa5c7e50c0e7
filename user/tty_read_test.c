/* Raw reads by VMIN and VTIME (POSIX.1-2017 11.1.7, cases A to D), reads of lines in parts, and what interrupts a read. */
#include "pty.h"
#include <sys/time.h>

static int slave, master;

static void set_raw(int least, int tenths)
{
	struct termios settings;
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	cfmakeraw(&settings);
	settings.c_cc[VMIN] = least;
	settings.c_cc[VTIME] = tenths;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
}

/* Types the parts of `text` that '|' separates, 50 ms apart, in a child. */
static pid_t type_slowly(const char *text)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(50);
		for (; *text; text++) {
			if (*text == '|')
				sleep_ms(50);
			else
				CHECK_EQUAL(write(master, text, 1), 1);
		}
		exit(0);
	}
	return child;
}

static void interrupt(int number)
{
	(void)number;
}

int main(void)
{
	char found[64];
	struct pollfd poller;
	master = open_pair(&slave);
	poller = (struct pollfd){ slave, POLLIN, 0 };

	/* B: so many bytes, however long it takes. */
	set_raw(3, 0);
	pid_t child = type_slowly("a|b|cd");
	CHECK(read(slave, found, sizeof found) >= 3);
	CHECK_EXITS(child, 0);
	tcflush(slave, TCIFLUSH);
	child = type_slowly("ab|c");
	CHECK_EQUAL(read(slave, found, 2), 2);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(read(slave, found, 1), 1);
	/* poll waits for them too, but a read that may not wait takes what there is. */
	SEND(master, "xy");
	sleep_ms(20);
	CHECK_EQUAL(poll(&poller, 1, 0), 0);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 2);
	CHECK_ERRNO(read(slave, found, sizeof found), EAGAIN);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR), 0);

	/* A: the time runs between bytes. */
	set_raw(5, 3);
	child = type_slowly("|||||||ab");
	int64_t begin = now_ns();
	CHECK_EQUAL(read(slave, found, sizeof found), 2);
	CHECK(now_ns() - begin >= 650000000);
	CHECK_EXITS(child, 0);
	SEND(master, "12345");
	CHECK_EQUAL(read(slave, found, sizeof found), 5);

	/* C: the time runs at once, one byte ends it. */
	set_raw(0, 2);
	begin = now_ns();
	CHECK_EQUAL(read(slave, found, sizeof found), 0);
	CHECK(now_ns() - begin >= 190000000);
	SEND(master, "a");
	CHECK_EQUAL(read(slave, found, sizeof found), 1);

	/* D: what there is. */
	set_raw(0, 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 0);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 0);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR), 0);
	SEND(master, "abc");
	CHECK(is_readable(slave, 10000));
	sleep_ms(20);
	CHECK_EQUAL(read(slave, found, sizeof found), 3);

	/* A signal interrupts, and what had come by then is not lost. */
	struct sigaction action = { .sa_handler = interrupt };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval timer = { { 0, 0 }, { 0, 200000 } };
	set_raw(4, 0);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_ERRNO(read(slave, found, sizeof found), EINTR);
	SEND(master, "pq");
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 2);
	CHECK_EQUAL(memcmp(found, "pq", 2), 0);

	/* Lines: in parts, an end-of-file behind a full buffer goes with it, and a line is read whole after a change of mode. */
	struct termios lines;
	CHECK_EQUAL(tcgetattr(slave, &lines), 0);
	lines.c_lflag |= ICANON;
	lines.c_cc[VEOF] = 4;
	lines.c_cc[VEOL] = 0;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &lines), 0);
	SEND(master, "hello\nyou\nabc\004def\n\004");
	CHECK_EQUAL(read(slave, found, 3), 3);
	CHECK_EQUAL(read(slave, found, sizeof found), 3);
	CHECK_EQUAL(memcmp(found, "lo\n", 3), 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 4);
	CHECK_EQUAL(read(slave, found, 3), 3);
	CHECK_EQUAL(read(slave, found, sizeof found), 4);
	CHECK_EQUAL(memcmp(found, "def\n", 4), 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 0);
	CHECK_EQUAL(read(slave, found, 0), 0);
	SEND(master, "half");
	EXPECT_NOTHING(slave);
	set_raw(1, 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 4);
	SEND(master, "rest");
	sleep_ms(20);
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &lines), 0);
	CHECK_EQUAL(read(slave, found, sizeof found), 4);

	/* A line that is too long keeps its beginning and its end. */
	CHECK_EQUAL(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	for (int i = 0; i < 100; i++) {
		CHECK_EQUAL(write(master, "0123456789012345678901234567890123456789012345678901234567890123456789", 70), 70);
		sleep_ms(1);
	}
	SEND(master, "\n");
	static char line[8192];
	size_t have = 0;
	while (have == 0 || line[have - 1] != '\n') {
		CHECK(is_readable(slave, 10000));
		ssize_t count = read(slave, line + have, sizeof line - have);
		CHECK(count > 0);
		have += count;
	}
	CHECK_EQUAL(have, 4096);
	CHECK_EQUAL(memcmp(line, "0123456789", 10), 0);
	return 0;
}
