/* Prints the display's resolution; without a display says so, after a look that the device is truly not there. */
#include "picture.h"

int main(void)
{
	struct picture it = make_picture();
	if (it.file < 0) {
		CHECK(errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == EACCES);
		puts("no display");
		return 0;
	}
	printf("%dx%d\n", it.width, it.height);
	return 0;
}
