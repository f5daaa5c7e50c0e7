/* uname, getrandom, sysinfo, identity, limits, umask: plausible and consistent. */
#include "check.h"
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname name;
	CHECK_EQUAL(uname(&name), 0);
	CHECK(strcmp(name.sysname, "Linux") == 0);
#ifdef __x86_64__
	CHECK(strcmp(name.machine, "x86_64") == 0);
#else
	CHECK(strcmp(name.machine, "aarch64") == 0);
#endif
	int major = 0, minor = 0;
	CHECK_EQUAL(sscanf(name.release, "%d.%d", &major, &minor), 2);
	CHECK(major >= 5);
	CHECK_ERRNO(syscall(SYS_uname, 8), EFAULT);
	unsigned char first[32] = { 0 }, second[32] = { 0 };
	CHECK_EQUAL(getrandom(first, 32, 0), 32);
	CHECK_EQUAL(getrandom(second, 32, 0), 32);
	CHECK(memcmp(first, second, 32) != 0);
	CHECK_ERRNO(getrandom(first, 32, 0x100), EINVAL);
	struct sysinfo info;
	CHECK_EQUAL(sysinfo(&info), 0);
	CHECK(info.totalram > 0 && info.freeram <= info.totalram && info.mem_unit >= 1);
	struct rlimit limit;
	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(limit.rlim_cur >= 256 && limit.rlim_cur <= limit.rlim_max);
	CHECK_EQUAL(getrlimit(RLIMIT_STACK, &limit), 0);
	CHECK_ERRNO(getrlimit(99, &limit), EINVAL);
	limit = (struct rlimit){ 20, 20 };
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
		int last = 0;
		for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0;)
			last = fd;
		CHECK_EQUAL(errno, EMFILE);
		CHECK_EQUAL(last, 19);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	struct rusage usage;
	CHECK_EQUAL(getrusage(RUSAGE_SELF, &usage), 0);
	CHECK(usage.ru_maxrss > 0);
	umask(022);
	CHECK_EQUAL(umask(077), 022);
	CHECK_EQUAL(umask(022), 077);
	CHECK_EQUAL(getpid(), (pid_t)syscall(SYS_gettid));
	return 0;
}
