/* Capabilities: capget and capset with every header, the bounding and the ambient set, securebits, and what becomes of all of them
 * when users change and programs are executed. All but the first part needs root. */
#include "check.h"
#include <grp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#define BIT(number) (1ULL << (number))
#define SECURE_NOROOT 1
#define SECURE_NO_SETUID_FIXUP 4
#define SECURE_KEEP_CAPS 16
#define SECURE_NO_CAP_AMBIENT_RAISE 64

struct sets {
	uint64_t effective, permitted, inheritable;
};

static int get_of(pid_t pid, struct sets *sets)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, pid };
	struct __user_cap_data_struct data[2] = { 0 };
	int answer = syscall(SYS_capget, &header, data);
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return answer;
}

static struct sets get(void)
{
	struct sets sets;
	CHECK_EQUAL(get_of(0, &sets), 0);
	return sets;
}

static int set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ effective >> 32, permitted >> 32, inheritable >> 32 },
	};
	return syscall(SYS_capset, &header, data);
}

static void expect(int line, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct sets now = get();
	if (now.effective != effective || now.permitted != permitted || now.inheritable != inheritable) {
		fprintf(stderr, "%s:%d: found %llx %llx %llx, expected %llx %llx %llx\n", __FILE__, line,
			(unsigned long long)now.effective, (unsigned long long)now.permitted,
			(unsigned long long)now.inheritable, (unsigned long long)effective,
			(unsigned long long)permitted, (unsigned long long)inheritable);
		exit(1);
	}
}
#define EXPECT(effective, permitted, inheritable) expect(__LINE__, effective, permitted, inheritable)

/* The value of a line of /proc/self/status. */
static uint64_t status_line(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long long value = 0;
	int found = 0;
	CHECK(file != NULL);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			found = sscanf(line + strlen(name) + 1, "%llx", &value);
	CHECK_EQUAL(found, 1);
	CHECK_EQUAL(fclose(file), 0);
	return value;
}

static const char *self;

/* Executes this program again: it must find these sets. Secure mode is asked for by the last argument. */
static void execute(const char *file, uint64_t effective, uint64_t permitted, uint64_t ambient, int is_secure)
{
	char sets[4][32];
	snprintf(sets[0], 32, "%llx", (unsigned long long)effective);
	snprintf(sets[1], 32, "%llx", (unsigned long long)permitted);
	snprintf(sets[2], 32, "%llx", (unsigned long long)ambient);
	snprintf(sets[3], 32, "%d", is_secure);
	execl(file, "capability_test", sets[0], sets[1], sets[2], sets[3], NULL);
	perror(file);
	_exit(9);
}

static void headers(void)
{
	struct __user_cap_header_struct header = { 0x12345678, 0 };
	struct __user_cap_data_struct data[2];
	/* Which version there is can be asked. */
	CHECK_EQUAL(syscall(SYS_capget, &header, NULL), 0);
	CHECK_EQUAL(header.version, _LINUX_CAPABILITY_VERSION_3);
	header.version = 0;
	CHECK_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
	CHECK_EQUAL(header.version, _LINUX_CAPABILITY_VERSION_3);
	header.version = 0;
	CHECK_ERRNO(syscall(SYS_capset, &header, data), EINVAL);
	CHECK_EQUAL(header.version, _LINUX_CAPABILITY_VERSION_3);
	CHECK_EQUAL(syscall(SYS_capget, &header, NULL), 0);
	CHECK_ERRNO(syscall(SYS_capget, NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_capget, &header, (void *)8), EFAULT);
	header.pid = -1;
	CHECK_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
	CHECK_ERRNO(syscall(SYS_capset, &header, data), EPERM);
	header.pid = 0x7ffffffe;
	CHECK_ERRNO(syscall(SYS_capget, &header, data), ESRCH);
	header.pid = getppid();
	CHECK_ERRNO(syscall(SYS_capset, &header, data), EPERM);
	struct sets others;
	CHECK_EQUAL(get_of(getpid(), &others), 0);
	EXPECT(others.effective, others.permitted, others.inheritable);
	/* The first version has half the bits, the second all of them. */
	struct sets now = get();
	memset(data, 0x5a, sizeof data);
	header = (struct __user_cap_header_struct){ _LINUX_CAPABILITY_VERSION_1, 0 };
	CHECK_EQUAL(syscall(SYS_capget, &header, data), 0);
	CHECK_EQUAL(data[0].permitted, (uint32_t)now.permitted);
	CHECK_EQUAL(data[1].permitted, 0x5a5a5a5a);
	header.version = _LINUX_CAPABILITY_VERSION_2;
	CHECK_EQUAL(syscall(SYS_capget, &header, data), 0);
	CHECK_EQUAL(data[1].permitted, now.permitted >> 32);
	/* What one has can always be set again. */
	CHECK_EQUAL(set(now.effective, now.permitted, now.inheritable), 0);

	CHECK_EQUAL(status_line("CapEff"), now.effective);
	CHECK_EQUAL(status_line("CapPrm"), now.permitted);
	CHECK_EQUAL(status_line("CapInh"), now.inheritable);
	uint64_t bounds = status_line("CapBnd"), ambient = status_line("CapAmb");
	for (int number = 0; number < 41; number++) {
		int is_bounded = prctl(PR_CAPBSET_READ, number);
		if (is_bounded < 0)
			continue; /* a Linux that has fewer */
		CHECK_EQUAL(is_bounded, bounds >> number & 1);
		CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0), ambient >> number & 1);
	}
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 1, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 5, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_KEEPCAPS), 0);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
}

