/* Set-user-ID and set-group-ID programs: whose rights they get, AT_SECURE, what no_new_privs and nosuid mounts take away, saved ids.
 * As an ordinary user only what needs no second user is checked. */
#include "check.h"
#include <grp.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

/* "real effective saved" of both kinds and whether the start was secure, as the executed program sees them. */
static void check_child(char **arguments)
{
	uid_t real, effective, saved;
	gid_t group_real, group_effective, group_saved;
	CHECK_EQUAL(getresuid(&real, &effective, &saved), 0);
	CHECK_EQUAL(getresgid(&group_real, &group_effective, &group_saved), 0);
	CHECK_EQUAL(real, atoi(arguments[2]));
	CHECK_EQUAL(effective, atoi(arguments[3]));
	CHECK_EQUAL(saved, atoi(arguments[3]));
	CHECK_EQUAL(group_real, atoi(arguments[4]));
	CHECK_EQUAL(group_effective, atoi(arguments[5]));
	CHECK_EQUAL(group_saved, atoi(arguments[5]));
	CHECK_EQUAL(getauxval(AT_SECURE), atoi(arguments[6]));
	CHECK_EQUAL(getauxval(AT_UID), real);
	CHECK_EQUAL(getauxval(AT_EUID), effective);
	CHECK_EQUAL(getauxval(AT_GID), group_real);
	CHECK_EQUAL(getauxval(AT_EGID), group_effective);
	/* What a foreign user may not look into. */
	CHECK_EQUAL(prctl(PR_GET_DUMPABLE), real == effective && group_real == group_effective);
	int signal = -1;
	CHECK_EQUAL(prctl(PR_GET_PDEATHSIG, &signal), 0);
	CHECK_EQUAL(signal, atoi(arguments[7]));
}

/* Runs `path` as user 1000 with what `prepare` does first. */
static void run(const char *path, void (*prepare)(void), int effective, int group_effective, int is_secure)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char numbers[6][12];
		CHECK_EQUAL(setgroups(0, NULL), 0);
		CHECK_EQUAL(setresgid(2000, 2000, 2000), 0);
		CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
		CHECK_EQUAL(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
		if (prepare)
			prepare();
		int values[] = { getuid(), effective, getgid(), group_effective, is_secure, is_secure ? 0 : SIGUSR1 };
		for (int i = 0; i < 6; i++)
			snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
		execl(path, "exec_identity_test", "child", numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5],
			NULL);
		CHECK(!"execl returned");
	}
	CHECK_EXITS(child, 0);
}

static void no_new_privileges(void)
{
	CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
}

static void copy_program(const char *path)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_EXCL | O_WRONLY, 0700);
	CHECK(from >= 0 && to >= 0);
	ssize_t got;
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		CHECK_EQUAL(write(to, buffer, (size_t)got), got);
	CHECK_EQUAL(got, 0);
	close(from);
	close(to);
}

static void set(const char *path, uid_t user, gid_t group, mode_t mode)
{
	CHECK_EQUAL(chown(path, user, group), 0);
	CHECK_EQUAL(chmod(path, mode), 0);
}

int main(int count, char **arguments)
{
	if (count > 1) {
		check_child(arguments);
		return 0;
	}
	CHECK_EQUAL(getauxval(AT_SECURE), 0);
	char directory[] = "/tmp/exec_identity_XXXXXX", path[64], script[64];
	CHECK(mkdtemp(directory) != NULL);
	struct statvfs mount_point;
	CHECK_EQUAL(statvfs(directory, &mount_point), 0);
	if (!is_superuser() || (mount_point.f_flag & ST_NOSUID) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		CHECK_EQUAL(rmdir(directory), 0);
		return 0;
	}
	CHECK_EQUAL(chmod(directory, 0755), 0);
	snprintf(path, sizeof path, "%s/program", directory);
	snprintf(script, sizeof script, "%s/script", directory);
	copy_program(path);
	set(path, 0, 0, 0755);
	run(path, NULL, 1000, 2000, 0);
	set(path, 3000, 4000, 04755);
	run(path, NULL, 3000, 2000, 1);
	set(path, 3000, 4000, 02755);
	run(path, NULL, 1000, 4000, 1);
	set(path, 0, 0, 06755);
	run(path, NULL, 0, 0, 1);
	/* A program that belongs to who starts it gives nothing. */
	set(path, 1000, 2000, 06755);
	run(path, NULL, 1000, 2000, 0);
	/* Set-group-ID without the group's execution is a mark for locks. */
	set(path, 3000, 4000, 02745);
	run(path, NULL, 1000, 2000, 0);
	/* Nothing is gained by who said so, and by children of those. */
	set(path, 0, 0, 06755);
	run(path, no_new_privileges, 1000, 2000, 0);

	/* Bits of a script mean nothing: its interpreter, which is told the script and then its arguments, acts as who started it. */
	int file = open(script, O_CREAT | O_WRONLY, 0755);
	CHECK(file >= 0);
	dprintf(file, "#!%s\n", path);
	CHECK_EQUAL(close(file), 0);
	set(path, 0, 0, 0755);
	set(script, 3000, 4000, 06755);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(setresgid(2000, 2000, 2000), 0);
		CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
		execl(script, script, "1000", "1000", "2000", "2000", "0", "0", NULL);
		_exit(100);
	}
	CHECK_EXITS(child, 0);

	/* The saved id becomes the effective one at any exec, and secure is who acts for another. */
	child = fork();
	if (child == 0) {
		CHECK_EQUAL(setresgid(2000, 2000, 4000), 0);
		CHECK_EQUAL(setresuid(1000, 3000, 0), 0);
		execl(path, "exec_identity_test", "child", "1000", "3000", "2000", "2000", "1", "0", NULL);
		_exit(100);
	}
	CHECK_EXITS(child, 0);

	/* A mount that takes no set-id bits. */
	CHECK_EQUAL(unlink(script), 0);
	set(path, 3000, 4000, 06755);
	char inner[64];
	snprintf(inner, sizeof inner, "%s/mount", directory);
	CHECK_EQUAL(mkdir(inner, 0755), 0);
	if (mount("none", inner, "tmpfs", MS_NOSUID, NULL) == 0) {
		char other[80];
		snprintf(other, sizeof other, "%s/program", inner);
		copy_program(other);
		set(other, 3000, 4000, 06755);
		run(other, NULL, 1000, 2000, 0);
		CHECK_EQUAL(umount(inner), 0);
	}
	CHECK_EQUAL(rmdir(inner), 0);
	CHECK_EQUAL(unlink(path), 0);
	CHECK_EQUAL(rmdir(directory), 0);
	return 0;
}
