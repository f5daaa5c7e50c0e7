/* More memory than there is: mmap or the touch of it fails in an orderly way in a child, and we live on. */
#include "check.h"
#include <sys/resource.h>

int main(void)
{
	/* Address-space limit: ENOMEM, nothing else. */
	pid_t child = fork();
	if (child == 0) {
		struct rlimit limit = { 64 << 20, 64 << 20 };
		CHECK_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
		CHECK(mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
		CHECK_EQUAL(errno, ENOMEM);
		CHECK(malloc(128 << 20) == NULL);
		CHECK(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	return 0;
}
