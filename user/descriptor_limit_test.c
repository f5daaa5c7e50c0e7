/* At the limit of open files a call that makes one finds out before it does anything: a connection is not lost, a file is not
 * made nor emptied. */
#include "check.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static void set_limit(int files)
{
	struct rlimit limit;
	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = files;
	CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	char bytes[8];
	const char *scratch = enter_scratch();
	snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "descriptor_limit_test %d", getpid());
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(server >= 0 && client >= 0);
	CHECK_EQUAL(bind(server, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQUAL(listen(server, 4), 0);
	CHECK_EQUAL(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQUAL(write(client, "hello", 5), 5);
	int file = open("file", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, "kept", 4), 4);
	set_limit(file + 1);
	for (int i = 0; i < 3; i++)
		CHECK_ERRNO(accept(server, NULL, NULL), EMFILE);
	CHECK_ERRNO(open("file", O_WRONLY | O_TRUNC), EMFILE);
	CHECK_ERRNO(open("file.new", O_WRONLY | O_CREAT, 0600), EMFILE);
	CHECK_ERRNO(open("nothing/at/all", O_RDONLY), EMFILE);
	set_limit(file + 20);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK_EQUAL(status.st_size, 4);
	CHECK_ERRNO(stat("file.new", &status), ENOENT);
	int connection = accept(server, NULL, NULL);
	CHECK_EQUAL(connection, file + 1);
	CHECK_EQUAL(read(connection, bytes, sizeof bytes), 5);
	/* A number taken for what could not be made is free again. */
	CHECK_ERRNO(open("nothing/at/all", O_RDONLY), ENOENT);
	CHECK_EQUAL(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(accept(server, NULL, NULL), EAGAIN);
	CHECK_ERRNO(accept(file, NULL, NULL), ENOTSOCK);
	int next = dup(file);
	CHECK_EQUAL(next, connection + 1);
	CHECK_EQUAL(close(next) | close(connection) | close(client) | close(server) | close(file), 0);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	return 0;
}
