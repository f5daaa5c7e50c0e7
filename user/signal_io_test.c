/* Signal-driven I/O: who is told (F_SETOWN and its relatives), with which signal (F_SETSIG), by what (pipes, FIFOs, sockets,
 * terminals, inotify), and who may tell whom. */
#include "check.h"
#include "pty.h"
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef FIOASYNC
#define FIOASYNC 0x5452
#endif
#define FIOSETOWN_ 0x8901
#define SIOCSPGRP_ 0x8902
#define FIOGETOWN_ 0x8903
#define SIOCGPGRP_ 0x8904

static sigset_t told;
static int chosen;

/* Takes the next signal of `told`; 0 if there is none now. */
static int take(siginfo_t *info)
{
	struct timespec none = { 0, 0 };
	int signal = sigtimedwait(&told, info, &none);
	if (signal < 0)
		CHECK_EQUAL(errno, EAGAIN);
	return signal < 0 ? 0 : signal;
}

/* Drops what is pending. */
static void forget(void)
{
	siginfo_t info;
	while (take(&info))
		;
}

/* The next signal is the chosen one and says `code` of `fd`. */
static void expect_at(int line, int code, long band, int fd)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	int signal = take(&info);
	if (signal != chosen || info.si_code != code || info.si_fd != fd || info.si_band != band) {
		fprintf(stderr, "%s:%d: signal %d code %d band 0x%lx fd %d, expected %d %d 0x%lx %d\n", __FILE__, line, signal,
			info.si_code, (long)info.si_band, info.si_fd, chosen, code, band, fd);
		exit(1);
	}
	CHECK_EQUAL(info.si_errno, 0);
}
#define EXPECT_IN(fd) expect_at(__LINE__, POLL_IN, POLLIN | POLLRDNORM, fd)
#define EXPECT_OUT(fd) expect_at(__LINE__, POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND, fd)
#define EXPECT_HUP(fd) expect_at(__LINE__, POLL_HUP, POLLHUP | POLLERR, fd)
#define EXPECT_NONE()                                                                             \
	do {                                                                                      \
		siginfo_t info_;                                                                  \
		CHECK_EQUAL(take(&info_), 0);                                                     \
	} while (0)

/* Begins to tell this process of `fd`, by the chosen signal. */
static void listen_to(int fd)
{
	CHECK_EQUAL(fcntl(fd, F_SETOWN, getpid()), 0);
	CHECK_EQUAL(fcntl(fd, F_SETSIG, chosen), 0);
	CHECK_EQUAL(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC), 0);
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
}

