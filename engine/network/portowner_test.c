/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portowner.h"

static const char table[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
	"timeout "
	"inode\n"
	"   0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        "
	"0 "
	"11 1 0000000000000000 20 4 30 10 -1\n"
	"   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        "
	"0 "
	"31337 1 0000000000000000 100 0 0 10 0\n"
	"   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 07 "
	"00000000:00000000 00:00000000 00000000     0        0 77 2 0000000000000000 0\n";

static void inodes(void **state)
{
	static const struct {
		uint16_t port;
		bool listening;
		uint64_t inode;
	} cases[] = { { 8080, true, 31337 },
		      { 8080, false, 11 },
		      { 80, false, 77 },
		      { 80, true, 0 },
		      { 81, false, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(portowner_inode(table, cases[i].port, cases[i].listening),
				 cases[i].inode);
	assert_int_equal(portowner_inode("", 80, false), 0);
	assert_int_equal(portowner_inode("junk\n\n", 80, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(inodes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
