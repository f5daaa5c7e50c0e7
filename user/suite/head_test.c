/* head: ten lines by default, -n5, -n 3, -n 1, -n 0, a file that is shorter, one that is missing. */
#include "ends.h"

int main(void)
{
	check_end("head", 0);
	/* It ends while its writer still writes: the writer is ended by SIGPIPE, nothing hangs. */
	CHECK_PRINTS(RUN("sh", "-c", "yes | head -n 2"), 0, "y\ny\n");
	return 0;
}
