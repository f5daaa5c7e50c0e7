/* Options of tmpfs: sizes hold, garbage is refused, remounting changes them; bind mounts with and without what is mounted below.
 * Needs the superuser and a mount namespace of its own where there are any; without the rights nothing is checked. */
#include "check.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static void refused(const char *options)
{
	CHECK_ERRNO(mount("none", "point", "tmpfs", 0, options), EINVAL);
}

/* Writes until there is no room; answers the bytes. */
static long fill(const char *name)
{
	static char block[4096];
	long total = 0;
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0);
	for (;;) {
		ssize_t written = write(fd, block, sizeof block);
		if (written < 0)
			break;
		total += written;
	}
	CHECK_EQUAL(errno, ENOSPC);
	CHECK_EQUAL(close(fd), 0);
	return total;
}

int main(void)
{
	struct statfs space;
	struct stat status;
	if (!is_superuser())
		return 0;
	if (unshare(CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	else if (errno == EPERM)
		return 0;
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkdir("point", 0755) | mkdir("other", 0755), 0);
	if (mount("none", "point", "tmpfs", 0, "size=64k,nr_inodes=5,mode=700,uid=12,gid=34") != 0) {
		CHECK(errno == EPERM || errno == EACCES);
		CHECK_EQUAL(rmdir("point") | rmdir("other"), 0);
		leave_scratch(scratch);
		return 0;
	}
	CHECK_EQUAL(stat("point", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 0700);
	CHECK_EQUAL(status.st_uid, 12);
	CHECK_EQUAL(status.st_gid, 34);
	CHECK_EQUAL(statfs("point", &space), 0);
	CHECK_EQUAL(space.f_blocks * space.f_bsize, 65536);
	CHECK_EQUAL(space.f_bfree, space.f_blocks);
	CHECK_EQUAL(space.f_files, 5);
	CHECK_EQUAL(space.f_ffree, 4);
	CHECK_EQUAL(fill("point/full"), 65536);
	CHECK_EQUAL(statfs("point", &space), 0);
	CHECK_EQUAL(space.f_bfree, 0);
	CHECK_ERRNO(mount("none", "point", NULL, MS_REMOUNT, "size=32k"), EINVAL);
	CHECK_EQUAL(mount("none", "point", NULL, MS_REMOUNT, "size=128k"), 0);
	CHECK_EQUAL(fill("point/full"), 131072);
	/* A page of a mapping for which there is no room. */
	int fd = open("point/hole", O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	CHECK_EQUAL(ftruncate(fd, 4096), 0);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(page != MAP_FAILED);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		*(volatile char *)page = 1;
		_exit(0);
	}
	CHECK_KILLED(child, SIGBUS);
	CHECK_EQUAL(munmap(page, 4096) | close(fd), 0);
	/* Inodes: the root, two files, and two more; a further name counts too. */
	CHECK_EQUAL(link("point/hole", "point/name"), 0);
	CHECK_EQUAL(mkdir("point/directory", 0755), 0);
	CHECK_ERRNO(mkdir("point/more", 0755), ENOSPC);
	CHECK_ERRNO(link("point/hole", "point/more"), ENOSPC);
	CHECK_EQUAL(unlink("point/name"), 0);
	CHECK_EQUAL(symlink("x", "point/more"), 0);
	CHECK_EQUAL(unlink("point/more") | unlink("point/full") | unlink("point/hole") | rmdir("point/directory"), 0);
	CHECK_EQUAL(statfs("point", &space), 0);
	CHECK_EQUAL(space.f_bfree, space.f_blocks);
	CHECK_EQUAL(space.f_ffree, 4);
	CHECK_ERRNO(mount("none", "point", NULL, MS_REMOUNT, "size=garbage"), EINVAL);
	CHECK_ERRNO(mount("none", "point", NULL, MS_REMOUNT, "nosuchword"), EINVAL);
	CHECK_EQUAL(umount("point"), 0);

	refused("size=garbage");
	refused("size=12q");
	refused("nosuchword");
	refused("mode=rwx");
	refused("mode");
	refused("uid=nobody");
	refused("nr_inodes=-3");
	CHECK_EQUAL(mount("none", "point", "ramfs", 0, "nosuchword,mode=711"), 0);
	CHECK_EQUAL(stat("point", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 0711);
	CHECK_EQUAL(umount("point"), 0);

	/* What is mounted below comes along with MS_REC only, and stays when the first place goes. */
	CHECK_EQUAL(mount("none", "point", "tmpfs", 0, NULL), 0);
	CHECK_EQUAL(mkdir("point/below", 0755) | mkdir("point/aside", 0755), 0);
	CHECK_EQUAL(mount("none", "point/below", "tmpfs", 0, NULL), 0);
	CHECK_EQUAL(mkdir("point/below/deep", 0755), 0);
	CHECK_EQUAL(mount("none", "point/below/deep", "tmpfs", 0, NULL), 0);
	CHECK_EQUAL(mkdir("point/below/deep/found", 0755), 0);
	CHECK_EQUAL(mount("point", "other", NULL, MS_BIND, NULL), 0);
	CHECK_ERRNO(stat("other/below/deep", &status), ENOENT);
	CHECK_EQUAL(umount("other"), 0);
	CHECK_EQUAL(mount("point", "other", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQUAL(stat("other/below/deep/found", &status), 0);
	CHECK_EQUAL(umount("point/below/deep") | umount("point/below"), 0);
	CHECK_ERRNO(stat("point/below/deep", &status), ENOENT);
	CHECK_EQUAL(stat("other/below/deep/found", &status), 0);
	CHECK_ERRNO(umount("other"), EBUSY);
	CHECK_EQUAL(umount("other/below/deep") | umount("other/below") | umount("other"), 0);
	/* Only what is below the directory that is shown. */
	CHECK_EQUAL(mount("none", "point/below", "tmpfs", 0, NULL), 0);
	CHECK_EQUAL(mount("point/aside", "other", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQUAL(umount("other"), 0);
	CHECK_EQUAL(umount("point/below") | umount("point"), 0);
	CHECK_EQUAL(rmdir("point") | rmdir("other"), 0);
	leave_scratch(scratch);
	return 0;
}