static void owners(void)
{
	int ends[2], other[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETSIG), 0);
	struct f_owner_ex owner = { -1, -1 };
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN_EX, &owner), 0);
	CHECK_EQUAL(owner.pid, 0);

	CHECK_EQUAL(fcntl(ends[0], F_SETOWN, getpid()), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN), getpid());
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN_EX, &owner), 0);
	CHECK_EQUAL(owner.type, F_OWNER_PID);
	CHECK_EQUAL(owner.pid, getpid());
	CHECK_EQUAL(fcntl(ends[1], F_GETOWN), 0);

	CHECK_EQUAL(fcntl(ends[0], F_SETOWN, -getpgrp()), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN_EX, &owner), 0);
	CHECK_EQUAL(owner.type, F_OWNER_PGRP);
	CHECK_EQUAL(owner.pid, getpgrp());
	owner = (struct f_owner_ex){ F_OWNER_TID, (pid_t)syscall(SYS_gettid) };
	CHECK_EQUAL(fcntl(ends[0], F_SETOWN_EX, &owner), 0);
	memset(&owner, -1, sizeof owner);
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN_EX, &owner), 0);
	CHECK_EQUAL(owner.type, F_OWNER_TID);
	CHECK_EQUAL(owner.pid, syscall(SYS_gettid));
	CHECK_EQUAL(fcntl(ends[0], F_SETOWN, 0), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETOWN), 0);

	CHECK_ERRNO(fcntl(ends[0], F_SETOWN, INT_MIN), EINVAL);
	CHECK_ERRNO(fcntl(ends[0], F_SETOWN, INT_MAX), ESRCH);
	CHECK_ERRNO(fcntl(ends[0], F_SETOWN, -INT_MAX), ESRCH);
	owner = (struct f_owner_ex){ 3, getpid() };
	CHECK_ERRNO(fcntl(ends[0], F_SETOWN_EX, &owner), EINVAL);
	owner = (struct f_owner_ex){ F_OWNER_PID, INT_MAX };
	CHECK_ERRNO(fcntl(ends[0], F_SETOWN_EX, &owner), ESRCH);
	CHECK_ERRNO(syscall(SYS_fcntl, ends[0], F_SETOWN_EX, 8), EFAULT);
	CHECK_ERRNO(fcntl(ends[0], F_SETSIG, 65), EINVAL);
	CHECK_ERRNO(fcntl(ends[0], F_SETSIG, -1), EINVAL);
	CHECK_EQUAL(fcntl(ends[0], F_SETSIG, 64), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETSIG), 64);

	/* The owner belongs to the description, which copies share. */
	int copy = dup(ends[0]);
	CHECK_EQUAL(fcntl(copy, F_GETSIG), 64);
	CHECK_EQUAL(close(copy), 0);
	/* Any file can have one, even if it never tells anything; a mere place cannot. */
	int file = open("/tmp", O_RDONLY);
	CHECK(file >= 0);
	CHECK_EQUAL(fcntl(file, F_SETOWN, getpid()), 0);
	CHECK_EQUAL(fcntl(file, F_GETOWN), getpid());
	CHECK_EQUAL(fcntl(file, F_SETFL, O_ASYNC), 0);
	CHECK(!(fcntl(file, F_GETFL) & O_ASYNC));
	int on = 1;
	CHECK_ERRNO(ioctl(file, FIOASYNC, &on), ENOTTY);
	CHECK_EQUAL(close(file), 0);
	int place = open("/tmp", O_PATH);
	CHECK(place >= 0);
	CHECK_ERRNO(fcntl(place, F_SETOWN, getpid()), EBADF);
	CHECK_ERRNO(fcntl(place, F_GETSIG), EBADF);
	CHECK_EQUAL(close(place), 0);

	/* Requests of sockets alone. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	int pid = getpid(), found = -1;
	CHECK_EQUAL(ioctl(other[0], FIOSETOWN_, &pid), 0);
	CHECK_EQUAL(ioctl(other[0], FIOGETOWN_, &found), 0);
	CHECK_EQUAL(found, pid);
	int group = -getpgrp();
	CHECK_EQUAL(ioctl(other[0], SIOCSPGRP_, &group), 0);
	CHECK_EQUAL(ioctl(other[0], SIOCGPGRP_, &found), 0);
	CHECK_EQUAL(found, group);
	CHECK_ERRNO(ioctl(ends[0], FIOSETOWN_, &pid), ENOTTY);
	CHECK_ERRNO(ioctl(ends[0], FIOGETOWN_, &found), ENOTTY);
	for (int i = 0; i < 2; i++)
		CHECK(close(ends[i]) == 0 && close(other[i]) == 0);
}

static void pipes(int reader, int writer)
{
	char byte = 'x', page[4096];
	memset(page, 'p', sizeof page);
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	EXPECT_NONE();
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	listen_to(reader);
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	EXPECT_IN(reader);
	forget();
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	EXPECT_NONE();

	/* The number by which it began to listen is told, whatever becomes of it. */
	int copy = dup(reader);
	CHECK_EQUAL(fcntl(copy, F_SETFL, O_NONBLOCK), 0);
	CHECK(!(fcntl(reader, F_GETFL) & O_ASYNC));
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	EXPECT_NONE();
	int on = 1;
	CHECK_EQUAL(ioctl(copy, FIOASYNC, &on), 0);
	CHECK(fcntl(reader, F_GETFL) & O_ASYNC);
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	EXPECT_IN(copy);
	forget();
	on = 0;
	CHECK_EQUAL(ioctl(copy, FIOASYNC, &on), 0);
	CHECK_EQUAL(close(copy), 0);
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	listen_to(reader);

	/* Plain SIGIO says nothing but that it came from the kernel. */
	CHECK_EQUAL(fcntl(reader, F_SETSIG, 0), 0);
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	siginfo_t info;
	CHECK_EQUAL(take(&info), SIGIO);
	CHECK_EQUAL(info.si_code, SI_KERNEL);
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	forget();
	/* SIGIO chosen by name has details, and codes of its own. */
	int before = chosen;
	chosen = SIGIO;
	CHECK_EQUAL(fcntl(reader, F_SETSIG, SIGIO), 0);
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	EXPECT_IN(reader);
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	forget();
	/* A signal that has codes of its own says that it is about a file. */
	chosen = SIGCHLD;
	CHECK_EQUAL(fcntl(reader, F_SETSIG, SIGCHLD), 0);
	CHECK_EQUAL(write(writer, &byte, 1), 1);
	expect_at(__LINE__, SI_SIGIO, POLLIN | POLLRDNORM, reader);
	CHECK_EQUAL(read(reader, &byte, 1), 1);
	forget();
	chosen = before;
	CHECK_EQUAL(fcntl(reader, F_SETSIG, chosen), 0);

	/* Room, and the end of the other side. */
	CHECK_EQUAL(fcntl(writer, F_SETFL, O_NONBLOCK), 0);
	while (write(writer, page, sizeof page) > 0)
		;
	CHECK_EQUAL(errno, EAGAIN);
	forget();
	CHECK_EQUAL(fcntl(reader, F_SETFL, 0), 0);
	listen_to(writer);
	CHECK_EQUAL(fcntl(writer, F_SETFL, O_ASYNC), 0);
	EXPECT_NONE();
	CHECK_EQUAL(read(reader, page, sizeof page), sizeof page);
	EXPECT_OUT(writer);
	forget();
	CHECK_EQUAL(close(reader), 0);
	EXPECT_OUT(writer);
	EXPECT_NONE();
	CHECK_EQUAL(close(writer), 0);
	EXPECT_NONE();
}

