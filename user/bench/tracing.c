/* What probes cost: the null call with all of them off, with one that records its entry, and with entry and return. Lines as measure.h
 * says; none on a kernel without /proc/trace. Usage: tracing [RUNS]. */
#define _GNU_SOURCE
#include "measure.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void call_getppid(void) { syscall(SYS_getppid); }

/* 0 on a kernel that was built without tracing. */
static int enable(const char *what)
{
	int file = open("/proc/trace/enable", O_WRONLY);
	ssize_t wrote = write(file, what, strlen(what));
	must(file >= 0 && (wrote == (ssize_t)strlen(what) || errno == EOPNOTSUPP), what);
	close(file);
	return wrote > 0;
}

int main(int count, char **arguments)
{
	bench_begin(count, arguments, 1);
	mkdir("/proc", 0555);
	/* Where it is mounted already, that will do. */
	mount("proc", "/proc", "proc", 0, 0);
	if (access("/proc/trace/enable", W_OK) == 0) {
		measure("trace.null.off", call_getppid, 5000);
		if (enable("syscall:::entry")) {
			measure("trace.null.entry", call_getppid, 5000);
			enable("syscall:::return");
			measure("trace.null.entry.return", call_getppid, 5000);
			enable("0");
		}
	}
	return bench_end();
}
