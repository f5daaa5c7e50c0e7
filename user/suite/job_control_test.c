/* Job control on a terminal, as a shell uses it: groups, the one in front, keys that signal it, SIGTTIN and SIGTTOU for those
 * behind, stopping and continuing, orphans, and the window's size. */
#include "../pty.h"

static int master;
static char name[64];

/* Starts `body` in a process group of its own. */
static pid_t start_job(void (*body)(int), int slave)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		body(slave);
		exit(0);
	}
	CHECK(setpgid(child, child) == 0 || errno == EACCES);
	CHECK_EQUAL(getpgid(child), child);
	return child;
}

static void put_in_front(int slave, pid_t group)
{
	CHECK_EQUAL(tcsetpgrp(slave, group), 0);
	CHECK_EQUAL(tcgetpgrp(slave), group);
}

static void expect_stopped(pid_t job, int by)
{
	int status;
	CHECK_EQUAL(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status));
	CHECK_EQUAL(WSTOPSIG(status), by);
}

static void expect_continued(pid_t job)
{
	siginfo_t info;
	CHECK_EQUAL(kill(-job, SIGCONT), 0);
	/* It may have ended already, and then only that is told; whoever called waits for it. */
	CHECK_EQUAL(waitid(P_PID, job, &info, WCONTINUED | WEXITED | WNOWAIT), 0);
	CHECK(info.si_code == CLD_CONTINUED || info.si_code == CLD_EXITED || info.si_code == CLD_KILLED);
	CHECK_EQUAL(waitid(P_PID, job, &info, WCONTINUED | WNOHANG), 0);
}

static void sleeps(int slave)
{
	SEND(slave, "ready\n");
	for (;;)
		pause();
}

static void reads(int slave)
{
	char line[16];
	CHECK_EQUAL(read(slave, line, sizeof line), 5);
	CHECK_EQUAL(memcmp(line, "word\n", 5), 0);
}

static void writes(int slave)
{
	SEND(slave, "job\n");
}

static void changes(int slave)
{
	struct termios settings;
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	CHECK_EQUAL(tcflush(slave, TCIFLUSH), 0);
}

static void reads_without_stopping(int slave)
{
	char byte;
	signal(SIGTTIN, SIG_IGN);
	CHECK_ERRNO(read(slave, &byte, 1), EIO);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	signal(SIGTTIN, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERRNO(read(slave, &byte, 1), EIO);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_ERRNO(read(slave, &byte, 1), EIO);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR), 0);
}

static void keys(int slave)
{
	static const struct {
		char key;
		int signal;
	} keys[] = { { 3, SIGINT }, { 034, SIGQUIT } };
	for (int i = 0; i < 2; i++) {
		/* Only the group in front gets it. */
		pid_t behind = start_job(sleeps, slave);
		EXPECT(master, "ready\r\n");
		pid_t front = start_job(sleeps, slave);
		put_in_front(slave, front);
		EXPECT(master, "ready\r\n");
		CHECK_EQUAL(write(master, &keys[i].key, 1), 1);
		CHECK_KILLED(front, keys[i].signal);
		put_in_front(slave, getpgrp());
		if (i == 0)
			EXPECT(master, "^C");
		else
			EXPECT(master, "^\\");
		CHECK_EQUAL(waitpid(behind, NULL, WNOHANG), 0);
		CHECK_EQUAL(kill(-behind, SIGKILL), 0);
		CHECK_KILLED(behind, SIGKILL);
	}
	/* A pipeline's members all get it. */
	pid_t first = start_job(sleeps, slave);
	EXPECT(master, "ready\r\n");
	pid_t second = fork();
	CHECK(second >= 0);
	if (second == 0) {
		CHECK_EQUAL(setpgid(0, first), 0);
		sleeps(slave);
	}
	EXPECT(master, "ready\r\n");
	put_in_front(slave, first);
	SEND(master, "\032");
	expect_stopped(first, SIGTSTP);
	expect_stopped(second, SIGTSTP);
	EXPECT(master, "^Z");
	put_in_front(slave, getpgrp());
	expect_continued(first);
	put_in_front(slave, first);
	SEND(master, "\003");
	CHECK_KILLED(first, SIGINT);
	CHECK_KILLED(second, SIGINT);
	put_in_front(slave, getpgrp());
	EXPECT(master, "^C");
}