static void last_writer(void)
{
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	listen_to(ends[0]);
	int copy = dup(ends[1]);
	CHECK_EQUAL(close(ends[1]), 0);
	EXPECT_NONE();
	CHECK_EQUAL(close(copy), 0);
	EXPECT_IN(ends[0]);
	EXPECT_NONE();
	CHECK_EQUAL(close(ends[0]), 0);

	/* The same by the end of a process. */
	CHECK_EQUAL(pipe(ends), 0);
	listen_to(ends[0]);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_EXITS(child, 0);
	EXPECT_IN(ends[0]);
	CHECK_EQUAL(close(ends[0]), 0);
	forget();
}

static void sockets(int kind)
{
	char byte = 'x';
	int ends[2];
	CHECK_EQUAL(socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, ends), 0);
	listen_to(ends[0]);
	CHECK_EQUAL(write(ends[1], &byte, 1), 1);
	EXPECT_IN(ends[0]);
	EXPECT_NONE();
	CHECK_EQUAL(write(ends[0], &byte, 1), 1);
	CHECK_EQUAL(read(ends[1], &byte, 1), 1);
	EXPECT_NONE();
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	if (kind == SOCK_DGRAM) {
		CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
		EXPECT_NONE();
		return;
	}
	/* Room is told when there was none. */
	char many[4096];
	memset(many, 'm', sizeof many);
	int sent = 0;
	while (write(ends[0], many, sizeof many) == sizeof many)
		sent++;
	CHECK_EQUAL(errno, EAGAIN);
	EXPECT_NONE();
	while (sent > 0) {
		CHECK(read(ends[1], many, sizeof many) > 0);
		sent--;
	}
	EXPECT_OUT(ends[0]);
	EXPECT_NONE();
	/* The other side sends nothing more, then is gone. */
	CHECK_EQUAL(shutdown(ends[1], SHUT_WR), 0);
	EXPECT_IN(ends[0]);
	CHECK_EQUAL(shutdown(ends[1], SHUT_RDWR), 0);
	EXPECT_HUP(ends[0]);
	CHECK_EQUAL(close(ends[1]), 0);
	EXPECT_HUP(ends[0]);
	EXPECT_NONE();
	CHECK_EQUAL(close(ends[0]), 0);
}

