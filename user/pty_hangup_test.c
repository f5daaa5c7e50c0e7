/* Hang-ups: a master that goes takes the terminal from its session, whose leader gets SIGHUP and SIGCONT; a leader that ends
 * leaves its terminal free, and the group in front gets SIGHUP; who is stopped and orphaned by that gets both. */
#include "pty.h"
#include <sys/prctl.h>

static char name[64];
static int master, said[2], go[2];

static sigset_t hang_up_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCONT);
	return set;
}

/* Says which of both signals are pending. */
static void say_pending(const char *who)
{
	sigset_t pending;
	CHECK_EQUAL(sigpending(&pending), 0);
	char text[8] = { who[0], sigismember(&pending, SIGHUP) ? 'H' : '-', sigismember(&pending, SIGCONT) ? 'C' : '-' };
	CHECK_EQUAL(write(said[1], text, 3), 3);
}

static void wait_go(void)
{
	char byte;
	CHECK_EQUAL(read(go[0], &byte, 1), 1);
}

/* A leader with a job in front and one behind; the master goes. */
static void leader_of_lost_master(int slave)
{
	sigset_t set = hang_up_signals();
	sigprocmask(SIG_BLOCK, &set, NULL);
	int ready[2];
	char byte;
	CHECK_EQUAL(pipe(ready), 0);
	close(master);
	pid_t front = fork();
	CHECK(front >= 0);
	if (front == 0) {
		CHECK_EQUAL(setpgid(0, 0), 0);
		signal(SIGTTOU, SIG_IGN);
		CHECK_EQUAL(tcsetpgrp(slave, getpid()), 0);
		SEND(ready[1], "x");
		wait_go();
		CHECK_EQUAL(read(slave, &byte, 1), 0);
		CHECK_ERRNO(write(slave, "x", 1), EIO);
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		say_pending("f");
		wait_go();
		say_pending("f");
		exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	SEND(said[1], "r");
	wait_go();
	say_pending("l");
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	/* The group that was in front hears of it when the leader ends. */
	_exit(0);
}

static void lost_master(void)
{
	master = open_master(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	pid_t leader = in_session(slave, leader_of_lost_master);
	EXPECT(said[0], "r");
	close(slave);
	close(master);
	SEND(go[1], "x");
	/* Whichever of both took the word. */
	char text[4] = { 0 };
	CHECK_EQUAL(read(said[0], text, 3), 3);
	if (text[0] == 'l') {
		CHECK_EQUAL(strcmp(text, "lHC"), 0);
		CHECK_EXITS(leader, 0);
		SEND(go[1], "xx");
		EXPECT(said[0], "fHCfHC");
	} else {
		CHECK_EQUAL(strcmp(text, "f--"), 0);
		/* One word each to the leader and, after its end, to the group. */
		SEND(go[1], "x");
		CHECK_EQUAL(read(said[0], text, 3), 3);
		if (text[0] == 'l') {
			CHECK_EQUAL(strcmp(text, "lHC"), 0);
			CHECK_EXITS(leader, 0);
			SEND(go[1], "x");
			EXPECT(said[0], "fHC");
		} else {
			CHECK_EQUAL(strcmp(text, "f--"), 0);
			SEND(go[1], "x");
			EXPECT(said[0], "lHC");
			CHECK_EXITS(leader, 0);
		}
	}
}

/* A leader that ends with a job in front, one behind, and one that is stopped. */
static void leader_that_ends(int slave)
{
	sigset_t set = hang_up_signals();
	int ready[2];
	char byte;
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQUAL(pipe(ready), 0);
	for (int job = 0; job < 3; job++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child) {
			CHECK_EQUAL(read(ready[0], &byte, 1), 1);
			if (job == 2) {
				int status;
				CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
				CHECK(WIFSTOPPED(status));
			}
			continue;
		}
		CHECK_EQUAL(setpgid(0, 0), 0);
		if (job == 0) {
			signal(SIGTTOU, SIG_IGN);
			CHECK_EQUAL(tcsetpgrp(slave, getpid()), 0);
		}
		SEND(ready[1], "x");
		if (job == 2)
			raise(SIGSTOP);
		else
			wait_go();
		say_pending(job == 0 ? "f" : job == 1 ? "b" : "s");
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		/* The terminal is still there, only nobody's. */
		CHECK_EQUAL(write(slave, "x", 1), 1);
		exit(0);
	}
	_exit(7);
}

static void ended_leader(void)
{
	master = open_master(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	pid_t leader = in_session(slave, leader_that_ends);
	CHECK_EXITS(leader, 7);
	/* The stopped one was orphaned. */
	EXPECT(said[0], "sHC");
	CHECK_ERRNO(tcgetsid(master), ENOTTY);
	SEND(go[1], "xx");
	char text[7] = { 0 };
	for (size_t have = 0; have < 6;) {
		CHECK(is_readable(said[0], 10000));
		ssize_t count = read(said[0], text + have, 6 - have);
		CHECK(count > 0);
		have += count;
	}
	CHECK(!strcmp(text, "fH-b--") || !strcmp(text, "b--fH-"));
	EXPECT(master, "xxx");

	/* Another session may have it now. */
	leader = fork();
	CHECK(leader >= 0);
	if (leader == 0) {
		CHECK_EQUAL(setsid(), getpid());
		CHECK_EQUAL(ioctl(slave, TIOCSCTTY, 0), 0);
		CHECK_EQUAL(tcgetsid(slave), getpid());
		exit(0);
	}
	CHECK_EXITS(leader, 0);
	close(slave);
	close(master);
}

/* Who does nothing about it is ended by it. */
static void sleeper(int slave)
{
	(void)slave;
	close(master);
	SEND(said[1], "r");
	for (;;)
		pause();
}

static void default_action(void)
{
	master = open_master(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY);
	pid_t leader = in_session(slave, sleeper);
	EXPECT(said[0], "r");
	close(master);
	CHECK_KILLED(leader, SIGHUP);
	close(slave);

	/* The same by the end of the process that had the master, killed. */
	int ready[2];
	CHECK_EQUAL(pipe(ready), 0);
	pid_t holder = fork();
	CHECK(holder >= 0);
	if (holder == 0) {
		master = open_master(name, sizeof name);
		slave = open(name, O_RDWR | O_NOCTTY);
		leader = in_session(slave, sleeper);
		EXPECT(said[0], "r");
		CHECK_EQUAL(write(ready[1], &leader, sizeof leader), sizeof leader);
		for (;;)
			pause();
	}
	CHECK_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQUAL(read(ready[0], &leader, sizeof leader), sizeof leader);
	CHECK_EQUAL(kill(holder, SIGKILL), 0);
	CHECK_KILLED(holder, SIGKILL);
	CHECK_KILLED(leader, SIGHUP);
}

/* The superuser can hang up a terminal under those who have it open. */
static void by_hand(void)
{
	char byte;
	int slave;
	master = open_pair(&slave);
	CHECK_EQUAL(ptsname_r(master, name, sizeof name), 0);
	CHECK_EQUAL(ioctl(slave, TIOCVHANGUP), 0);
	CHECK_EQUAL(read(slave, &byte, 1), 0);
	CHECK_ERRNO(write(slave, "x", 1), EIO);
	int again = open(name, O_RDWR | O_NOCTTY);
	CHECK(again >= 0);
	SEND(again, "new");
	EXPECT(master, "new");
	close(again);
	close(slave);
	close(master);
}

/* The controlling terminal's line is given up by a program that may. */
static void leader_hangs_up(int slave)
{
	char byte;
	sigset_t hup;
	siginfo_t info;
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &hup, NULL), 0);
	CHECK_EQUAL(syscall(SYS_vhangup), 0);
	CHECK_EQUAL(sigwaitinfo(&hup, &info), SIGHUP);
	CHECK_EQUAL(read(slave, &byte, 1), 0);
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	/* Without a terminal there is nothing to do. */
	CHECK_EQUAL(syscall(SYS_vhangup), 0);
}

static void without_right(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(syscall(SYS_capset, &header, data), 0);
		CHECK_ERRNO(syscall(SYS_vhangup), EPERM);
		exit(0);
	}
	CHECK_EXITS(child, 0);
}

int main(void)
{
	CHECK_EQUAL(pipe(said), 0);
	CHECK_EQUAL(pipe(go), 0);
	lost_master();
	ended_leader();
	default_action();
	if (has_capability(CAP_SYS_TTY_CONFIG) && has_capability(CAP_SYS_ADMIN))
		by_hand();
	if (has_capability(CAP_SYS_TTY_CONFIG)) {
		int slave;
		master = open_pair(&slave);
		pid_t child = in_session(slave, leader_hangs_up);
		CHECK_EXITS(child, 0);
		close(slave);
		close(master);
	}
	without_right();
	return 0;
}