/* Who has nothing gets nothing. */
static void without_rights(void)
{
	CHECK_EQUAL(set(0, 0, 0), 0);
	EXPECT(0, 0, 0);
	CHECK_ERRNO(set(BIT(CAP_KILL), BIT(CAP_KILL), 0), EPERM);
	CHECK_ERRNO(set(0, BIT(CAP_KILL), 0), EPERM);
	CHECK_ERRNO(set(0, 0, BIT(CAP_KILL)), EPERM);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, SECURE_KEEP_CAPS), EPERM);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQUAL(prctl(PR_GET_KEEPCAPS), 1);
	CHECK_EQUAL(prctl(PR_GET_SECUREBITS) & SECURE_KEEP_CAPS, SECURE_KEEP_CAPS);
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 0), 0);
}

/* User 0 without capabilities is a user like another. */
static void root_without(void)
{
	char name[64];
	CHECK_EQUAL(setgroups(0, NULL), 0);
	snprintf(name, sizeof name, "/tmp/capability_test-%d", getpid());
	int file = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK(file >= 0);
	CHECK_EQUAL(fchown(file, 1234, 1234), 0);
	CHECK_EQUAL(set(0, get().permitted, 0), 0);
	CHECK_ERRNO(open(name, O_RDONLY), EACCES);
	CHECK_ERRNO(fchmod(file, 0644), EPERM);
	CHECK_ERRNO(fchown(file, 0, 0), EPERM);
	CHECK_ERRNO(sethostname("x", 1), EPERM);
	CHECK_ERRNO(chroot("/"), EPERM);
	CHECK_ERRNO(setuid(1234), EPERM);
	CHECK_ERRNO(setgid(1234), EPERM);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
	CHECK_ERRNO(mknod("/tmp/capability_test-node", S_IFCHR | 0600, 0x103), EPERM);
	CHECK_ERRNO(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &(struct timespec){ 1000000000, 0 }), EPERM);
	/* One at a time. */
	uint64_t permitted = get().permitted;
	CHECK_EQUAL(set(BIT(CAP_DAC_READ_SEARCH), permitted, 0), 0);
	int again = open(name, O_RDONLY);
	CHECK(again >= 0 && close(again) == 0);
	CHECK_ERRNO(open(name, O_WRONLY), EACCES);
	CHECK_ERRNO(access(name, X_OK), EACCES);
	/* What access asks is what the real user may, whose rights are the permitted ones where it is 0. */
	CHECK_EQUAL(access(name, W_OK), 0);
	CHECK_EQUAL(set(BIT(CAP_DAC_OVERRIDE), permitted, 0), 0);
	again = open(name, O_WRONLY);
	CHECK(again >= 0 && close(again) == 0);
	CHECK_ERRNO(fchmod(file, 0644), EPERM);
	CHECK_EQUAL(set(BIT(CAP_FOWNER), permitted, 0), 0);
	CHECK_EQUAL(fchmod(file, 0640), 0);
	CHECK_EQUAL(set(BIT(CAP_CHOWN), permitted, 0), 0);
	CHECK_EQUAL(fchown(file, 0, 0), 0);
	CHECK(unlink(name) == 0 && close(file) == 0);
	CHECK_EQUAL(set(BIT(CAP_SETGID), permitted, 0), 0);
	CHECK_EQUAL(setgid(7), 0);
	CHECK_ERRNO(setuid(7), EPERM);
	CHECK_EQUAL(set(BIT(CAP_SETUID), permitted, 0), 0);
	CHECK_EQUAL(setresuid(0, 7, 0), 0);
}