static void listener(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "signal_io_test-%d", getpid());
	socklen_t length = sizeof name;
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(server >= 0 && client >= 0);
	CHECK_EQUAL(bind(server, (struct sockaddr *)&name, length), 0);
	CHECK_EQUAL(listen(server, 1), 0);
	listen_to(server);
	CHECK_EQUAL(connect(client, (struct sockaddr *)&name, length), 0);
	EXPECT_IN(server);
	int accepted = accept(server, NULL, NULL);
	CHECK(accepted >= 0);
	/* Nothing of it is handed down. */
	CHECK(!(fcntl(accepted, F_GETFL) & O_ASYNC));
	CHECK_EQUAL(fcntl(accepted, F_GETOWN), 0);
	CHECK(close(accepted) == 0 && close(client) == 0 && close(server) == 0);
	EXPECT_NONE();
}

static void terminals(void)
{
	int slave, master = open_pair(&slave);
	listen_to(slave);
	SEND(master, "half a ");
	EXPECT_NONE();
	SEND(master, "line\n");
	siginfo_t info;
	while (take(&info) == 0)
		sleep_ms(2);
	CHECK_EQUAL(info.si_code, POLL_IN);
	CHECK_EQUAL(info.si_fd, slave);
	CHECK_EQUAL(fcntl(slave, F_SETFL, 0), 0);
	listen_to(master);
	SEND(slave, "shown");
	CHECK(is_readable(master, 10000));
	while (take(&info) == 0)
		sleep_ms(2);
	CHECK_EQUAL(info.si_code, POLL_IN);
	CHECK_EQUAL(info.si_fd, master);
	CHECK(close(slave) == 0 && close(master) == 0);
	forget();

	/* An owner that nobody set is the group in front, here none: who asks. */
	master = open_pair(&slave);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_ASYNC), 0);
	CHECK_EQUAL(fcntl(slave, F_GETOWN), getpid());
	SEND(master, "line\n");
	while (take(&info) == 0)
		sleep_ms(2);
	CHECK_EQUAL(info.si_signo, SIGIO);
	CHECK_EQUAL(info.si_code, SI_KERNEL);
	CHECK_ERRNO(ioctl(slave, FIOSETOWN_, &(int){ 1 }), ENOTTY);
	CHECK(close(slave) == 0 && close(master) == 0);
	forget();
}

static void watched(void)
{
	char name[64];
	snprintf(name, sizeof name, "/tmp/signal_io_test-%d", getpid());
	int notes = inotify_init1(IN_NONBLOCK);
	CHECK(notes >= 0);
	int file = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(file >= 0);
	CHECK(inotify_add_watch(notes, name, IN_MODIFY) > 0);
	listen_to(notes);
	CHECK_EQUAL(write(file, "x", 1), 1);
	EXPECT_IN(notes);
	CHECK(close(file) == 0 && unlink(name) == 0 && close(notes) == 0);
	forget();
}

/* A child: waits for the chosen signal, or for the byte that says that none comes. */
static pid_t waiting_child(int *told_pipe, int starts_group)
{
	int ready[2];
	CHECK(pipe(told_pipe) == 0 && pipe(ready) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(close(told_pipe[1]), 0);
		if (starts_group)
			CHECK_EQUAL(setpgid(0, 0), 0);
		CHECK_EQUAL(write(ready[1], "r", 1), 1);
		char byte;
		CHECK_EQUAL(read(told_pipe[0], &byte, 1), 1);
		siginfo_t info;
		exit(take(&info) == chosen ? info.si_fd : 200);
	}
	char byte;
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	CHECK(close(ready[0]) == 0 && close(ready[1]) == 0 && close(told_pipe[0]) == 0);
	return child;
}

