/* true: exits with 0, prints nothing, whatever its arguments. */
#include "suite.h"

int main(void)
{
	CHECK_PRINTS(RUN("true"), 0, "");
	struct finished *it = RUN("true", "ignored", "x", "y");
	CHECK_PRINTS(it, 0, "");
	CHECK_EQUAL(it->err_bytes, 0);
	for (int i = 0; i < 20; i++)
		CHECK_PRINTS(RUN("true"), 0, "");
	return 0;
}
