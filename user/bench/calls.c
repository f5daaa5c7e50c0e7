/* What single system calls cost: null and unknown calls, clocks, files, pipes, signals. Lines as measure.h says.
 * Usage: calls [RUNS]. */
#define _GNU_SOURCE
#include "measure.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void call_getppid(void) { syscall(SYS_getppid); }
static void call_unknown(void) { syscall(999); }

static struct timespec moment;
static void clock_library(void) { clock_gettime(CLOCK_MONOTONIC, &moment); }
static void clock_call(void) { syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &moment); }

static int file;
static char byte;
static struct stat data;
static void file_open_close(void)
{
	int opened = open("/tmp/figure", O_RDONLY);
	must(opened >= 0, "open");
	close(opened);
}
static void file_stat(void) { must(stat("/tmp/figure", &data) == 0, "stat"); }
static void file_fstat(void) { must(fstat(file, &data) == 0, "fstat"); }
static void file_read(void) { must(pread(file, &byte, 1, 0) == 1, "pread"); }
static void file_write(void) { must(pwrite(file, &byte, 1, 0) == 1, "pwrite"); }
static char block[4096];
static void file_read_block(void) { must(pread(file, block, sizeof block, 0) == sizeof block, "pread"); }
static void file_create_unlink(void)
{
	int made = open("/tmp/short-lived", O_CREAT | O_EXCL | O_WRONLY, 0600);
	must(made >= 0, "create");
	close(made);
	must(unlink("/tmp/short-lived") == 0, "unlink");
}

static int ends[4];
static void pipe_self(void)
{
	must(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1, "pipe");
}
static void pipe_round_trip(void)
{
	must(write(ends[1], &byte, 1) == 1 && read(ends[2], &byte, 1) == 1, "pipe");
}
static char bulk[65536];
static void pipe_megabyte(void)
{
	for (int i = 0; i < 16; i++)
		must(write(ends[1], bulk, sizeof bulk) == sizeof bulk, "pipe");
	must(read(ends[2], &byte, 1) == 1, "pipe");
}

static void on_signal(int number) { (void)number; }
static void signal_self(void) { kill(getpid(), SIGUSR1); }

static void pipes_with_a_child(void)
{
	must(!pipe(ends) && !pipe(ends + 2), "pipe");
	measure("pipe.write.read", pipe_self, 2000);
	pid_t echo = fork();
	if (echo == 0) {
		close(ends[1]);
		while (read(ends[0], &byte, 1) == 1)
			if (write(ends[3], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	measure("pipe.round.trip", pipe_round_trip, 500);
	close(ends[0]);
	close(ends[1]);
	reap(echo);

	must(!pipe(ends), "pipe");
	pid_t sink = fork();
	if (sink == 0) {
		close(ends[1]);
		long taken = 0;
		for (ssize_t count; (count = read(ends[0], bulk, sizeof bulk)) > 0; ) {
			for (taken += count; taken >= 1 << 20; taken -= 1 << 20)
				if (write(ends[3], &byte, 1) != 1)
					_exit(1);
		}
		_exit(0);
	}
	measure("pipe.megabyte", pipe_megabyte, 8);
	close(ends[1]);
	reap(sink);
}

int main(int count, char **arguments)
{
	bench_begin(count, arguments, 1);
	measure("sys.getppid", call_getppid, 5000);
	measure("sys.unknown", call_unknown, 5000);
	measure("clock.library", clock_library, 5000);
	measure("clock.call", clock_call, 5000);
	mkdir("/tmp", 0777);
	file = open("/tmp/figure", O_CREAT | O_RDWR, 0600);
	must(file >= 0 && write(file, block, sizeof block) == sizeof block, "/tmp/figure");
	measure("file.open.close", file_open_close, 1000);
	measure("file.stat", file_stat, 2000);
	measure("file.fstat", file_fstat, 2000);
	measure("file.read.byte", file_read, 2000);
	measure("file.write.byte", file_write, 2000);
	measure("file.read.block", file_read_block, 2000);
	measure("file.create.unlink", file_create_unlink, 500);
	pipes_with_a_child();
	signal(SIGUSR1, on_signal);
	measure("signal.self", signal_self, 1000);
	return bench_end();
}
