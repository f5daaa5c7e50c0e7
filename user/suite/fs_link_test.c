/* Links: a second name of a file survives the first one's removal; symbolic links are followed, read, and told apart. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	struct stat one, two;
	char text[64] = "";
	write_file("original", "linked contents");
	CHECK_EQUAL(link("original", "hard"), 0);
	CHECK_EQUAL(stat("original", &one), 0);
	CHECK_EQUAL(stat("hard", &two), 0);
	CHECK_EQUAL(one.st_ino, two.st_ino);
	CHECK_EQUAL(one.st_nlink, 2);
	int file = open("hard", O_WRONLY);
	CHECK_EQUAL(write(file, "LINKED", 6), 6);
	CHECK_EQUAL(close(file), 0);
	check_file("original", "LINKED contents");
	CHECK_EQUAL(unlink("original"), 0);
	CHECK_ERRNO(stat("original", &one), ENOENT);
	check_file("hard", "LINKED contents");
	CHECK_EQUAL(stat("hard", &two), 0);
	CHECK_EQUAL(two.st_nlink, 1);
	CHECK_ERRNO(link("missing", "x"), ENOENT);
	CHECK_ERRNO(link("hard", "hard"), EEXIST);
	CHECK_ERRNO(link(".", "directory"), EPERM);
	/* Symbolic. */
	CHECK_EQUAL(symlink("hard", "soft"), 0);
	check_file("soft", "LINKED contents");
	CHECK_EQUAL(lstat("soft", &one), 0);
	CHECK(S_ISLNK(one.st_mode));
	CHECK_EQUAL(one.st_size, 4);
	CHECK_EQUAL(readlink("soft", text, sizeof text), 4);
	CHECK(strcmp(text, "hard") == 0);
	CHECK_EQUAL(readlink("soft", text, 2), 2);
	CHECK_ERRNO(readlink("hard", text, sizeof text), EINVAL);
	CHECK_ERRNO(symlink("hard", "soft"), EEXIST);
	CHECK_EQUAL(symlink("missing", "dangling"), 0);
	CHECK_ERRNO(open("dangling", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_EQUAL(symlink("loop", "loop"), 0);
	CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
	/* Created through a dangling link. */
	write_file("dangling", "made");
	check_file("missing", "made");
	/* Long targets, which do not fit an inode. */
	char target[200], back[300];
	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = 0;
	CHECK_EQUAL(symlink(target, "long"), 0);
	CHECK_EQUAL(readlink("long", back, sizeof back), (ssize_t)sizeof target - 1);
	CHECK(memcmp(target, back, sizeof target - 1) == 0);
	CHECK_EQUAL(unlink("soft"), 0);
	check_file("hard", "LINKED contents");
	static const char *const rest[] = { "hard", "dangling", "missing", "loop", "long" };
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
		CHECK_EQUAL(unlink(rest[i]), 0);
	leave_scratch(scratch);
	return 0;
}
