/* A terminal and the session it controls: how a session gets one, /dev/tty, the group in front, giving it up, and what the
 * calls on it answer to those whose terminal it is not. */
#include "../pty.h"

static char name[64];
static int master;

static void settings(int slave)
{
	struct termios cooked, raw, found;
	CHECK(isatty(slave));
	CHECK(isatty(master));
	CHECK_EQUAL(tcgetattr(slave, &cooked), 0);
	raw = cooked;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 3;
	raw.c_cc[VTIME] = 7;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &raw), 0);
	CHECK_EQUAL(tcgetattr(slave, &found), 0);
	CHECK_EQUAL(found.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0);
	CHECK_EQUAL(found.c_iflag & (ICRNL | IXON), 0);
	CHECK_EQUAL(found.c_oflag & OPOST, 0);
	CHECK_EQUAL(found.c_cc[VMIN], 3);
	CHECK_EQUAL(found.c_cc[VTIME], 7);
	CHECK_EQUAL(tcsetattr(slave, TCSADRAIN, &cooked), 0);
	CHECK_EQUAL(tcgetattr(slave, &found), 0);
	CHECK_EQUAL(found.c_iflag, cooked.c_iflag);
	CHECK_EQUAL(found.c_oflag, cooked.c_oflag);
	CHECK_EQUAL(found.c_cflag, cooked.c_cflag);
	CHECK_EQUAL(found.c_lflag, cooked.c_lflag);
	CHECK_EQUAL(memcmp(found.c_cc, cooked.c_cc, VEOL2 + 1), 0);
	/* TCSAFLUSH forgets what was typed. */
	SEND(master, "forgotten\n");
	EXPECT(master, "forgotten\r\n");
	CHECK_EQUAL(tcsetattr(slave, TCSAFLUSH, &cooked), 0);
	EXPECT_NOTHING(slave);
	CHECK_ERRNO(tcgetattr(-1, &found), EBADF);
}