/* Signals to others go by users, or by CAP_KILL. */
static void kill_others(void)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
		for (;;)
			pause();
	}
	/* Until it has changed. */
	while (kill(child, 0) == 0) {
		struct sets sets;
		CHECK_EQUAL(get_of(child, &sets), 0);
		if (sets.permitted == 0)
			break;
		sleep_ms(1);
	}
	uint64_t permitted = get().permitted;
	CHECK_EQUAL(set(permitted & ~BIT(CAP_KILL), permitted, 0), 0);
	CHECK_ERRNO(kill(child, SIGKILL), EPERM);
	CHECK_EQUAL(set(BIT(CAP_KILL), permitted, 0), 0);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
}

/* Changing users: what goes, what comes back. */
static void change_users(void)
{
	uint64_t all = get().permitted;
	EXPECT(all, all, 0);
	CHECK_EQUAL(seteuid(1234), 0);
	EXPECT(0, all, 0);
	CHECK_EQUAL(seteuid(0), 0);
	EXPECT(all, all, 0);
	CHECK_EQUAL(setfsuid(1234), 0);
	uint64_t of_files = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |
		BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE);
	EXPECT(all & ~of_files, all, 0);
	CHECK_EQUAL(setfsuid(0), 1234);
	EXPECT(all, all, 0);
	/* Kept on request; not the effective ones. */
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	EXPECT(0, all, 0);
	CHECK_EQUAL(set(BIT(CAP_SETUID), all, 0), 0);
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 0), 0);
	CHECK_EQUAL(setresuid(0, 0, 0), 0);
	EXPECT(all, all, 0);
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	EXPECT(0, 0, 0);
}

static void no_fix_up(void)
{
	uint64_t all = get().permitted;
	CHECK_EQUAL(prctl(PR_SET_SECUREBITS, SECURE_NO_SETUID_FIXUP | SECURE_NO_SETUID_FIXUP << 1), 0);
	CHECK_EQUAL(prctl(PR_GET_SECUREBITS), SECURE_NO_SETUID_FIXUP | SECURE_NO_SETUID_FIXUP << 1);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 0), EPERM);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, SECURE_NO_SETUID_FIXUP), EPERM);
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	EXPECT(all, all, 0);
	/* Exec ends it: nothing is inherited. */
	execute(self, 0, 0, 0, 0);
}

static void bounds(void)
{
	uint64_t all = get().permitted;
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 64), EINVAL);
	CHECK_EQUAL(prctl(PR_CAPBSET_DROP, CAP_KILL), 0);
	CHECK_EQUAL(prctl(PR_CAPBSET_READ, CAP_KILL), 0);
	CHECK_EQUAL(prctl(PR_CAPBSET_READ, CAP_CHOWN), 1);
	EXPECT(all, all, 0);
	CHECK_EQUAL(status_line("CapBnd") & BIT(CAP_KILL), 0);
	/* What is not bounded cannot become inheritable. */
	CHECK_ERRNO(set(all, all, BIT(CAP_KILL)), EPERM);
	CHECK_EQUAL(set(all, all, BIT(CAP_CHOWN)), 0);
}

