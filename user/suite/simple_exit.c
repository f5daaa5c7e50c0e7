/* Exits with 42 at once. */
int main(void)
{
	return 42;
}