static void leader(int slave)
{
	char found[64];
	struct stat status;
	settings(slave);
	CHECK_EQUAL(tcgetsid(slave), getpid());
	CHECK_EQUAL(tcgetpgrp(slave), getpid());
	CHECK_EQUAL(ioctl(slave, TIOCSCTTY, 0), 0);
	/* From the other side both can be asked by anyone. */
	CHECK_EQUAL(tcgetpgrp(master), getpid());
	CHECK_EQUAL(tcgetsid(master), getpid());

	/* /dev/tty is this terminal. */
	int tty = open("/dev/tty", O_RDWR);
	CHECK(tty >= 0);
	CHECK_EQUAL(fstat(tty, &status), 0);
	CHECK_EQUAL(status.st_rdev, 5 << 8);
	SEND(tty, "by name");
	EXPECT(master, "by name");
	unsigned device = 0, own = 0;
	CHECK_EQUAL(ioctl(tty, TIOCGDEV, &device), 0);
	CHECK_EQUAL(ioctl(slave, TIOCGDEV, &own), 0);
	CHECK_EQUAL(device, own);
	CHECK_EQUAL(strcmp(ctermid(found), "/dev/tty"), 0);

	/* The group in front must be of this session. */
	CHECK_ERRNO(tcsetpgrp(slave, getppid()), EPERM);
	CHECK_ERRNO(tcsetpgrp(slave, 4194000), ESRCH);
	CHECK_ERRNO(tcsetpgrp(slave, -5), EINVAL);
	CHECK_ERRNO(tcsetpgrp(slave, 0), ESRCH);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setpgid(0, 0), 0);
		/* In the background: stopped by changing the terminal, but not when SIGTTOU is ignored. */
		signal(SIGTTOU, SIG_IGN);
		CHECK_EQUAL(tcsetpgrp(slave, getpid()), 0);
		CHECK_EQUAL(tcgetpgrp(slave), getpid());
		exit(0);
	}
	CHECK_EXITS(child, 0);
	/* Now the leader is behind; a group that has gone is still in front. */
	CHECK_EQUAL(tcgetpgrp(slave), child);
	signal(SIGTTOU, SIG_IGN);
	CHECK_EQUAL(tcsetpgrp(slave, getpgrp()), 0);
	signal(SIGTTOU, SIG_DFL);

	/* A child has the terminal too; one that leaves the session has not. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(tcgetpgrp(slave), getppid());
		CHECK_ERRNO(ioctl(slave, TIOCSCTTY, 0), EPERM);
		pid_t session = getppid();
		CHECK_EQUAL(setsid(), getpid());
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		CHECK_ERRNO(tcgetpgrp(slave), ENOTTY);
		CHECK_ERRNO(tcgetsid(slave), ENOTTY);
		CHECK_ERRNO(tcsetpgrp(slave, getpid()), ENOTTY);
		CHECK_ERRNO(ioctl(slave, TIOCNOTTY), ENOTTY);
		/* It belongs to another session, and is not opened by accident. */
		CHECK_ERRNO(ioctl(slave, TIOCSCTTY, 0), EPERM);
		int other = open(name, O_RDWR);
		CHECK(other >= 0);
		CHECK_ERRNO(tcgetsid(other), ENOTTY);
		CHECK_EQUAL(tcgetsid(master), session);
		exit(0);
	}
	CHECK_EXITS(child, 0);

	/* A child that gives it up does so for itself alone. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(ioctl(slave, TIOCNOTTY), 0);
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		CHECK_ERRNO(ioctl(slave, TIOCNOTTY), ENOTTY);
		exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(tcgetpgrp(slave), getpgrp());

	/* The leader gives it up for all, and the group in front hears of that. */
	sigset_t both, pending;
	sigemptyset(&both);
	sigaddset(&both, SIGHUP);
	sigaddset(&both, SIGCONT);
	sigprocmask(SIG_BLOCK, &both, NULL);
	int ready[2];
	char byte;
	CHECK_EQUAL(pipe(ready), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		exit(0);
	}
	CHECK_EQUAL(ioctl(tty, TIOCNOTTY), 0);
	CHECK_EQUAL(sigpending(&pending), 0);
	CHECK(sigismember(&pending, SIGHUP));
	CHECK(sigismember(&pending, SIGCONT));
	SEND(ready[1], "x");
	CHECK_EXITS(child, 0);
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	CHECK_ERRNO(tcgetsid(master), ENOTTY);
	CHECK_EQUAL(tcgetpgrp(master), 0);
	/* What is open stays open. */
	SEND(slave, "still");
	EXPECT(master, "still");
	close(tty);

	/* A leader without a terminal gets the one it opens to read, unless it says otherwise. */
	close(open(name, O_RDWR | O_NOCTTY));
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	close(open(name, O_WRONLY));
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	int again = open(name, O_RDWR);
	CHECK(again >= 0);
	CHECK_EQUAL(tcgetsid(again), getpid());
	close(again);
	tty = open("/dev/tty", O_RDWR);
	CHECK(tty >= 0);
	close(tty);
}

static int ready[2], go[2];

static void robbed(int slave)
{
	char byte;
	SEND(ready[1], "x");
	CHECK_EQUAL(read(go[0], &byte, 1), 1);
	CHECK_ERRNO(tcgetsid(slave), ENOTTY);
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
}

static void stealing(int slave)
{
	/* The superuser may take a terminal from another session. */
	char byte;
	CHECK_EQUAL(pipe(ready), 0);
	CHECK_EQUAL(pipe(go), 0);
	pid_t child = in_session(slave, robbed);
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	pid_t thief = fork();
	CHECK(thief >= 0);
	if (thief == 0) {
		CHECK_EQUAL(setsid(), getpid());
		CHECK_ERRNO(ioctl(slave, TIOCSCTTY, 0), EPERM);
		CHECK_EQUAL(ioctl(slave, TIOCSCTTY, 1), 0);
		CHECK_EQUAL(tcgetsid(slave), getpid());
		exit(0);
	}
	CHECK_EXITS(thief, 0);
	SEND(go[1], "x");
	CHECK_EXITS(child, 0);
}

int main(void)
{
	master = open_master(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	pid_t child = in_session(slave, leader);
	CHECK_EXITS(child, 0);
	if (has_capability(CAP_SYS_ADMIN))
		stealing(slave);
	return 0;
}