static void ambient(void)
{
	uint64_t all = get().permitted;
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
	CHECK_EQUAL(set(all, all, BIT(CAP_KILL) | BIT(CAP_CHOWN)), 0);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1);
	CHECK_EQUAL(status_line("CapAmb"), BIT(CAP_KILL) | BIT(CAP_CHOWN));
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0), 0);
	CHECK_EQUAL(status_line("CapAmb"), BIT(CAP_CHOWN));
	/* What is no longer inheritable is no longer ambient. */
	CHECK_EQUAL(set(all, all, BIT(CAP_KILL)), 0);
	CHECK_EQUAL(status_line("CapAmb"), 0);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0);
	CHECK_EQUAL(status_line("CapAmb"), 0);
	CHECK_EQUAL(prctl(PR_SET_SECUREBITS, SECURE_NO_CAP_AMBIENT_RAISE), 0);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
}

static int executed(char **arguments)
{
	struct sets now = get();
	uint64_t effective = strtoull(arguments[1], NULL, 16), permitted = strtoull(arguments[2], NULL, 16);
	if (now.effective != effective || now.permitted != permitted ||
	    status_line("CapAmb") != strtoull(arguments[3], NULL, 16) ||
	    getauxval(AT_SECURE) != strtoul(arguments[4], NULL, 10) || prctl(PR_GET_KEEPCAPS) != 0) {
		fprintf(stderr, "after exec: %llx %llx, expected %s %s; ambient %llx, expected %s; secure %lu, expected %s\n",
			(unsigned long long)now.effective, (unsigned long long)now.permitted, arguments[1], arguments[2],
			(unsigned long long)status_line("CapAmb"), arguments[3], getauxval(AT_SECURE), arguments[4]);
		return 1;
	}
	return 0;
}

/* Root has everything that is bounded, whatever it had before. */
static void exec_root(void)
{
	uint64_t all = get().permitted;
	CHECK_EQUAL(prctl(PR_CAPBSET_DROP, CAP_KILL), 0);
	CHECK_EQUAL(set(0, BIT(CAP_CHOWN), 0), 0);
	execute(self, all & ~BIT(CAP_KILL), all & ~BIT(CAP_KILL), 0, 0);
}

/* Not where it promised to get no new rights. */
static void exec_root_promised(void)
{
	CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQUAL(set(BIT(CAP_CHOWN), BIT(CAP_CHOWN), 0), 0);
	execute(self, BIT(CAP_CHOWN), BIT(CAP_CHOWN), 0, 0);
}

/* Nor where user 0 means nothing. */
static void exec_no_root(void)
{
	CHECK_EQUAL(prctl(PR_SET_SECUREBITS, SECURE_NOROOT), 0);
	execute(self, 0, 0, 0, 0);
}

/* A real user 0 has them permitted, and not in effect. */
static void exec_real_root(void)
{
	uint64_t all = get().permitted;
	CHECK_EQUAL(setresuid(0, 1234, 1234), 0);
	EXPECT(0, all, 0);
	execute(self, 0, all, 0, 1);
}

/* Others keep what is ambient, and nothing else. */
static void exec_ambient(void)
{
	uint64_t all = get().permitted;
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	CHECK_EQUAL(set(all, all, BIT(CAP_KILL) | BIT(CAP_CHOWN)), 0);
	CHECK_EQUAL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), 0);
	execute(self, BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL), 0);
}

static void exec_plain(void)
{
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	execute(self, 0, 0, 0, 0);
}

/* A copy of this program that is set-user-ID root. */
static char copy[64];
static void make_copy(void)
{
	char buffer[65536];
	ssize_t count;
	snprintf(copy, sizeof copy, "/tmp/capability_test_copy-%d", getpid());
	int from = open("/proc/self/exe", O_RDONLY), to = open(copy, O_WRONLY | O_CREAT | O_EXCL, 0755);
	CHECK(from >= 0 && to >= 0);
	while ((count = read(from, buffer, sizeof buffer)) > 0)
		CHECK_EQUAL(write(to, buffer, count), count);
	CHECK_EQUAL(fchmod(to, 04755), 0);
	CHECK(close(from) == 0 && close(to) == 0);
}

static void exec_set_id(void)
{
	uint64_t all = get().permitted;
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	execute(copy, all, all, 0, 1);
}

static void exec_set_id_promised(void)
{
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	execute(copy, 0, 0, 0, 0);
}

/* Who is traced by somebody who may not have the rights of a program does not get them either; by root, it does. */
static void run_traced(pid_t child)
{
	int status = wait_status(child);
	while (WIFSTOPPED(status)) {
		CHECK_EQUAL(WSTOPSIG(status), SIGTRAP);
		CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
		status = wait_status(child);
	}
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 0);
}