static void others(void)
{
	int ends[2], go[2], go_too[2];
	/* Another process, then a group of two. */
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = waiting_child(go, 1);
	CHECK_EQUAL(fcntl(ends[0], F_SETOWN, child), 0);
	CHECK_EQUAL(fcntl(ends[0], F_SETSIG, chosen), 0);
	CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_ASYNC), 0);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	EXPECT_NONE();
	CHECK_EQUAL(write(go[1], "g", 1), 1);
	CHECK_EXITS(child, ends[0]);
	/* Gone is gone. */
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	EXPECT_NONE();

	child = waiting_child(go_too, 1);
	int second_go[2];
	pid_t second = waiting_child(second_go, 0);
	CHECK_EQUAL(setpgid(second, child), 0);
	CHECK_EQUAL(fcntl(ends[0], F_SETOWN, -child), 0);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	EXPECT_NONE();
	CHECK_EQUAL(write(go_too[1], "g", 1), 1);
	CHECK_EQUAL(write(second_go[1], "g", 1), 1);
	CHECK_EXITS(child, ends[0]);
	CHECK_EXITS(second, ends[0]);
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0 && close(go[1]) == 0 && close(go_too[1]) == 0);
	CHECK_EQUAL(close(second_go[1]), 0);
}

/* Who has set the owner must have been allowed to signal it. */
static void permissions(void)
{
	if (geteuid() != 0)
		return;
	int go[2], ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = waiting_child(go, 0);
	pid_t other = fork();
	if (other == 0) {
		/* Where users cannot be changed there is nothing to see. */
		if (setresuid(12345, 12345, 12345) != 0)
			exit(77);
		CHECK_EQUAL(fcntl(ends[0], F_SETOWN, child), 0);
		CHECK_EQUAL(fcntl(ends[0], F_SETSIG, chosen), 0);
		CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_ASYNC), 0);
		exit(0);
	}
	int status = wait_status(other);
	CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_EQUAL(write(go[1], "g", 1), 1);
	CHECK_EXITS(child, 200);
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0 && close(go[1]) == 0);
}

/* A signal file shows the descriptor and what happened to it. */
static void by_file(void)
{
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	listen_to(ends[0]);
	int signals = signalfd(-1, &told, SFD_NONBLOCK);
	CHECK(signals >= 0);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	struct signalfd_siginfo shown;
	CHECK_EQUAL(read(signals, &shown, sizeof shown), sizeof shown);
	CHECK_EQUAL(shown.ssi_signo, chosen);
	CHECK_EQUAL(shown.ssi_fd, ends[0]);
	CHECK_EQUAL(shown.ssi_band, POLLIN | POLLRDNORM);
	CHECK(close(signals) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
	forget();
}

/* More than can be queued: plain SIGIO says that some are missing. */
static void overflow(void)
{
	pid_t child = fork();
	if (child == 0) {
		struct rlimit_ {
			unsigned long now, most;
		} none = { 0, 0 };
		CHECK_EQUAL(syscall(SYS_prlimit64, 0, 11 /* RLIMIT_SIGPENDING */, &none, NULL), 0);
		int ends[2];
		CHECK_EQUAL(pipe(ends), 0);
		listen_to(ends[0]);
		CHECK_EQUAL(write(ends[1], "x", 1), 1);
		siginfo_t info;
		CHECK_EQUAL(take(&info), SIGIO);
		exit(0);
	}
	CHECK_EXITS(child, 0);
}

int main(void)
{
	alarm(120);
	chosen = SIGRTMIN + 2;
	sigemptyset(&told);
	sigaddset(&told, SIGIO);
	sigaddset(&told, SIGCHLD);
	sigaddset(&told, chosen);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &told, NULL), 0);
	owners();
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pipes(ends[0], ends[1]);
	char name[64];
	snprintf(name, sizeof name, "/tmp/signal_io_fifo-%d", getpid());
	CHECK_EQUAL(mkfifo(name, 0600), 0);
	int reader = open(name, O_RDONLY | O_NONBLOCK), writer = open(name, O_WRONLY);
	CHECK(reader >= 0 && writer >= 0 && unlink(name) == 0);
	CHECK_EQUAL(fcntl(reader, F_SETFL, 0), 0);
	pipes(reader, writer);
	sigdelset(&told, SIGCHLD);
	CHECK_EQUAL(signal(SIGCHLD, SIG_DFL) == SIG_ERR, 0);
	last_writer();
	sockets(SOCK_STREAM);
	sockets(SOCK_SEQPACKET);
	sockets(SOCK_DGRAM);
	listener();
	terminals();
	watched();
	others();
	permissions();
	by_file();
	overflow();
	return 0;
}