static void behind(int slave)
{
	/* Reading stops a job until it is in front, then the read goes on. */
	pid_t job = start_job(reads, slave);
	expect_stopped(job, SIGTTIN);
	put_in_front(slave, job);
	expect_continued(job);
	SEND(master, "word\n");
	CHECK_EXITS(job, 0);
	put_in_front(slave, getpgrp());
	EXPECT(master, "word\r\n");
	job = start_job(reads_without_stopping, slave);
	CHECK_EXITS(job, 0);

	/* Writing does only where TOSTOP is set. */
	job = start_job(writes, slave);
	CHECK_EXITS(job, 0);
	EXPECT(master, "job\r\n");
	struct termios settings;
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	settings.c_lflag |= TOSTOP;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	job = start_job(writes, slave);
	expect_stopped(job, SIGTTOU);
	settings.c_lflag &= ~TOSTOP;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	expect_continued(job);
	CHECK_EXITS(job, 0);
	EXPECT(master, "job\r\n");

	/* Changing the terminal always does. */
	job = start_job(changes, slave);
	expect_stopped(job, SIGTTOU);
	put_in_front(slave, job);
	expect_continued(job);
	CHECK_EXITS(job, 0);
	put_in_front(slave, getpgrp());
}

static int said[2];

/* In a group that nobody of the session looks after, reading and changing fail. */
static void orphan(int slave)
{
	char byte;
	struct termios settings;
	pid_t parent = getpid();
	if (fork())
		return;
	while (getppid() == parent)
		sleep_ms(1);
	CHECK_ERRNO(read(slave, &byte, 1), EIO);
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	CHECK_ERRNO(tcsetattr(slave, TCSANOW, &settings), EIO);
	CHECK_ERRNO(tcsetpgrp(slave, getpgrp()), ENOTTY);
	SEND(slave, "orphan\n");
	/* It is not stopped by the key's signal either, only by SIGSTOP. */
	CHECK_EQUAL(raise(SIGTSTP), 0);
	SEND(said[1], "o");
}

static volatile sig_atomic_t resized;

static void note(int number)
{
	(void)number;
	resized++;
}

static void window(int slave)
{
	struct winsize size = { 30, 90, 0, 0 };
	signal(SIGWINCH, note);
	CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQUAL(resized, 1);
	/* No change, no signal. */
	CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQUAL(resized, 1);
	size.ws_row++;
	CHECK_EQUAL(ioctl(slave, TIOCSWINSZ, &size), 0);
	CHECK_EQUAL(resized, 2);
	/* Only who is in front hears of it. */
	pid_t job = start_job(sleeps, slave);
	EXPECT(master, "ready\r\n");
	put_in_front(slave, job);
	size.ws_row++;
	CHECK_EQUAL(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQUAL(resized, 2);
	put_in_front(slave, getpgrp());
	CHECK_EQUAL(kill(job, SIGKILL), 0);
	CHECK_KILLED(job, SIGKILL);
	signal(SIGWINCH, SIG_DFL);
}

static void groups(void)
{
	CHECK_EQUAL(getpgid(0), getpgrp());
	CHECK_ERRNO(setpgid(-1, 0), EINVAL);
	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK_ERRNO(setpgid(1, 0), ESRCH);
	CHECK_ERRNO(getpgid(4194000), ESRCH);
	/* The leader of a session stays in its group. */
	CHECK_ERRNO(setpgid(0, getppid()), EPERM);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_ERRNO(setpgid(0, getppid() + 100000), EPERM);
		CHECK_EQUAL(setpgid(0, 0), 0);
		CHECK_EQUAL(getpgrp(), getpid());
		CHECK_EQUAL(setpgid(0, getppid()), 0);
		CHECK_EQUAL(getpgrp(), getppid());
		exit(0);
	}
	CHECK_EXITS(child, 0);
}

/* Does what a shell does: ignores SIGTTOU, which its jobs do not. */
static void controller(int slave)
{
	groups();
	CHECK_EQUAL(pipe(said), 0);
	signal(SIGTTOU, SIG_IGN);
	window(slave);
	keys(slave);
	behind(slave);
	pid_t job = start_job(orphan, slave);
	CHECK_EXITS(job, 0);
	EXPECT(said[0], "o");
	EXPECT(master, "orphan\r\n");
}

int main(void)
{
	master = open_master(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	CHECK_EXITS(in_session(slave, controller), 0);
	return 0;
}