static void exec_set_id_traced(void)
{
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(ptrace(PTRACE_TRACEME, 0, 0, 0), 0);
		execute(copy, 0, 0, 0, 1);
	}
	run_traced(child);
}

static void exec_set_id_traced_by_root(void)
{
	uint64_t all = get().permitted;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		/* The rights of who asks to be traced count. */
		CHECK_EQUAL(ptrace(PTRACE_TRACEME, 0, 0, 0), 0);
		CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
		execute(copy, all, all, 0, 1);
	}
	run_traced(child);
}

/* Nor does who shares its root and working directory with a process that does not get them. */
static int execute_copy(void *unused)
{
	(void)unused;
	execute(copy, 0, 0, 0, 1);
	return 1;
}

static void exec_set_id_shared(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	pid_t child = clone(execute_copy, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL);
	CHECK(child >= 0);
	CHECK_EXITS(child, 0);
}

/* What is raised makes a program one that its user may not look into. */
static void dumpable(void)
{
	uint64_t all = get().permitted;
	CHECK_EQUAL(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 1);
	CHECK_EQUAL(set(all, all, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 1);
	CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
	CHECK(prctl(PR_GET_DUMPABLE) != 1);
}

/* Limits: raised by CAP_SYS_RESOURCE, nice values by CAP_SYS_NICE. */
static void limits(void)
{
	uint64_t all = get().permitted;
	struct rlimit limit = { 10, 10 }, more = { 20, 20 };
	struct rlimit before;
	CHECK_EQUAL(getrlimit(RLIMIT_CORE, &before), 0);
	if (before.rlim_max < 20)
		return;
	CHECK_EQUAL(set(all & ~BIT(CAP_SYS_RESOURCE), all, 0), 0);
	CHECK_EQUAL(setrlimit(RLIMIT_CORE, &limit), 0);
	CHECK_ERRNO(setrlimit(RLIMIT_CORE, &more), EPERM);
	if (all & BIT(CAP_SYS_RESOURCE)) {
		CHECK_EQUAL(set(BIT(CAP_SYS_RESOURCE), all, 0), 0);
		CHECK_EQUAL(setrlimit(RLIMIT_CORE, &more), 0);
	}
	CHECK_EQUAL(set(0, all, 0), 0);
	CHECK_EQUAL(setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 }), 0);
	CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 5), 0);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 0), EACCES);
	if (all & BIT(CAP_SYS_NICE)) {
		CHECK_EQUAL(set(BIT(CAP_SYS_NICE), all, 0), 0);
		CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 0), 0);
	}
}

int main(int count, char **arguments)
{
	if (count == 5)
		return executed(arguments);
	self = "/proc/self/exe";
	in_child(headers);
	in_child(without_rights);
	/* The rest is about a root that has whatever it is bounded to, with the rights that containers usually leave it. */
	struct sets now = get();
	if (!is_superuser() || !has_capability(CAP_SETPCAP) || now.effective != now.permitted ||
	    status_line("CapBnd") != now.permitted || prctl(PR_GET_SECUREBITS) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
		return 0;
	CHECK_EQUAL(set(now.effective, now.permitted, 0), 0);
	in_child(root_without);
	in_child(kill_others);
	in_child(change_users);
	in_child(no_fix_up);
	in_child(bounds);
	in_child(ambient);
	in_child(exec_root);
	in_child(exec_root_promised);
	in_child(exec_no_root);
	in_child(exec_real_root);
	in_child(exec_ambient);
	in_child(exec_plain);
	in_child(dumpable);
	in_child(limits);
	struct statvfs tmp;
	CHECK_EQUAL(statvfs("/tmp", &tmp), 0);
	if (tmp.f_flag & ST_NOEXEC)
		return 0;
	make_copy();
	in_child(exec_set_id_promised);
	if (!(tmp.f_flag & ST_NOSUID)) {
		in_child(exec_set_id);
		in_child(exec_set_id_shared);
		in_child(exec_set_id_traced);
		if (has_capability(CAP_SYS_PTRACE))
			in_child(exec_set_id_traced_by_root);
	}
	CHECK_EQUAL(unlink(copy), 0);
	return 0;
}
